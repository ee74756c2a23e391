//go:build signon

package signontest

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// keycloak is the one server of the test binary; each test has a realm of its own.
type keycloak struct {
	process *process
	base    string
	work    string
}

var (
	keycloakOnce sync.Once //nolint:gochecknoglobals // one Keycloak serves all tests of the binary
	keycloakNow  *keycloak //nolint:gochecknoglobals // set once above
	errKeycloak  error     //nolint:gochecknoglobals // set once above
)

func startKeycloak(home, address string) (*keycloak, error) {
	work, err := os.MkdirTemp("", "catalpa-keycloak-")
	if err != nil {
		return nil, err
	}
	_, port, _ := strings.Cut(address, ":")
	p, err := launchUntil("Listening on: ", 120*time.Second, "keycloak/start.sh", []string{port, work}, []string{"KEYCLOAK_HOME=" + home})
	if err != nil {
		return nil, err
	}
	go func() { _, _ = io.Copy(p.log, p.out) }() // ends with the process
	return &keycloak{process: p, base: p.ready, work: work}, nil
}

func (k *keycloak) stop() {
	k.process.kill()
	_ = os.RemoveAll(k.work) // a temporary directory of nobody else
}

// realm is one test's part of Keycloak.
type realm struct {
	t     *testing.T
	k     *keycloak
	name  string
	token string // the administrator's
}

// newRealm makes a realm from keycloak/realm.json for a Catalpa at an origin.
func newRealm(t *testing.T, name, origin string) *realm {
	t.Helper()
	home := named(t, "KEYCLOAK_HOME", "../.cache/keycloak", "tools/setup.sh keycloak makes it")
	address := freeAddress(t)
	keycloakOnce.Do(func() { keycloakNow, errKeycloak = startKeycloak(home, address) })
	if errKeycloak != nil {
		t.Fatal(errKeycloak)
	}
	r := &realm{t: t, k: keycloakNow, name: name}
	response, err := postForm(r.k.base+"/realms/master/protocol/openid-connect/token", "", "", url.Values{
		"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {"admin"}, "password": {"admin"},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var tokens tokenAnswer
	if err := json.NewDecoder(response.Body).Decode(&tokens); err != nil || tokens.AccessToken == "" {
		t.Fatalf("Keycloak's administrator cannot sign in: %s (%v)", response.Status, err)
	}
	r.token = tokens.AccessToken
	document, err := os.ReadFile(filepath.Join("keycloak", "realm.json"))
	if err != nil {
		t.Fatal(err)
	}
	r.admin(http.MethodPost, "", strings.NewReplacer("REALM", name, "ORIGIN", origin).Replace(string(document)), nil)
	return r
}

// admin calls Keycloak's administration.
func (r *realm) admin(method, path, body string, value any) {
	r.t.Helper()
	request, err := http.NewRequestWithContext(context.Background(), method, r.k.base+"/admin/realms"+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+r.token)
	request.Header.Set("Content-Type", "application/json")
	response, err := httpClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		r.t.Fatal(err)
	}
	if response.StatusCode >= 300 {
		r.t.Fatalf("Keycloak: %s %s: %s: %s", method, path, response.Status, text)
	}
	if value != nil {
		if err := json.Unmarshal(text, value); err != nil {
			r.t.Fatal(err)
		}
	}
}

// userID looks one of its users up.
func (r *realm) userID(name string) string {
	r.t.Helper()
	var found []struct{ ID string }
	r.admin(http.MethodGet, "/"+r.name+"/users?exact=true&username="+name, "", &found)
	if len(found) != 1 {
		r.t.Fatalf("%d users are %s", len(found), name)
	}
	return found[0].ID
}

func (r *realm) issuer() string { return r.k.base + "/realms/" + r.name }

// signInAt fills Keycloak's form.
func (r *realm) signInAt(p *page, name, password string) {
	p.t.Helper()
	p.at("/realms/" + r.name + "/")
	p.do("fill", order{"selector": "#username", "value": name}, nil)
	p.do("fill", order{"selector": "#password", "value": password}, nil)
	p.do("click", order{"selector": "#kc-login"}, nil)
}

// descriptor is what a SAML identity provider says of itself.
type descriptor struct {
	EntityID string `xml:"entityID,attr"`
	IDP      struct {
		Certificates []string `xml:"KeyDescriptor>KeyInfo>X509Data>X509Certificate"`
		SignOn       []struct {
			Binding  string `xml:"Binding,attr"`
			Location string `xml:"Location,attr"`
		} `xml:"SingleSignOnService"`
	} `xml:"IDPSSODescriptor"`
}

func (r *realm) descriptor() descriptor {
	r.t.Helper()
	response, err := httpClient.Get(r.issuer() + "/protocol/saml/descriptor")
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	var found descriptor
	if err := xml.NewDecoder(bytes.NewReader(text)).Decode(&found); err != nil {
		r.t.Fatal(err)
	}
	return found
}

func (d descriptor) redirectURL(t *testing.T) string {
	t.Helper()
	for _, service := range d.IDP.SignOn {
		if strings.HasSuffix(service.Binding, ":HTTP-Redirect") {
			return service.Location
		}
	}
	t.Fatalf("no redirect binding among %+v", d.IDP.SignOn)
	return ""
}

// TestRigKeycloak shows that the realm is what the tests of Catalpa expect.
func TestRigKeycloak(t *testing.T) {
	t.Parallel()
	relying := relyingPage(t)
	r := newRealm(t, "rig", relying.URL)
	d := r.descriptor()
	if d.EntityID != r.issuer() || len(d.IDP.Certificates) == 0 || d.redirectURL(t) == "" {
		t.Errorf("the descriptor says %+v", d)
	}
	tab := newProfile(t, "alice").tab()
	query := url.Values{
		"response_type": {"code"}, "client_id": {"catalpa"}, "redirect_uri": {relying.URL + "/callback"}, "scope": {"openid email profile"},
		"state": {"a-state"}, "nonce": {"a-nonce"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	tab.open(r.issuer() + "/protocol/openid-connect/auth?" + query.Encode())
	r.signInAt(tab, "alice", "alices-password")
	landed, err := url.Parse(tab.at("/callback\\?"))
	if err != nil {
		t.Fatal(err)
	}
	response, err := postForm(r.issuer()+"/protocol/openid-connect/token", "catalpa", "catalpas-secret", url.Values{
		"grant_type": {"authorization_code"}, "code": {landed.Query().Get("code")},
		"redirect_uri": {relying.URL + "/callback"}, "code_verifier": {verifier},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var tokens tokenAnswer
	if err := json.NewDecoder(response.Body).Decode(&tokens); err != nil {
		t.Fatal(err)
	}
	claims := claimsOf(t, tokens.IDToken)
	if claims["email"] != "alice@example.com" || fmt.Sprint(claims["groups"]) != "[Engineering]" ||
		!strings.Contains(fmt.Sprint(claims["roles"]), "DataSteward") || tokens.RefreshToken == "" {
		t.Errorf("claims are %v", claims)
	}
}
