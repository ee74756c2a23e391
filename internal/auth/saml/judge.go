package saml

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

const (
	statusSuccess = "urn:oasis:names:tc:SAML:2.0:status:Success"
	bearer        = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
	entityFormat  = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity"
	// maxAge is how long ago a response may have been made: as long as an attempt lasts.
	maxAge = 10 * time.Minute
)

// refused is a reason for the log; the person learns only that the answer is not
// valid.
func refused(err error) error { return auth.RefuseFor(auth.CodeSAML, err) }

// judge reads a response and returns its assertion when every check has passed.
func (p *Provider) judge(raw []byte, request string, now time.Time) (*assertion, error) {
	root, err := readDocument(raw)
	if err != nil {
		return nil, refused(err)
	}
	found, err := takeApart(root)
	if err != nil {
		return nil, refused(err)
	}
	outer := root
	if found.signature != nil {
		if outer, err = verify(root, found.signature, p.keys.trusted, now); err != nil {
			return nil, refused(fmt.Errorf("response: %w", err))
		}
	} else if p.config.WantMessagesSigned {
		return nil, refused(errors.New("the response is not signed, but wantMessagesSigned is set"))
	}
	if err := p.checkResponse(outer, request, now); err != nil {
		return nil, err
	}
	signed, err := p.signedAssertion(found, outer, now)
	if err != nil {
		return nil, refused(err)
	}
	var read assertion
	if err := decode(signed, &read); err != nil {
		return nil, refused(err)
	}
	if err := p.checkAssertion(&read, request, now); err != nil {
		return nil, refused(fmt.Errorf("assertion: %w", err))
	}
	return &read, nil
}

// checkResponse checks the envelope.
func (p *Provider) checkResponse(outer *etree.Element, request string, now time.Time) error {
	var envelope response
	if err := decode(outer, &envelope); err != nil {
		return refused(err)
	}
	issued, err := instant(envelope.IssueInstant)
	switch {
	case envelope.Version != "2.0":
		err = errors.New("the response is not of SAML 2.0")
	case envelope.InResponseTo == "":
		err = errors.New("the response was not asked for (no InResponseTo)")
	case envelope.InResponseTo != request:
		err = errors.New("the response is to another request (InResponseTo)")
	case envelope.Destination != p.config.ACSURL:
		err = errors.New("the response is for another address (Destination)")
	case envelope.Issuer != nil && !p.isIssuer(envelope.Issuer):
		err = errors.New("the response is of another identity provider (Issuer)")
	case err != nil:
	default:
		err = p.checkAge(issued, now)
	}
	if err != nil {
		return refused(err)
	}
	if code := envelope.StatusCode; code == nil || code.Value != statusSuccess {
		return auth.RefuseFor(auth.CodeProvider, errors.New(describeStatus(code, envelope.Message)))
	}
	return nil
}

// describeStatus repeats the provider's words, bounded and quoted.
func describeStatus(code *statusCode, message string) string {
	var codes []string
	for ; code != nil && len(codes) < 3; code = code.Code {
		codes = append(codes, code.Value[strings.LastIndexByte(code.Value, ':')+1:])
	}
	return fmt.Sprintf("status %q, message %.200q", strings.Join(codes, " "), strings.TrimSpace(message))
}

func (p *Provider) isIssuer(who *issuer) bool {
	return strings.TrimSpace(who.Value) == p.config.IDPEntityID && (who.Format == "" || who.Format == entityFormat)
}

func (p *Provider) checkAge(issued, now time.Time) error {
	switch {
	case issued.After(now.Add(p.config.Skew)):
		return fmt.Errorf("made %s in the future: compare the clocks", issued.Sub(now).Round(time.Second))
	case issued.Before(now.Add(-maxAge - p.config.Skew)):
		return errors.New("made too long ago")
	}
	return nil
}

// signedAssertion returns the assertion from under a signature: its own, or that of
// the response when assertions need none.
func (p *Provider) signedAssertion(found parts, outer *etree.Element, now time.Time) (*etree.Element, error) {
	covered := found.signature != nil
	el, signature := found.assertion, found.assertionSignature
	switch {
	case found.encrypted != nil:
		var err error
		if el, signature, err = p.decrypted(outer, covered); err != nil {
			return nil, err
		}
	case el == nil:
		return nil, errors.New("the response has no assertion")
	case p.config.WantAssertionEncrypted:
		return nil, errors.New("the assertion is not encrypted, but wantAssertionEncrypted is set")
	}
	if signature != nil {
		signed, err := verify(el, signature, p.keys.trusted, now)
		if err != nil {
			return nil, fmt.Errorf("assertion: %w", err)
		}
		return signed, nil
	}
	if !covered {
		return nil, errors.New("neither the response nor the assertion is signed")
	}
	if !p.config.AllowUnsignedAssertions {
		return nil, errors.New("the assertion is not signed itself, but wantAssertionsSigned is set")
	}
	if found.encrypted != nil {
		return el, nil
	}
	return onlyChild(outer, nsAssertion, "Assertion")
}

func (p *Provider) decrypted(outer *etree.Element, covered bool) (el, signature *etree.Element, err error) {
	if p.keys.ownKey == nil {
		return nil, nil, errors.New("the assertion is encrypted, but there is no sp.spPrivateKey to decrypt it")
	}
	holder, err := onlyChild(outer, nsAssertion, "EncryptedAssertion")
	if err != nil {
		return nil, nil, err
	}
	plain, err := decryptAssertion(holder, p.keys.ownKey, covered)
	if err != nil {
		return nil, nil, err
	}
	if el, err = readDocument(plain); err != nil {
		return nil, nil, errDecrypt
	}
	signature, err = takeAssertion(el)
	return el, signature, err
}

// checkAssertion checks all that the Web Browser SSO profile asks for (Profiles
// §4.1.4.3).
func (p *Provider) checkAssertion(a *assertion, request string, now time.Time) error {
	issued, err := instant(a.Issued)
	switch {
	case a.Version != "2.0" || a.ID == "":
		return errors.New("not of SAML 2.0, or without an id")
	case a.Issuer == nil || !p.isIssuer(a.Issuer):
		return errors.New("of another identity provider (Issuer)")
	case len(a.Subjects) != 1 || len(a.Conditions) != 1 || len(a.Statements) == 0:
		return errors.New("needs one Subject, one Conditions and an AuthnStatement")
	case len(a.Encrypted) > 0:
		return errors.New("has encrypted attributes, which are not supported")
	case err != nil:
		return err
	}
	if err := p.checkAge(issued, now); err != nil {
		return err
	}
	if err := p.checkSubject(&a.Subjects[0], request, now); err != nil {
		return err
	}
	if err := p.checkConditions(&a.Conditions[0], now); err != nil {
		return err
	}
	for _, statement := range a.Statements {
		if err := p.checkPeriod(statement.AuthnInstant, statement.SessionNotOnOrAfter, now); err != nil {
			return fmt.Errorf("session: %w", err)
		}
	}
	return nil
}

func (p *Provider) checkSubject(s *subject, request string, now time.Time) error {
	if len(s.EncryptedIDs) > 0 {
		return errors.New("the NameID is encrypted, which is not supported; let the provider encrypt the assertion")
	}
	if len(s.NameIDs) != 1 {
		return errors.New("needs exactly one NameID")
	}
	name := s.NameIDs[0]
	value := strings.TrimSpace(name.Value)
	switch {
	case value == "" || len(value) > maxNameID || strings.ContainsFunc(value, isControl):
		return errors.New("the NameID is empty, too long or has control characters")
	case name.Format == formatTransient:
		return errors.New("the NameID is transient: it names a person only once; let the provider send a persistent one")
	case name.SPNameQualifier != "" && name.SPNameQualifier != p.config.SPEntityID:
		return errors.New("the NameID is for another service provider (SPNameQualifier)")
	}
	reason := errors.New("there is no bearer confirmation")
	for _, c := range s.Confirmations {
		if c.Method != bearer || c.Data == nil {
			continue
		}
		if reason = p.checkConfirmation(c, request, now); reason == nil {
			return nil
		}
	}
	return reason
}

func (p *Provider) checkConfirmation(c confirmation, request string, now time.Time) error {
	switch {
	case c.Data.Recipient != p.config.ACSURL:
		return errors.New("for another address (Recipient)")
	case c.Data.InResponseTo != request:
		return errors.New("to another request (InResponseTo of the confirmation)")
	case c.Data.NotOnOrAfter == "":
		return errors.New("the confirmation has no end (NotOnOrAfter)")
	}
	return p.checkPeriod(c.Data.NotBefore, c.Data.NotOnOrAfter, now)
}

func (p *Provider) checkConditions(c *conditions, now time.Time) error {
	if err := p.checkPeriod(c.NotBefore, c.NotOnOrAfter, now); err != nil {
		return err
	}
	if len(c.Others) > 0 {
		return errors.New("has a condition that is not known here")
	}
	if len(c.Audiences) == 0 {
		return errors.New("is for nobody in particular (no AudienceRestriction)")
	}
	for _, restriction := range c.Audiences {
		if !slices.ContainsFunc(restriction.Audiences, func(a string) bool { return strings.TrimSpace(a) == p.config.SPEntityID }) {
			return errors.New("is for another service provider (Audience)")
		}
	}
	return nil
}

// checkPeriod checks a beginning and an end, either of which may be missing.
func (p *Provider) checkPeriod(begin, end string, now time.Time) error {
	if begin != "" {
		t, err := instant(begin)
		if err != nil {
			return err
		}
		if now.Add(p.config.Skew).Before(t) {
			return fmt.Errorf("not valid for another %s: compare the clocks", t.Sub(now).Round(time.Second))
		}
	}
	if end != "" {
		t, err := instant(end)
		if err != nil {
			return err
		}
		if !now.Add(-p.config.Skew).Before(t) {
			return fmt.Errorf("expired %s ago", now.Sub(t).Round(time.Second))
		}
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }
