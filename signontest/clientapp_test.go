//go:build signon

package signontest

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// clientApp serves the application of a client: clientapp/ with Auth0's library.
type clientApp struct {
	*httptest.Server
	mu       sync.Mutex
	settings map[string]string
}

func startClientApp(t *testing.T) *clientApp {
	t.Helper()
	app := &clientApp{}
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServer(http.Dir("clientapp")))
	mux.HandleFunc("GET /auth0-spa-js.js", func(w http.ResponseWriter, r *http.Request) {
		http.ServeFile(w, r, "node_modules/@auth0/auth0-spa-js/dist/auth0-spa-js.production.js")
	})
	mux.HandleFunc("GET /settings.json", func(w http.ResponseWriter, _ *http.Request) {
		app.mu.Lock()
		defer app.mu.Unlock()
		if err := json.NewEncoder(w).Encode(app.settings); err != nil {
			t.Error(err)
		}
	})
	app.Server = httptest.NewServer(mux)
	t.Cleanup(app.Close)
	return app
}

// use tells the application its provider and the API it calls. The library
// takes a domain without the last slash.
func (a *clientApp) use(p *provider, api string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.settings = map[string]string{"domain": strings.TrimSuffix(p.issuer, "/"), "clientId": "om-spa", "api": api}
}

// TestRigAuth0Library shows that the unmodified library finds the provider
// to be an Auth0: signing in, renewal by refresh token, signing out.
func TestRigAuth0Library(t *testing.T) {
	t.Parallel()
	app := startClientApp(t)
	p := startProvider(t, "http://127.0.0.1:1", "--client-app", app.URL, "--logout", "v2")
	app.use(p, "http://127.0.0.1:1")
	carol := newProfile(t, "carol").tab()

	carol.open(app.URL + "/")
	carol.shows("Signed out")
	carol.press("Log in")
	carol.signInAt("carol", "right")
	carol.shows("Signed in: carol@example.com")
	carol.press("Renew")
	carol.shows("Renewed for carol@example.com")
	if got := p.grants("refresh_token"); got != 1 {
		t.Errorf("%d renewals at the provider, want 1", got)
	}
	carol.press("Log out")
	carol.shows("Signed out")
	carol.press("Log in")
	carol.shows("Test provider: sign in")
}
