package oidc

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/url"
	"strconv"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// maxCode bounds an authorization code; the header limits of servers are above it.
const maxCode = 8 << 10

// minMaxAge is the shortest age of a sign-in that is demanded of the ID token: with
// max_age=0 it happened a moment ago, but not at this very second.
const minMaxAge = time.Minute

// Start makes the authorization request (OpenID Connect Core 1.0 §3.1.2.1, RFC 7636
// §4.3).
func (p *Provider) Start(_ context.Context, d *auth.Departure) (string, error) {
	m, err := p.metadata()
	if err != nil {
		return "", err
	}
	params := url.Values{}
	for name, value := range p.cfg.CustomParams {
		params.Set(name, value)
	}
	if p.preset.offline == offlineParam && p.wantsOffline() && !params.Has("access_type") {
		params.Set("access_type", "offline")
	}
	params.Set("response_type", "code")
	params.Set("client_id", p.cfg.ClientID)
	params.Set("redirect_uri", p.cfg.CallbackURL)
	params.Set("scope", p.scope())
	params.Set("state", d.State)
	if p.cfg.UseNonce {
		params.Set("nonce", d.Nonce)
	}
	if !p.cfg.DisablePKCE {
		challenge := sha256.Sum256([]byte(d.Verifier))
		params.Set("code_challenge", base64.RawURLEncoding.EncodeToString(challenge[:]))
		params.Set("code_challenge_method", "S256")
	}
	if prompt := p.prompt(m); prompt != "" {
		params.Set("prompt", prompt)
	}
	if p.cfg.MaxAge != nil {
		params.Set("max_age", strconv.FormatInt(int64(p.cfg.MaxAge.Seconds()), 10))
	}
	return withQuery(m.AuthorizationEndpoint, params), nil
}

// Finish judges the answer that the browser brought and exchanges its code.
func (p *Provider) Finish(ctx context.Context, d auth.Departure, answer url.Values) (auth.Grant, error) {
	m, err := p.metadata()
	if err != nil {
		return auth.Grant{}, err
	}
	code, err := readAnswer(m, answer)
	if err != nil {
		return auth.Grant{}, err
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {p.cfg.CallbackURL}}
	if !p.cfg.DisablePKCE {
		form.Set("code_verifier", d.Verifier)
	}
	t, err := p.token(ctx, m, form)
	if err != nil {
		return auth.Grant{}, codeRefusal(err)
	}
	if t.IDToken == "" {
		return auth.Grant{}, auth.RefuseFor(auth.CodeUpstream, errors.New("the token endpoint gave no ID token"))
	}
	want := auth.Expectation{AccessToken: t.AccessToken}
	if p.cfg.UseNonce {
		if d.Nonce == "" {
			return auth.Grant{}, auth.RefuseFor(auth.CodeNonce, errors.New("the attempt has no nonce"))
		}
		want.Nonce = d.Nonce
	}
	if p.cfg.MaxAge != nil {
		want.MaxAge = max(*p.cfg.MaxAge, minMaxAge)
	}
	return p.grant(ctx, m, t, want)
}

// readAnswer finds the code: right provider (RFC 9207), no error, exactly one.
func readAnswer(m *Metadata, answer url.Values) (string, error) {
	issuers := answer["iss"]
	switch {
	case len(issuers) > 1:
		return "", auth.RefuseFor(auth.CodeMixUp, errors.New("several iss"))
	case len(issuers) == 1 && issuers[0] != m.Issuer:
		return "", auth.RefuseFor(auth.CodeMixUp, errors.New("iss is "+shorten(issuers[0])))
	case len(issuers) == 0 && m.IssParameter:
		return "", auth.RefuseFor(auth.CodeMixUp, errors.New("iss is missing, though the provider sends it"))
	}
	if answer.Has("error") {
		return "", auth.RefuseFor(auth.CodeProvider, errors.New("error "+shorten(answer.Get("error"))))
	}
	codes := answer["code"]
	if len(codes) != 1 || codes[0] == "" || len(codes[0]) > maxCode {
		return "", auth.RefuseFor(auth.CodeCode, errors.New("not exactly one code"))
	}
	return codes[0], nil
}

// grant verifies the ID token and completes the claims.
func (p *Provider) grant(ctx context.Context, m *Metadata, t *tokens, want auth.Expectation) (auth.Grant, error) {
	id, err := p.trust().VerifyIDToken(ctx, t.IDToken, p.clock(), want)
	if err != nil {
		return auth.Grant{}, err
	}
	if p.wantsUserinfo(id.Identity) {
		if err := p.addUserinfo(ctx, m, t.AccessToken, &id.Identity); err != nil {
			return auth.Grant{}, err
		}
	}
	return auth.Grant{
		Identity: id.Identity, RefreshToken: t.RefreshToken, IDToken: t.IDToken, Expires: id.Expires, Session: id.Session,
	}, nil
}

// Renew exchanges a refresh token. A provider that does not rotate them leaves the
// same one in the Grant. The caller compares the subject, which is empty when the
// provider sent no ID token: that alone says that it still vouches for the person.
func (p *Provider) Renew(ctx context.Context, refreshToken string) (auth.Grant, error) {
	m, err := p.metadata()
	if err != nil {
		return auth.Grant{}, err
	}
	t, err := p.token(ctx, m, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refreshToken}})
	if err != nil {
		return auth.Grant{}, refreshRefusal(err)
	}
	if t.RefreshToken == "" {
		t.RefreshToken = refreshToken
	}
	if t.IDToken == "" {
		return auth.Grant{Identity: auth.Identity{Issuer: m.Issuer}, RefreshToken: t.RefreshToken, Expires: t.end(p.clock())}, nil
	}
	return p.grant(ctx, m, t, auth.Expectation{AccessToken: t.AccessToken})
}

// Revoke tells the provider that the refresh token is not needed (RFC 7009); a
// provider that cannot be told is no error.
func (p *Provider) Revoke(ctx context.Context, refreshToken string) error {
	m, err := p.metadata()
	if err != nil {
		return err
	}
	if m.RevocationEndpoint == "" {
		return nil
	}
	form := url.Values{"token": {refreshToken}, "token_type_hint": {"refresh_token"}}
	a, err := p.postForm(ctx, m, m.RevocationEndpoint, form)
	if err != nil {
		return auth.RefuseFor(auth.CodeUpstream, err)
	}
	if a.status != 200 {
		return codeRefusal(readFailure(a))
	}
	return nil
}

// SignOut returns where the session at the provider ends (OpenID Connect
// RP-Initiated Logout 1.0 §2).
func (p *Provider) SignOut(idToken, _, back string) string {
	m, err := p.metadata()
	if err != nil {
		return ""
	}
	if p.preset.signOut != nil {
		if address := p.preset.signOut(m, p.cfg.ClientID, back); address != "" {
			return address
		}
	}
	if m.EndSessionEndpoint == "" {
		return ""
	}
	params := url.Values{"client_id": {p.cfg.ClientID}}
	if back != "" {
		params.Set("post_logout_redirect_uri", back)
	}
	// A long one would make an address that proxies refuse.
	if idToken != "" && len(idToken) <= 4<<10 {
		params.Set("id_token_hint", idToken)
	}
	return withQuery(m.EndSessionEndpoint, params)
}

// codeRefusal translates what the token endpoint said about a code.
func codeRefusal(err error) error {
	var f *failure
	if !errors.As(err, &f) {
		return err
	}
	switch f.code {
	case "invalid_grant", "invalid_request":
		return auth.RefuseFor(auth.CodeCode, f)
	case "invalid_client", "unauthorized_client":
		return auth.RefuseFor(auth.CodeClient, f)
	}
	return auth.RefuseFor(auth.CodeProvider, f)
}

// refreshRefusal translates what it said about a refresh token: only words about
// the person end a session, words about this client do not.
func refreshRefusal(err error) error {
	var f *failure
	if !errors.As(err, &f) {
		return err
	}
	switch f.code {
	case "invalid_grant", "access_denied", "login_required", "interaction_required", "consent_required", "account_selection_required":
		return auth.RefuseFor(auth.CodeRefresh, f)
	case "invalid_client", "unauthorized_client":
		return auth.RefuseFor(auth.CodeClient, f)
	}
	return auth.RefuseFor(auth.CodeUpstream, f)
}
