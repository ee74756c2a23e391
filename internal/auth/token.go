package auth

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/golang-jwt/jwt/v5"
)

// The kinds of token, as in the claim tokenType and in entity.Principal.
const (
	TypeUser     = "OM_USER"
	TypeBot      = "BOT"
	TypePersonal = "PERSONAL_ACCESS"
)

const (
	maxToken = 8 << 10 // of a request
	// maxIDToken bounds what a provider gives to this server directly. No header has to
	// hold it, so it may list as many groups as people are in.
	maxIDToken = 128 << 10
	maxDepth   = 8
)

var errTooLarge = errors.New("too large")

// claims are the members of a token's payload that count.
type claims struct {
	Issuer    string   `json:"iss"`
	Subject   string   `json:"sub,omitzero"`
	Email     string   `json:"email,omitzero"`
	IsBot     bool     `json:"isBot"`
	Type      string   `json:"tokenType,omitzero"`
	IssuedAt  *int64   `json:"iat,omitzero"`
	Expires   *int64   `json:"exp,omitzero"`
	NotBefore *int64   `json:"nbf,omitzero"`
	Audience  audience `json:"aud,omitzero"`
	Party     string   `json:"azp,omitzero"`
	ID        string   `json:"jti,omitzero"`

	// Of ID tokens (OpenID Connect Core 1.0 §2).
	Nonce      string `json:"nonce,omitzero"`
	AccessHash string `json:"at_hash,omitzero"`
	AuthTime   *int64 `json:"auth_time,omitzero"`
}

// audience is a string or a list of strings.
type audience []string

// UnmarshalJSONFrom reads either form.
func (a *audience) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	if dec.PeekKind() == '[' {
		return json.UnmarshalDecode(dec, (*[]string)(a))
	}
	var one string
	if err := json.UnmarshalDecode(dec, &one); err != nil {
		return err
	}
	*a = audience{one}
	return nil
}

// MarshalJSONTo writes one audience as a string, which every client can read.
func (a audience) MarshalJSONTo(enc *jsontext.Encoder) error {
	if len(a) == 1 {
		return enc.WriteToken(jsontext.String(a[0]))
	}
	return json.MarshalEncode(enc, []string(a))
}

// header are the members of a token's header that count. Members that bring or
// point to keys (jwk, jku, x5c, x5u) are not even read.
type header struct {
	Algorithm string         `json:"alg"`
	KeyID     string         `json:"kid,omitzero"`
	Type      string         `json:"typ,omitzero"`
	Critical  jsontext.Value `json:"crit,omitzero"`
}

// parsed is a token that is well-formed, and nothing more.
type parsed struct {
	header    header
	claims    claims
	payload   []byte // all claims, as JSON
	signed    string // what the signature covers
	signature []byte
}

// parse takes the token of a request apart. Its errors say what is wrong, never with
// what text.
func parse(token string) (*parsed, error) { return parseWithin(token, maxToken) }

func parseWithin(token string, most int) (*parsed, error) {
	if len(token) > most {
		return nil, fmt.Errorf("%w: the token has %d bytes, more than %d", errTooLarge, len(token), most)
	}
	head, rest, _ := strings.Cut(token, ".")
	body, sign, ok := strings.Cut(rest, ".")
	if !ok || strings.Contains(sign, ".") {
		return nil, errors.New("the token does not have three parts")
	}
	p := &parsed{signed: token[:len(head)+1+len(body)]}
	if _, err := decodeObject(head, &p.header); err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if p.header.Critical != nil {
		return nil, errors.New("the header demands extensions (crit)")
	}
	payload, err := decodeObject(body, &p.claims)
	if err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	p.payload = payload
	// Only "none" leaves the signature empty; its algorithm is refused later, by
	// the name that explains it.
	if sign == "" && !strings.EqualFold(p.header.Algorithm, "none") {
		return nil, errors.New("the signature is empty")
	}
	signature, err := decodePart(sign)
	if err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	p.signature = signature
	return p, nil
}

func decodePart(part string) ([]byte, error) {
	// The decoder would skip line breaks.
	if strings.ContainsAny(part, "\r\n") {
		return nil, errors.New("line break inside")
	}
	data, err := base64.RawURLEncoding.Strict().DecodeString(part)
	if err != nil {
		return nil, errors.New("not base64url without padding")
	}
	return data, nil
}

func decodeObject(part string, into any) ([]byte, error) {
	data, err := decodePart(part)
	if err != nil {
		return nil, err
	}
	if err := checkJSON(data); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(data, into); err != nil {
		return nil, errors.New("a member has the wrong type")
	}
	return data, nil
}

// checkJSON walks the text once: one object, no repeated names, valid UTF-8, not
// too deep.
func checkJSON(data []byte) error {
	dec := jsontext.NewDecoder(bytes.NewReader(data))
	if dec.PeekKind() != '{' {
		return errors.New("not a JSON object")
	}
	for {
		_, err := dec.ReadToken()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return errors.New("not strict JSON")
		}
		if dec.StackDepth() > maxDepth {
			return fmt.Errorf("nested deeper than %d", maxDepth)
		}
	}
}

// sign makes a token of the claims with the current key.
func (s *Service) sign(c claims) (string, error) {
	token, _, err := s.signNaming(c)
	return token, err
}

// signNaming is sign that also tells which key it was.
func (s *Service) signNaming(c claims) (token, keyID string, err error) {
	id, private, err := s.signer(&c)
	if err != nil {
		return "", "", err
	}
	head, err := json.Marshal(struct {
		Algorithm string `json:"alg"`
		Type      string `json:"typ"`
		KeyID     string `json:"kid"`
	}{jwt.SigningMethodRS256.Alg(), "JWT", id})
	if err != nil {
		return "", "", err
	}
	body, err := json.Marshal(c)
	if err != nil {
		return "", "", err
	}
	signed := base64.RawURLEncoding.EncodeToString(head) + "." + base64.RawURLEncoding.EncodeToString(body)
	signature, err := jwt.SigningMethodRS256.Sign(signed, private)
	if err != nil {
		return "", "", err
	}
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature), id, nil
}

// randomID makes an identifier nobody can guess, of 128 bits.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails, says crypto/rand
	return base64.RawURLEncoding.EncodeToString(b[:])
}
