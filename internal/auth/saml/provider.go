package saml

import (
	"bytes"
	"compress/flate"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"time"

	"github.com/beevik/etree"
	crewjam "github.com/crewjam/saml"
	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

const (
	bindingPost     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	bindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	rsaSHA256       = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
	// maxRelayState is the profile's bound (Bindings §3.4.3).
	maxRelayState = 80
)

// Provider signs people in at one SAML identity provider. It is safe for concurrent
// use.
type Provider struct {
	config   Config
	keys     credentials
	clock    func() time.Time
	log      *slog.Logger
	metadata []byte
	used     replays
}

// New checks the configuration; errors name the settings. Nothing is fetched.
func New(config Config, clock func() time.Time, log *slog.Logger) (*Provider, error) {
	config = config.withDefaults()
	if err := config.check(); err != nil {
		return nil, err
	}
	keys, err := config.credentials()
	if err != nil {
		return nil, err
	}
	if clock == nil {
		clock = time.Now
	}
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	p := &Provider{config: config, keys: keys, clock: clock, log: log}
	if p.metadata, err = p.describe(); err != nil {
		return nil, err
	}
	return p, nil
}

// Issuer is the issuer of the identities: the provider's entity id.
func (p *Provider) Issuer() string { return p.config.IDPEntityID }

// Metadata returns the description of this service provider, to import at the
// identity provider.
func (p *Provider) Metadata() []byte { return bytes.Clone(p.metadata) }

// Start returns the address with the request. It keeps the request's id in d.Note.
func (p *Provider) Start(_ context.Context, d *auth.Departure) (string, error) {
	if len(d.State) > maxRelayState {
		return "", errors.New("the state is longer than a RelayState may be")
	}
	request := crewjam.AuthnRequest{
		ID: newID(), Version: "2.0", IssueInstant: p.clock().UTC(),
		Destination:                 p.config.IDPLoginURL,
		Issuer:                      &crewjam.Issuer{Value: p.config.SPEntityID},
		AssertionConsumerServiceURL: p.config.ACSURL,
		ProtocolBinding:             bindingPost,
		NameIDPolicy:                namePolicy(p.config.NameIDFormat),
	}
	address, err := p.redirect(p.config.IDPLoginURL, request.Element(), d.State, p.config.SignRequests)
	if err != nil {
		return "", err
	}
	d.Note = request.ID
	return address, nil
}

// Finish judges the SAMLResponse that the browser posted.
func (p *Provider) Finish(ctx context.Context, d auth.Departure, answer url.Values) (auth.Grant, error) {
	granted, err := p.finish(d, answer)
	if err != nil {
		p.log.WarnContext(ctx, "A SAML response was refused.", "issuer", p.config.IDPEntityID, "cause", err.Error())
	}
	return granted, err
}

func (p *Provider) finish(d auth.Departure, answer url.Values) (auth.Grant, error) {
	if d.Note == "" {
		return auth.Grant{}, refused(errors.New("the attempt has no request"))
	}
	if state := answer["RelayState"]; len(state) != 1 || subtle.ConstantTimeCompare([]byte(state[0]), []byte(d.State)) != 1 {
		return auth.Grant{}, auth.RefuseFor(auth.CodeState, errors.New("the RelayState is not that of the attempt"))
	}
	sent := answer["SAMLResponse"]
	if len(sent) != 1 {
		return auth.Grant{}, refused(errors.New("needs exactly one SAMLResponse"))
	}
	if len(sent[0]) > 2*maxDocument {
		return auth.Grant{}, refused(errors.New("the document is too large"))
	}
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(sent[0]), ""))
	if err != nil {
		return auth.Grant{}, refused(errors.New("the SAMLResponse is not Base64"))
	}
	now := p.clock()
	judged, err := p.judge(raw, d.Note, now)
	if err != nil {
		return auth.Grant{}, err
	}
	granted, err := p.grant(judged)
	if err != nil {
		return auth.Grant{}, err
	}
	if !p.used.use(judged.ID, now) {
		return auth.Grant{}, refused(errors.New("the assertion was used before"))
	}
	return granted, nil
}

// SignOut returns the address with a request to end the session there, "" when no
// logout URL is configured or it is not known whom to name. The idToken is what
// Finish left in Grant.IDToken.
func (p *Provider) SignOut(idToken, session, back string) string {
	var who nameID
	if p.config.IDPLogoutURL == "" || json.Unmarshal([]byte(idToken), &who) != nil || who.Value == "" {
		return ""
	}
	request := crewjam.LogoutRequest{
		ID: newID(), Version: "2.0", IssueInstant: p.clock().UTC(),
		Destination: p.config.IDPLogoutURL,
		Issuer:      &crewjam.Issuer{Value: p.config.SPEntityID},
		NameID:      &crewjam.NameID{Value: who.Value, Format: who.Format, NameQualifier: who.NameQualifier, SPNameQualifier: who.SPNameQualifier},
	}
	if session != "" {
		request.SessionIndex = &crewjam.SessionIndex{Value: session}
	}
	if len(back) > maxRelayState {
		back = ""
	}
	address, err := p.redirect(p.config.IDPLogoutURL, request.Element(), back, p.keys.ownKey != nil)
	if err != nil {
		p.log.Error("A logout request could not be made.", "cause", err.Error())
		return ""
	}
	return address
}

func namePolicy(format string) *crewjam.NameIDPolicy {
	create := true
	policy := &crewjam.NameIDPolicy{AllowCreate: &create}
	if format != FormatUnspecified {
		policy.Format = &format
	}
	return policy
}

// redirect writes a request into an address (Bindings §3.4.4.1). The signature is
// over the encoded parameters in their order.
func (p *Provider) redirect(to string, request *etree.Element, relay string, sign bool) (string, error) {
	document, err := etree.NewDocumentWithRoot(request).WriteToBytes()
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	deflater, err := flate.NewWriter(&packed, flate.BestCompression)
	if err != nil {
		return "", err
	}
	if _, err := deflater.Write(document); err != nil {
		return "", err
	}
	if err := deflater.Close(); err != nil {
		return "", err
	}
	query := "SAMLRequest=" + url.QueryEscape(base64.StdEncoding.EncodeToString(packed.Bytes()))
	if relay != "" {
		query += "&RelayState=" + url.QueryEscape(relay)
	}
	if sign {
		query += "&SigAlg=" + url.QueryEscape(rsaSHA256)
		digest := sha256.Sum256([]byte(query))
		signature, err := rsa.SignPKCS1v15(rand.Reader, p.keys.ownKey, crypto.SHA256, digest[:])
		if err != nil {
			return "", err
		}
		query += "&Signature=" + url.QueryEscape(base64.StdEncoding.EncodeToString(signature))
	}
	address, err := url.Parse(to)
	if err != nil {
		return "", err
	}
	if address.RawQuery != "" {
		query = address.RawQuery + "&" + query
	}
	address.RawQuery = query
	return address.String(), nil
}

// newID is an id as XML wants it, which begins with a letter or an underscore.
func newID() string { return "_" + rand.Text() }
