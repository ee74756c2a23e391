package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
)

// Masked stands in answers where a secret is; on its way back it means unchanged.
const Masked = "*********"

// MaskDocument replaces the secrets of a security document. Empty ones stay empty,
// so that a page can tell whether there is one.
func MaskDocument(doc []byte) ([]byte, error) {
	return rewriteSecrets(doc, func(_ string, raw jsontext.Value) jsontext.Value {
		if raw.Kind() == 'n' || string(raw) == `""` {
			return raw
		}
		return jsontext.Value(`"` + Masked + `"`)
	})
}

// UnmaskDocument puts the secrets of the previous document in the place of masks. A
// mask where there is no secret to keep is an error, a *Refused that names the
// fields.
func UnmaskDocument(doc, previous []byte) ([]byte, error) {
	kept := map[string]jsontext.Value{}
	if len(bytes.TrimSpace(previous)) > 0 {
		if _, err := rewriteSecrets(previous, func(path string, raw jsontext.Value) jsontext.Value {
			if raw.Kind() == '"' && string(raw) != `""` && textOf(raw) != Masked {
				kept[path] = raw.Clone()
			}
			return raw
		}); err != nil {
			return nil, fmt.Errorf("reading the previous security document: %w", err)
		}
	}
	var findings Findings
	out, err := rewriteSecrets(doc, func(path string, raw jsontext.Value) jsontext.Value {
		if raw.Kind() != '"' || textOf(raw) != Masked {
			return raw
		}
		if secret, ok := kept[path]; ok {
			return secret
		}
		findings = append(findings, Finding{Severity: Error, Code: "CFG-MASKED", Key: path,
			Message: "this is the mask of a secret, but no secret is stored.", Remedy: "enter the secret itself."})
		return raw
	})
	if err != nil {
		return nil, err
	}
	if refusal := findings.Refusal(); refusal != nil {
		return nil, refusal
	}
	return out, nil
}

// textOf returns the text of a JSON string, "" for anything else.
func textOf(raw jsontext.Value) string {
	text, err := jsontext.AppendUnquote(nil, raw)
	if err != nil {
		return ""
	}
	return string(text)
}

// rewriter copies a document and lets replace decide on every secret.
type rewriter struct {
	keys    *keySet
	dec     *jsontext.Decoder
	enc     *jsontext.Encoder
	replace func(path string, raw jsontext.Value) jsontext.Value
}

func rewriteSecrets(doc []byte, replace func(string, jsontext.Value) jsontext.Value) ([]byte, error) {
	if len(doc) > maxSavedBytes {
		return nil, documentError(fmt.Sprintf("the document is larger than %d bytes.", maxSavedBytes))
	}
	var out bytes.Buffer
	r := &rewriter{keys: knownKeys(), dec: jsontext.NewDecoder(bytes.NewReader(doc)), enc: jsontext.NewEncoder(&out), replace: replace}
	if r.dec.PeekKind() != '{' {
		return nil, documentError("the document must be a JSON object.")
	}
	if err := r.object(""); err != nil {
		return nil, documentError("the document is not JSON, names a member twice, or breaks off.")
	}
	if _, err := r.dec.ReadToken(); !errors.Is(err, io.EOF) {
		return nil, documentError("something stands behind the document.")
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

func documentError(message string) error {
	return &Refused{Findings: Findings{{Severity: Error, Code: "CFG-SAVED", Message: message}}}
}

// object copies an object; it enters known sections only, whose depth is bounded.
func (r *rewriter) object(path string) error {
	if err := r.copyToken(); err != nil {
		return err
	}
	for r.dec.PeekKind() != '}' {
		token, err := r.dec.ReadToken()
		if err != nil {
			return err
		}
		at := join(path, token.String())
		if err := r.enc.WriteToken(token); err != nil {
			return err
		}
		if r.dec.PeekKind() == '{' && r.keys.isSection(at) {
			err = r.object(at)
		} else {
			err = r.member(at)
		}
		if err != nil {
			return err
		}
	}
	return r.copyToken()
}

func (r *rewriter) member(path string) error {
	raw, err := r.dec.ReadValue()
	if err != nil {
		return err
	}
	if info, ok := r.keys.byPath[path]; ok && info.kind == kindSecret {
		raw = r.replace(path, raw)
	}
	return r.enc.WriteValue(raw)
}

func (r *rewriter) copyToken() error {
	token, err := r.dec.ReadToken()
	if err != nil {
		return err
	}
	return r.enc.WriteToken(token)
}
