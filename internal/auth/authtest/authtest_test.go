package authtest

import (
	"io"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
)

const callback = "http://127.0.0.1:8585/callback"

func fetch(t *testing.T, address string, form url.Values) (int, map[string]any) {
	t.Helper()
	method, body := http.MethodGet, io.Reader(nil)
	if form != nil {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	req, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var said map[string]any
	if data, err := io.ReadAll(resp.Body); err == nil {
		_ = json.Unmarshal(data, &said) // pages are no JSON
	}
	return resp.StatusCode, said
}

func (p *BadProvider) authorizeFor(t *testing.T) string {
	t.Helper()
	back, err := Visit(t.Context(), p.Issuer()+"/authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {p.ClientID}, "redirect_uri": {callback}, "state": {"s"}, "nonce": {"n"},
		"code_challenge": {challengeOf("verifier")},
	}.Encode(), callback)
	if err != nil {
		t.Fatal(err)
	}
	if back.Query().Get("iss") != p.Issuer() {
		t.Errorf("iss %q", back.Query().Get("iss"))
	}
	return back.Query().Get("code")
}

// TestBadProviderIsGoodAtFirst makes sure that refusals in other tests come from the
// faults they switch on.
func TestBadProviderIsGoodAtFirst(t *testing.T) {
	p := NewBadProvider(t)
	exchange := func(code, verifier, secret string) (int, map[string]any) {
		return fetch(t, p.Issuer()+"/token", url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback},
			"code_verifier": {verifier}, "client_id": {p.ClientID}, "client_secret": {secret}})
	}
	if status, _ := exchange(p.authorizeFor(t), "verifier", "wrong"); status != http.StatusUnauthorized {
		t.Errorf("a wrong secret: %d", status)
	}
	if status, _ := exchange(p.authorizeFor(t), "another", p.ClientSecret); status != http.StatusBadRequest {
		t.Errorf("a wrong verifier: %d", status)
	}
	code := p.authorizeFor(t)
	status, said := exchange(code, "verifier", p.ClientSecret)
	if status != http.StatusOK || said["refresh_token"] == "" {
		t.Fatalf("status %d, %v", status, said)
	}
	key, _ := p.signer()
	token, err := jwt.Parse(said["id_token"].(string), func(*jwt.Token) (any, error) { return key.Public(), nil },
		jwt.WithIssuer(p.Issuer()), jwt.WithAudience(p.ClientID), jwt.WithExpirationRequired(), jwt.WithValidMethods([]string{"RS256"}))
	if err != nil {
		t.Fatal(err)
	}
	if claims := token.Claims.(jwt.MapClaims); claims["nonce"] != "n" || claims["at_hash"] != hashOf(said["access_token"].(string)) {
		t.Errorf("claims %v", claims)
	}
	if status, _ := exchange(code, "verifier", p.ClientSecret); status != http.StatusBadRequest {
		t.Errorf("the code again: %d", status)
	}
	if p.Hits("/token") != 4 {
		t.Errorf("%d hits", p.Hits("/token"))
	}
}

func TestEveryTokenFaultChangesTheToken(t *testing.T) {
	p := NewBadProvider(t)
	seen := map[string]Fault{}
	ids := map[string]bool{}
	for _, f := range TokenFaults() {
		d := p.draft()
		d.claims["nonce"] = "as in a sign-in"
		before := [2]map[string]any{maps.Clone(d.claims), maps.Clone(d.header)}
		f.tamper(p, d)
		key, _ := p.signer()
		if reflect.DeepEqual([2]map[string]any{d.claims, d.header}, before) && d.payload == nil && d.after == nil && d.key == any(key) {
			t.Errorf("%s changes nothing", f.Fault)
		}
		if token := p.Token(f.Fault); seen[token] != "" {
			t.Errorf("%s and %s are the same", f.Fault, seen[token])
		} else {
			seen[token] = f.Fault
		}
		if len(f.Codes) == 0 || f.Fault == NoFault {
			t.Errorf("%s expects nothing", f.Fault)
		}
		ids[f.ID] = true
	}
	if got := slices.Sorted(maps.Keys(ids)); len(got) != 12 || got[0] != "T01" || got[11] != "T13" {
		t.Errorf("attacks %q: T01 to T13 but T09, which is about two profiles", got)
	}
}

func TestFaultsOfEndpoints(t *testing.T) {
	p := NewBadProvider(t)
	for fault, want := range map[Fault]struct {
		path   string
		status int
	}{
		DiscoveryDown: {"/.well-known/openid-configuration", 500},
		JWKSDown:      {"/jwks", 500},
		JWKSRedirect:  {"/jwks", 302},
		UserinfoDown:  {"/userinfo", 500},
		NoFault:       {"/userinfo", 401},
	} {
		p.Break(fault)
		if status, _ := fetch(t, p.Issuer()+want.path, nil); status != want.status {
			t.Errorf("%s: %d", fault, status)
		}
		p.Heal()
	}
	p.Break(JWKSWeak)
	_, weak := fetch(t, p.JWKS(), nil)
	p.Heal()
	_, strong := fetch(t, p.JWKS(), nil)
	n := func(set map[string]any) string { return set["keys"].([]any)[0].(map[string]any)["n"].(string) }
	if len(n(weak)) >= len(n(strong)) {
		t.Error("the weak key is as long as the strong one")
	}
	if p.AttackerHits() != 0 {
		t.Error("nobody called the attacker")
	}
	if status, _ := fetch(t, p.AttackerURL()+"/jwks", nil); status != http.StatusNotFound || p.AttackerHits() != 1 {
		t.Errorf("the attacker counts %d", p.AttackerHits())
	}
}

func TestGoodProviderRefusesStrangers(t *testing.T) {
	g := NewGoodProvider(t, callback, "http://127.0.0.1:8585/")
	_, err := Visit(t.Context(), g.Issuer+"/authorize?"+url.Values{
		"response_type": {"code"}, "client_id": {GoodWebClient}, "redirect_uri": {"https://evil.example/"}, "scope": {"openid"},
	}.Encode(), "https://evil.example/")
	if err == nil {
		t.Error("an address that is not registered is redirected to")
	}
}
