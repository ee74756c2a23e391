package oidc

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Metadata is what a provider says of itself (OpenID Connect Discovery 1.0 §3). It
// can be kept as JSON and given back in Config.Cached.
type Metadata struct {
	Issuer                string   `json:"issuer"`
	AuthorizationEndpoint string   `json:"authorization_endpoint"`
	TokenEndpoint         string   `json:"token_endpoint"`
	UserinfoEndpoint      string   `json:"userinfo_endpoint,omitzero"`
	JWKSURI               string   `json:"jwks_uri"`
	EndSessionEndpoint    string   `json:"end_session_endpoint,omitzero"`
	RevocationEndpoint    string   `json:"revocation_endpoint,omitzero"`
	Scopes                []string `json:"scopes_supported,omitzero"`
	ResponseTypes         []string `json:"response_types_supported,omitzero"`
	ChallengeMethods      []string `json:"code_challenge_methods_supported,omitzero"`
	AuthMethods           []string `json:"token_endpoint_auth_methods_supported,omitzero"`
	Algorithms            []string `json:"id_token_signing_alg_values_supported,omitzero"`
	Prompts               []string `json:"prompt_values_supported,omitzero"`
	IssParameter          bool     `json:"authorization_response_iss_parameter_supported,omitzero"`
	BackchannelLogout     bool     `json:"backchannel_logout_supported,omitzero"`
}

const (
	maxRetryAfter  = time.Minute
	metadataMaxAge = 24 * time.Hour
)

// discover fetches the metadata and judges it.
func (p *Provider) discover(ctx context.Context) (*Metadata, error) {
	a, err := p.get(ctx, p.cfg.DiscoveryURI, callTimeout)
	if err != nil {
		return nil, auth.RefuseFor(auth.CodeUpstream, fmt.Errorf("discovery: %w", err))
	}
	m := new(Metadata)
	if err := json.Unmarshal(a.body, m); err != nil {
		return nil, auth.RefuseFor(auth.CodeUpstream, errors.New("discovery: the answer is not a discovery document"))
	}
	if err := p.judge(m); err != nil {
		return nil, err
	}
	return m, nil
}

// sameIssuer compares after adding or removing one slash at the end.
func sameIssuer(a, b string) bool {
	return strings.TrimSuffix(a, "/") == strings.TrimSuffix(b, "/")
}

// judge checks metadata against the configuration. Its errors are final: asking
// again will not help.
func (p *Provider) judge(m *Metadata) error {
	if m.Issuer == "" || !sameIssuer(m.Issuer, p.cfg.Issuer) {
		return &ConfigError{Field: fieldAuthority, Err: auth.RefuseFor(auth.CodeDiscIssuer,
			fmt.Errorf("configured %s, discovered %s", shorten(p.cfg.Issuer), shorten(m.Issuer)))}
	}
	for name, address := range map[string]string{
		"authorization_endpoint": m.AuthorizationEndpoint, "token_endpoint": m.TokenEndpoint, "jwks_uri": m.JWKSURI,
	} {
		if address == "" && name == "jwks_uri" && len(p.cfg.keyAddresses()) > 0 {
			continue
		}
		if err := p.judgeEndpoint(address); err != nil {
			return fault(fieldDiscovery, "%s of the discovery document: %w", name, err)
		}
	}
	for name, address := range map[string]*string{
		"userinfo_endpoint": &m.UserinfoEndpoint, "end_session_endpoint": &m.EndSessionEndpoint, "revocation_endpoint": &m.RevocationEndpoint,
	} {
		if *address == "" {
			continue
		}
		if err := p.judgeEndpoint(*address); err != nil {
			return fault(fieldDiscovery, "%s of the discovery document: %w", name, err)
		}
	}
	return p.judgeOffers(m)
}

// judgeEndpoint demands TLS unless the issuer itself does without.
func (p *Provider) judgeEndpoint(address string) error {
	if err := checkAddress(address); err != nil {
		return err
	}
	if strings.HasPrefix(address, "http:") && !strings.HasPrefix(p.cfg.Issuer, "http:") {
		return errors.New("it must begin with https://")
	}
	return nil
}

func (p *Provider) judgeOffers(m *Metadata) error {
	if !p.cfg.DisablePKCE && len(m.ChallengeMethods) > 0 && !slices.Contains(m.ChallengeMethods, "S256") {
		return fault(fieldPKCE, "the provider does not offer PKCE with S256, only %s", shorten(strings.Join(m.ChallengeMethods, ", ")))
	}
	if p.cfg.AuthMethod != "" && p.cfg.AuthMethod != AuthNone && len(m.AuthMethods) > 0 &&
		!slices.Contains(m.AuthMethods, p.cfg.AuthMethod) {
		return fault(fieldMethod, "the provider does not offer %s, only %s", p.cfg.AuthMethod, shorten(strings.Join(m.AuthMethods, ", ")))
	}
	if len(m.Algorithms) > 0 && !slices.ContainsFunc(p.cfg.Algorithms, func(a string) bool { return slices.Contains(m.Algorithms, a) }) {
		return fault(fieldAlgorithm, "the provider signs with none of them, only with %s", shorten(strings.Join(m.Algorithms, ", ")))
	}
	return nil
}

// keepDiscovering fetches until it succeeds, and once a day afterwards, because
// endpoints move.
func (p *Provider) keepDiscovering(ctx context.Context, wait time.Duration) {
	pause := p.cfg.RetryAfter
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		if err := p.refresh(ctx); err != nil {
			p.log.WarnContext(ctx, "discovery of the identity provider failed", "address", p.cfg.DiscoveryURI, "error", err, "retry", pause)
			wait, pause = pause, min(2*pause, maxRetryAfter)
			continue
		}
		wait, pause = metadataMaxAge, p.cfg.RetryAfter
	}
}

// refresh discovers once and puts the result in force. What is in force stays when
// the provider cannot be asked, or calls itself by another name all of a sudden.
func (p *Provider) refresh(ctx context.Context) error {
	m, err := p.discover(ctx)
	if err != nil {
		if s := p.state.Load(); s.meta == nil {
			p.state.Store(&state{err: refusalOf(err), keys: s.keys})
		}
		return err
	}
	p.adopt(m)
	if p.cfg.OnMetadata != nil {
		p.cfg.OnMetadata(*m)
	}
	return nil
}

// refusalOf is what calls are answered with because of a failed discovery.
func refusalOf(err error) error {
	if refusal := entity.AsError(err); refusal != nil {
		return refusal
	}
	return auth.RefuseFor(auth.CodeUpstream, err)
}
