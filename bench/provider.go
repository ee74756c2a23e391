package main

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
)

// idp is an identity provider in this process, of which the server asks what it
// would ask any: discovery, keys, and tokens for a code. Who signs in needs no page.
type idp struct {
	issuer, client, secret string

	private *rsa.PrivateKey
	server  *http.Server
	mu      sync.Mutex
	codes   map[string]grant
}

// grant is what a code stands for.
type grant struct{ person, nonce, redirect string }

func newIDP(ctx context.Context) (*idp, error) {
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &idp{issuer: "http://" + listener.Addr().String(), client: "catalpa", secret: rand.Text(), private: private, codes: map[string]grant{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /jwks", p.jwks)
	mux.HandleFunc("POST /token", p.token)
	p.server = &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go func() { _ = p.server.Serve(listener) }() // until it is closed
	return p, nil
}

// env are the settings of a server that sends people here, as a confidential client.
func (p *idp) env(base string) []string {
	return []string{
		"CATALPA_MODE=development", "AUTHENTICATION_PROVIDER=custom-oidc", "CUSTOM_OIDC_AUTHENTICATION_PROVIDER_NAME=Bench",
		"AUTHENTICATION_CLIENT_TYPE=confidential", "AUTHENTICATION_AUTHORITY=" + p.issuer, "AUTHENTICATION_CLIENT_ID=" + p.client,
		"AUTHENTICATION_PUBLIC_KEYS=[" + p.issuer + "/jwks]", "AUTHENTICATION_CALLBACK_URL=" + base + "/callback",
		"OIDC_TYPE=custom", "OIDC_CLIENT_ID=" + p.client, "OIDC_CLIENT_SECRET=" + p.secret,
		"OIDC_DISCOVERY_URI=" + p.issuer + "/.well-known/openid-configuration", "OIDC_SCOPE=openid email profile",
		"OIDC_SERVER_URL=" + base, "OIDC_CALLBACK=" + base + "/callback",
		"AUTHORIZER_ADMIN_PRINCIPALS=[admin]", "AUTHORIZER_PRINCIPAL_DOMAIN=example.com",
	}
}

// code is what the provider's pages would do: it takes the address that the browser
// is sent to and returns the query that the browser comes back with.
func (p *idp) code(address, person string) (string, error) {
	u, err := url.Parse(address)
	if err != nil {
		return "", err
	}
	q := u.Query()
	if q.Get("client_id") != p.client || q.Get("code_challenge") == "" || q.Get("nonce") == "" {
		return "", errors.New("not the request of a confidential client with PKCE and nonce")
	}
	code := rand.Text()
	p.mu.Lock()
	p.codes[code] = grant{person: person, nonce: q.Get("nonce"), redirect: q.Get("redirect_uri")}
	p.mu.Unlock()
	return url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), nil
}

func (p *idp) discovery(w http.ResponseWriter, _ *http.Request) {
	p.reply(w, map[string]any{
		"issuer": p.issuer, "authorization_endpoint": p.issuer + "/authorize", "token_endpoint": p.issuer + "/token", "jwks_uri": p.issuer + "/jwks",
		"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"}, "scopes_supported": []string{"openid", "email", "profile"},
		"id_token_signing_alg_values_supported": []string{"RS256"}, "code_challenge_methods_supported": []string{"S256"},
		"token_endpoint_auth_methods_supported": []string{"client_secret_basic", "client_secret_post"},
	})
}

func (p *idp) jwks(w http.ResponseWriter, _ *http.Request) {
	text := base64.RawURLEncoding.EncodeToString
	p.reply(w, map[string]any{"keys": []any{map[string]string{
		"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "bench", "n": text(p.private.N.Bytes()), "e": text(big.NewInt(int64(p.private.E)).Bytes()),
	}}})
}

// token gives an ID token for a code, once.
func (p *idp) token(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	g, ok := p.codes[r.PostFormValue("code")]
	delete(p.codes, r.PostFormValue("code"))
	p.mu.Unlock()
	if !ok || g.redirect != r.PostFormValue("redirect_uri") || r.PostFormValue("code_verifier") == "" {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	now := time.Now()
	draft := jwt.NewWithClaims(jwt.SigningMethodRS256, jwt.MapClaims{
		"iss": p.issuer, "aud": p.client, "sub": g.person, "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(), "nonce": g.nonce,
		"email": g.person + "@example.com", "email_verified": true, "name": "Person " + g.person,
	})
	draft.Header["kid"] = "bench"
	signed, err := draft.SignedString(p.private)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	p.reply(w, map[string]any{"access_token": rand.Text(), "token_type": "Bearer", "expires_in": 3600, "id_token": signed})
}

func (p *idp) reply(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.MarshalWrite(w, value); err != nil {
		panic(fmt.Errorf("an answer of the provider: %w", err)) // the values marshal
	}
}
