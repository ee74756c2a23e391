package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// tokens are what the token endpoint gives.
type tokens struct {
	IDToken      string
	AccessToken  string
	RefreshToken string
	lifetime     time.Duration // of the access token; 0 for unknown
}

func (t *tokens) end(now time.Time) time.Time {
	if t.lifetime <= 0 {
		return time.Time{}
	}
	return now.Add(t.lifetime)
}

// failure is an error that the token endpoint named (RFC 6749 §5.2).
type failure struct {
	code   string
	status int
}

// Error quotes the provider, shortened.
func (f *failure) Error() string {
	return fmt.Sprintf("the token endpoint answers with status %d, error %s", f.status, shorten(f.code))
}

// token asks the token endpoint. Errors are refusals, or a *failure.
func (p *Provider) token(ctx context.Context, m *Metadata, form url.Values) (*tokens, error) {
	a, err := p.postForm(ctx, m, m.TokenEndpoint, form)
	if err != nil {
		return nil, auth.RefuseFor(auth.CodeUpstream, fmt.Errorf("token endpoint: %w", err))
	}
	if a.status != http.StatusOK {
		return nil, readFailure(a)
	}
	return readTokens(a)
}

func readTokens(a *answer) (*tokens, error) {
	if !a.isJSON() {
		return nil, auth.RefuseFor(auth.CodeUpstream, fmt.Errorf("the token endpoint answers with %s, not JSON", shorten(a.mediaType())))
	}
	var said struct {
		IDToken      string         `json:"id_token"`
		AccessToken  string         `json:"access_token"`
		RefreshToken string         `json:"refresh_token"`
		ExpiresIn    jsontext.Value `json:"expires_in"` // some send a string
		Error        string         `json:"error"`
	}
	if err := json.Unmarshal(a.body, &said); err != nil {
		return nil, auth.RefuseFor(auth.CodeUpstream, errors.New("the token endpoint's answer is not a token response"))
	}
	if said.Error != "" {
		return nil, &failure{code: said.Error, status: a.status}
	}
	t := &tokens{IDToken: said.IDToken, AccessToken: said.AccessToken, RefreshToken: said.RefreshToken}
	var seconds int64
	if err := json.Unmarshal([]byte(strings.Trim(string(said.ExpiresIn), `"`)), &seconds); err == nil && seconds > 0 && seconds < 1<<31 {
		t.lifetime = time.Duration(seconds) * time.Second
	}
	return t, nil
}

// readFailure tells what an answer other than 200 means.
func readFailure(a *answer) error {
	var said struct {
		Error string `json:"error"`
	}
	if a.status >= 400 && a.status < 500 && a.status != http.StatusTooManyRequests && a.status != http.StatusRequestTimeout {
		if a.isJSON() && json.Unmarshal(a.body, &said) == nil && said.Error != "" {
			return &failure{code: said.Error, status: a.status}
		}
		if a.status == http.StatusUnauthorized {
			return &failure{code: "invalid_client", status: a.status}
		}
	}
	return auth.RefuseFor(auth.CodeUpstream, fmt.Errorf("the token endpoint answers with status %d", a.status))
}

// postForm sends the form with the client's proof.
func (p *Provider) postForm(ctx context.Context, m *Metadata, address string, form url.Values) (*answer, error) {
	return p.post(ctx, address, func() (*http.Request, error) {
		// An assertion works once, so each try makes its own.
		proven := make(url.Values, len(form)+3)
		for name, values := range form {
			proven[name] = values
		}
		header := make(http.Header)
		if err := p.prove(m, proven, header); err != nil {
			return nil, err
		}
		req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(proven.Encode()))
		if err != nil {
			return nil, err
		}
		req.Header = header
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		req.Header.Set("Accept", "application/json")
		return req, nil
	})
}
