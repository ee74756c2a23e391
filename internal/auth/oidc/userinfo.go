package oidc

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// wantsUserinfo tells whether a claim that the rules want is not in the ID token.
func (p *Provider) wantsUserinfo(id auth.Identity) bool {
	wanted := p.cfg.Claims
	if len(p.cfg.PrincipalClaims) > 0 {
		wanted = append(slices.Clone(wanted), p.cfg.PrincipalClaims[0])
	}
	return slices.ContainsFunc(wanted, func(claim string) bool { return claim != "" && id.Claims[claim] == nil })
}

// addUserinfo completes the claims (OpenID Connect Core 1.0 §5.3). Those of the ID
// token, which are signed, are never replaced.
func (p *Provider) addUserinfo(ctx context.Context, m *Metadata, accessToken string, id *auth.Identity) error {
	if m.UserinfoEndpoint == "" || accessToken == "" {
		return nil
	}
	said, err := p.userinfo(ctx, m.UserinfoEndpoint, accessToken)
	if err != nil {
		return auth.RefuseFor(auth.CodeUpstream, fmt.Errorf("userinfo: %w", err))
	}
	if (auth.Identity{Claims: said}).Text("sub") != id.Subject {
		return auth.RefuseFor(auth.CodeNonce, errors.New("userinfo is about another sub"))
	}
	claims := maps.Clone(id.Claims)
	// Whether an address is verified is said by whoever says the address.
	if claims["email"] == nil {
		delete(claims, "email_verified")
	} else {
		delete(said, "email_verified")
	}
	for name, value := range said {
		if claims[name] == nil {
			claims[name] = value
		}
	}
	id.Claims = claims
	return nil
}

func (p *Provider) userinfo(ctx context.Context, address, accessToken string) (map[string]jsontext.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	req.Header.Set("Authorization", "Bearer "+accessToken)
	a, err := p.send(req)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, fmt.Errorf("status %d", a.status)
	}
	if !a.isJSON() {
		return nil, fmt.Errorf("%s, not JSON", shorten(a.mediaType()))
	}
	var claims map[string]jsontext.Value
	if err := json.Unmarshal(a.body, &claims); err != nil {
		return nil, errors.New("not a JSON object")
	}
	return claims, nil
}
