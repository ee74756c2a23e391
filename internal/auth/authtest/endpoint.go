package authtest

import (
	"crypto/rand"
	"crypto/rsa"
	"maps"
	"math/big"
	"net/http"
	"net/url"
	"strings"

	"github.com/golang-jwt/jwt/v5"
)

func (p *BadProvider) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", p.discovery)
	mux.HandleFunc("GET /jwks", p.jwks)
	mux.HandleFunc("GET /authorize", p.authorize)
	mux.HandleFunc("POST /token", p.tokenEndpoint)
	mux.HandleFunc("GET /userinfo", p.userinfoEndpoint)
	mux.HandleFunc("POST /revoke", p.revoke)
	mux.HandleFunc("GET /logout", p.logout)
	return mux
}

func reply(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write(encode(value))
}

func page(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html")
	_, _ = w.Write([]byte("<!doctype html><title>Maintenance</title>"))
}

func (p *BadProvider) discovery(w http.ResponseWriter, _ *http.Request) {
	switch {
	case p.broken(DiscoveryDown):
		http.Error(w, "down", http.StatusInternalServerError)
		return
	case p.broken(DiscoveryHTML):
		page(w)
		return
	}
	issuer, base := p.Issuer(), p.server.URL
	if p.broken(DiscoveryForeignIssuer) {
		issuer = "https://issuer.example/"
	}
	challenges, methods := []string{"S256"}, []string{"none", "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"}
	if p.broken(DiscoveryPlainOnly) {
		challenges = []string{"plain"}
	}
	if p.broken(DiscoveryBasicOnly) {
		methods = methods[1:2]
	}
	document := map[string]any{
		"issuer": issuer, "authorization_endpoint": base + "/authorize", "token_endpoint": base + "/token",
		"userinfo_endpoint": base + "/userinfo", "jwks_uri": base + "/jwks", "end_session_endpoint": base + "/logout",
		"revocation_endpoint": base + "/revoke", "scopes_supported": []string{"openid", "profile", "email", "offline_access"},
		"response_types_supported": []string{"code"}, "code_challenge_methods_supported": challenges,
		"token_endpoint_auth_methods_supported": methods, "subject_types_supported": []string{"public"},
		"id_token_signing_alg_values_supported":          []string{"RS256", "ES256"},
		"authorization_response_iss_parameter_supported": true, "backchannel_logout_supported": true,
	}
	if p.broken(DiscoveryNoLogout) {
		delete(document, "end_session_endpoint")
	}
	reply(w, http.StatusOK, document)
}

func (p *BadProvider) jwks(w http.ResponseWriter, r *http.Request) {
	switch {
	case p.broken(JWKSDown):
		http.Error(w, "down", http.StatusInternalServerError)
	case p.broken(JWKSHangs):
		p.hang(r)
	case p.broken(JWKSHuge):
		p.huge(w)
	case p.broken(JWKSHTML):
		page(w)
	case p.broken(JWKSRedirect):
		http.Redirect(w, r, p.AttackerURL()+"/jwks", http.StatusFound)
	case p.broken(JWKSEmpty):
		reply(w, http.StatusOK, map[string]any{"keys": []any{}})
	case p.broken(JWKSWeak):
		reply(w, http.StatusOK, map[string]any{"keys": p.weakKeys()})
	default:
		reply(w, http.StatusOK, map[string]any{"keys": p.published()})
	}
}

func (p *BadProvider) published() []map[string]any {
	p.mu.Lock()
	defer p.mu.Unlock()
	keys := make([]map[string]any, 0, len(p.keys)+len(p.extra))
	for _, k := range p.keys {
		id := k.id
		if p.bare {
			id = ""
		}
		keys = append(keys, publicKey(k.private.Public(), id, "sig"))
	}
	return append(keys, p.extra...)
}

// weakKeys is the present key with its modulus cut to 1,024 bits, and with e = 1.
func (p *BadProvider) weakKeys() []map[string]any {
	key, kid := p.signer()
	public, ok := key.Public().(*rsa.PublicKey)
	if !ok {
		return nil
	}
	short, one := *public, *public
	short.N = new(big.Int).Rsh(public.N, 1024)
	one.E = 1
	return []map[string]any{publicKey(&short, kid, "sig"), publicKey(&one, kid, "sig")}
}

func (p *BadProvider) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil || q.Get("client_id") != p.ClientID || q.Get("response_type") != "code" || back.Host == "" {
		http.Error(w, "invalid_request", http.StatusBadRequest)
		return
	}
	answer := back.Query()
	answer.Set("state", q.Get("state"))
	if !p.broken(ResponseNoIss) {
		answer.Set("iss", p.Issuer())
	}
	if p.broken(ResponseForeignIss) {
		answer.Set("iss", "https://issuer.example/")
	}
	if p.broken(ResponseError) {
		answer.Set("error", "access_denied")
		answer.Set("error_description", "<script>alert(1)</script>")
	} else {
		answer.Set("code", p.newCode(q))
	}
	if p.broken(ResponseTwoCodes) {
		answer.Add("code", "another")
	}
	back.RawQuery = answer.Encode()
	http.Redirect(w, r, back.String(), http.StatusFound)
}

func (p *BadProvider) newCode(q url.Values) string {
	code := "code-" + rand.Text()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.codes[code] = &request{redirect: q.Get("redirect_uri"), nonce: q.Get("nonce"), challenge: q.Get("code_challenge")}
	return code
}

func (p *BadProvider) tokenEndpoint(w http.ResponseWriter, r *http.Request) {
	refuse := func(status int, code string) { reply(w, status, map[string]any{"error": code}) }
	switch {
	case p.broken(TokenDown):
		http.Error(w, "down", http.StatusInternalServerError)
	case p.broken(TokenHangs):
		// The body must be read for the server to notice that the caller is gone.
		_ = r.ParseForm()
		p.hang(r)
	case p.broken(TokenDrops):
		panic(http.ErrAbortHandler)
	case p.broken(TokenHuge):
		p.huge(w)
	case p.broken(TokenRedirect):
		http.Redirect(w, r, p.AttackerURL()+"/token", http.StatusTemporaryRedirect)
	case p.broken(TokenText):
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write(encode(map[string]any{"id_token": p.Token()}))
	case p.broken(TokenInvalidClient), !p.proven(r):
		refuse(http.StatusUnauthorized, "invalid_client")
	case p.broken(TokenInvalidGrant):
		refuse(http.StatusBadRequest, "invalid_grant")
	default:
		p.exchange(w, r, refuse)
	}
}

// exchange gives tokens for a code or a refresh token, each of which works once.
func (p *BadProvider) exchange(w http.ResponseWriter, r *http.Request, refuse func(int, string)) {
	var req *request
	switch r.PostFormValue("grant_type") {
	case "authorization_code":
		req = p.take(p.codes, r.PostFormValue("code"))
		if req == nil || req.redirect != r.PostFormValue("redirect_uri") ||
			req.challenge != "" && req.challenge != challengeOf(r.PostFormValue("code_verifier")) {
			refuse(http.StatusBadRequest, "invalid_grant")
			return
		}
	case "refresh_token":
		if req = p.take(p.refresh, r.PostFormValue("refresh_token")); req == nil {
			refuse(http.StatusBadRequest, "invalid_grant")
			return
		}
		// A renewed ID token should have no nonce.
		req = &request{}
	default:
		refuse(http.StatusBadRequest, "unsupported_grant_type")
		return
	}
	reply(w, http.StatusOK, p.give(req))
}

func (p *BadProvider) give(req *request) map[string]any {
	access, refresh := "access-"+rand.Text(), "refresh-"+rand.Text()
	p.mu.Lock()
	p.access[access] = true
	p.refresh[refresh] = &request{}
	p.mu.Unlock()
	claims := map[string]any{"at_hash": hashOf(access)}
	if req.nonce != "" {
		claims["nonce"] = req.nonce
	}
	given := map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": 3600,
		"refresh_token": refresh, "id_token": p.token(claims, p.faultsOn()),
	}
	if p.broken(TokenNoIDToken) {
		delete(given, "id_token")
	}
	if p.broken(TokenNoRefresh) {
		delete(given, "refresh_token")
	}
	return given
}

func (p *BadProvider) take(from map[string]*request, id string) *request {
	p.mu.Lock()
	defer p.mu.Unlock()
	req := from[id]
	if req == nil || req.used {
		return nil
	}
	req.used = true
	return req
}

// proven checks the client by whichever method it chose.
func (p *BadProvider) proven(r *http.Request) bool {
	if id, secret, ok := r.BasicAuth(); ok {
		id, err1 := url.QueryUnescape(id)
		secret, err2 := url.QueryUnescape(secret)
		return err1 == nil && err2 == nil && id == p.ClientID && secret == p.ClientSecret
	}
	p.mu.Lock()
	public := p.public
	p.mu.Unlock()
	switch {
	case r.PostFormValue("client_assertion") != "":
		return p.asserted(r.PostFormValue("client_assertion"))
	case r.PostFormValue("client_secret") != "":
		return r.PostFormValue("client_id") == p.ClientID && r.PostFormValue("client_secret") == p.ClientSecret
	}
	return public && r.PostFormValue("client_id") == p.ClientID
}

// asserted checks an assertion of client_secret_jwt or private_key_jwt (RFC 7523).
func (p *BadProvider) asserted(assertion string) bool {
	token, err := jwt.Parse(assertion, func(t *jwt.Token) (any, error) {
		if strings.HasPrefix(t.Method.Alg(), "HS") {
			return []byte(p.ClientSecret), nil
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		return p.clientKey, nil
	}, jwt.WithValidMethods([]string{"HS256", "RS256", "ES256"}), jwt.WithIssuer(p.ClientID), jwt.WithSubject(p.ClientID),
		jwt.WithExpirationRequired(), jwt.WithTimeFunc(p.clock))
	if err != nil {
		return false
	}
	claims, ok := token.Claims.(jwt.MapClaims)
	if !ok || claims["jti"] == nil {
		return false
	}
	audience, err := claims.GetAudience()
	return err == nil && len(audience) == 1 && (audience[0] == p.Issuer() || audience[0] == p.server.URL+"/token")
}

func (p *BadProvider) userinfoEndpoint(w http.ResponseWriter, r *http.Request) {
	if p.broken(UserinfoDown) {
		http.Error(w, "down", http.StatusInternalServerError)
		return
	}
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	p.mu.Lock()
	known := ok && p.access[token]
	claims := maps.Clone(p.user)
	maps.Copy(claims, p.userinfo)
	p.mu.Unlock()
	if !known {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if p.broken(UserinfoForeignSub) {
		claims["sub"] = "mallory"
	}
	reply(w, http.StatusOK, claims)
}

func (p *BadProvider) revoke(w http.ResponseWriter, r *http.Request) {
	if !p.proven(r) {
		reply(w, http.StatusUnauthorized, map[string]any{"error": "invalid_client"})
		return
	}
	token := r.PostFormValue("token")
	p.mu.Lock()
	defer p.mu.Unlock()
	if req := p.refresh[token]; req != nil {
		req.used = true
	}
	p.revoked = append(p.revoked, token)
}

func (p *BadProvider) logout(w http.ResponseWriter, r *http.Request) {
	if back := r.URL.Query().Get("post_logout_redirect_uri"); back != "" {
		http.Redirect(w, r, back, http.StatusFound)
		return
	}
	page(w)
}
