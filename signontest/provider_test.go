//go:build signon

package signontest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"
	"time"
)

// provider is a running provider.mjs.
type provider struct {
	t       *testing.T
	process *process
	issuer  string // with its trailing slash
}

// httpClient follows no redirect: tests look at each.
var httpClient = &http.Client{ //nolint:gochecknoglobals // nothing writes it
	Timeout:       time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// startProvider starts one that knows the origin of Catalpa.
func startProvider(t *testing.T, app string, options ...string) *provider {
	t.Helper()
	process, err := launch(20*time.Second, "node", append([]string{"provider.mjs", "--app", app}, options...), []string{"NODE_NO_WARNINGS=1"})
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, process: process, issuer: process.ready}
	t.Cleanup(func() {
		process.stop()
		if t.Failed() {
			t.Logf("end of the provider's log:\n%s", tail(process.log.String(), 20))
		}
	})
	return p
}

// control calls one of the provider's control paths.
func (p *provider) control(path string, query url.Values, answer any) {
	p.t.Helper()
	response, err := httpClient.Get(p.issuer + path + "?" + query.Encode())
	if err != nil {
		p.t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		p.t.Fatalf("%s: %s", path, response.Status)
	}
	if answer == nil {
		return
	}
	if err := json.NewDecoder(response.Body).Decode(answer); err != nil {
		p.t.Fatal(err)
	}
}

// rotate makes it sign with another key; without overlap the old one is gone.
func (p *provider) rotate(overlap bool) {
	p.t.Helper()
	query := url.Values{}
	if !overlap {
		query.Set("drop", "1")
	}
	p.control("_rotate", query, nil)
}

// down lets it play dead: 503, reset, hang, or off again.
func (p *provider) down(mode, path string) {
	p.t.Helper()
	p.control("_down", url.Values{"mode": {mode}, "path": {path}}, nil)
}

func (p *provider) deactivate(login string) {
	p.t.Helper()
	p.control("_deactivate", url.Values{"login": {login}}, nil)
}

// issued is every credential it ever handed out.
func (p *provider) issued() []string {
	p.t.Helper()
	var found []string
	p.control("_issued", nil, &found)
	return found
}

type providerRequest struct {
	Method, URL, Path, Referer, Grant string
	Status                            int
}

func (p *provider) requests() []providerRequest {
	p.t.Helper()
	var found []providerRequest
	p.control("_requests", nil, &found)
	return found
}

// grants counts the token requests of one kind that were answered.
func (p *provider) grants(kind string) int {
	p.t.Helper()
	n := 0
	for _, r := range p.requests() {
		if r.Grant == kind {
			n++
		}
	}
	return n
}

// exchanges counts requests for the token endpoint, also those nobody answered.
func (p *provider) exchanges() int {
	p.t.Helper()
	n := 0
	for _, r := range p.requests() {
		if r.Path == "/oauth/token" {
			n++
		}
	}
	return n
}

// tokenAnswer is what the token endpoint says.
type tokenAnswer struct {
	Status       int    `json:"-"`
	IDToken      string `json:"id_token"`
	AccessToken  string `json:"access_token"`
	RefreshToken string `json:"refresh_token"`
	Error        string `json:"error"`
}

// token asks the token endpoint; a secret goes by basic authentication.
func (p *provider) token(client, secret string, form url.Values) (tokenAnswer, error) {
	var answer tokenAnswer
	if secret == "" {
		form.Set("client_id", client)
	}
	response, err := postForm(p.issuer+"oauth/token", client, secret, form)
	if err != nil {
		return answer, err
	}
	defer response.Body.Close()
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil {
		return answer, fmt.Errorf("token endpoint: %s: %w", response.Status, err)
	}
	answer.Status = response.StatusCode
	return answer, nil
}
