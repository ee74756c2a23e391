package oidc

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Step is one finding of Diagnose. It holds no secret.
type Step struct {
	Name    string
	OK      bool
	Warning bool          // not OK, but sign-in works
	Code    string        // that users see because of it, if any
	Detail  string        // what was seen
	Remedy  string        // what to do, when not OK
	Took    time.Duration // 0 when nothing was called
}

// codeScopeRefresh warns of sessions that cannot be prolonged.
const codeScopeRefresh = "SEC-SCOPE-REFRESH"

// Diagnose asks the provider everything a sign-in needs, without the cached state,
// and tells what it saw. Details are for administrators.
func (p *Provider) Diagnose(ctx context.Context) []Step {
	ctx, cancel := context.WithTimeout(ctx, 4*callTimeout)
	defer cancel()
	steps, a := p.diagnoseConnection(ctx)
	if a == nil {
		return steps
	}
	steps = append(steps, p.diagnoseClock(a))
	m := new(Metadata)
	if err := json.Unmarshal(a.body, m); err != nil {
		return append(steps, Step{Name: "document", Code: auth.CodeUpstream, Detail: "the answer, " + shorten(a.mediaType()) + ", is not a discovery document",
			Remedy: "Set discoveryUri to the address of the discovery document; it ends in " + wellKnown + "."})
	}
	steps = append(steps, Step{Name: "document", OK: true, Detail: fmt.Sprintf("%d bytes", len(a.body))}, p.diagnoseIssuer(m))
	if !steps[len(steps)-1].OK {
		return steps
	}
	if err := p.judge(m); err != nil {
		steps = append(steps, Step{Name: "offers", Detail: err.Error(), Remedy: "Change the setting, or what the provider offers."})
	}
	steps = append(steps, p.diagnoseKeys(ctx, m)...)
	steps = append(steps, p.diagnoseAlgorithms(m), p.diagnoseMethod(m), p.diagnoseRefresh(m), p.diagnoseSignOut(m))
	if m.TokenEndpoint == "" || m.AuthorizationEndpoint == "" {
		return steps
	}
	return append(steps, p.diagnoseRedirect(ctx, m), p.diagnoseClient(ctx, m))
}

func (p *Provider) diagnoseClock(a *answer) Step {
	s := Step{Name: "clock", OK: true}
	date, err := http.ParseTime(a.header.Get("Date"))
	if err != nil {
		s.Detail = "the provider does not tell the time"
		return s
	}
	offset := p.clock().Sub(date).Truncate(time.Second)
	s.Detail = fmt.Sprintf("this server is %s ahead of the provider", offset)
	if offset < 0 {
		s.Detail = fmt.Sprintf("this server is %s behind the provider", -offset)
	}
	// The header has whole seconds, and the answer took a while.
	if offset.Abs() > p.cfg.Skew+2*time.Second {
		s.OK, s.Code = false, auth.CodeSkew
		s.Remedy = "Let this server follow NTP; maxClockSkew covers small differences only."
	}
	return s
}

func (p *Provider) diagnoseIssuer(m *Metadata) Step {
	s := Step{Name: "issuer", OK: true, Detail: shorten(m.Issuer)}
	if m.Issuer == "" || !sameIssuer(m.Issuer, p.cfg.Issuer) {
		s.OK, s.Code = false, auth.CodeDiscIssuer
		s.Detail = fmt.Sprintf("discovered %s, configured %s", shorten(m.Issuer), shorten(p.cfg.Issuer))
		s.Remedy = "Set the authority to what was discovered, if that is your provider."
	}
	return s
}

// diagnoseKeys fetches each key set anew.
func (p *Provider) diagnoseKeys(ctx context.Context, m *Metadata) []Step {
	addresses := p.cfg.keyAddresses()
	if len(addresses) == 0 {
		addresses = []string{m.JWKSURI}
	}
	steps := make([]Step, 0, len(addresses))
	for _, address := range addresses {
		s := &source{p: p, address: address}
		began := time.Now()
		keys, notes, err := s.load(ctx)
		step := Step{Name: "keys", OK: err == nil, Took: time.Since(began)}
		if err != nil {
			refusal := entity.AsError(err)
			step.Code, step.Detail, step.Remedy = refusal.Code, address+": "+refusal.Cause.Error(), refusal.Hint
		} else {
			step.Detail = fmt.Sprintf("%s: %d usable (%s)", address, len(keys), keyNames(keys))
			if len(notes) > 0 {
				step.Detail += "; left out: " + strings.Join(notes, "; ")
			}
		}
		steps = append(steps, step)
	}
	return steps
}

func keyNames(keys []key) string {
	names := make([]string, 0, len(keys))
	for i, k := range keys {
		if i == 10 {
			return strings.Join(names, ", ") + ", ..."
		}
		names = append(names, shorten(k.id))
	}
	return strings.Join(names, ", ")
}

func (p *Provider) diagnoseAlgorithms(m *Metadata) Step {
	s := Step{Name: "algorithms", OK: true, Detail: "the provider does not say which it signs with"}
	if len(m.Algorithms) > 0 {
		s.Detail = "offered " + shorten(strings.Join(m.Algorithms, ", ")) + ", accepted " + strings.Join(p.cfg.Algorithms, ", ")
		s.OK = slices.ContainsFunc(p.cfg.Algorithms, func(a string) bool { return slices.Contains(m.Algorithms, a) })
	}
	if !s.OK {
		s.Code, s.Remedy = auth.CodeAlgorithm, "Set tokenValidationAlgorithm to one that the provider offers, or let it sign with RS256."
	}
	return s
}

func (p *Provider) diagnoseMethod(m *Metadata) Step {
	method := p.method(m)
	s := Step{Name: "client authentication", OK: true, Detail: method}
	if method != AuthNone && len(m.AuthMethods) > 0 && !slices.Contains(m.AuthMethods, method) {
		s.OK, s.Code = false, auth.CodeClient
		s.Detail = method + ", offered are " + shorten(strings.Join(m.AuthMethods, ", "))
		s.Remedy = "Set clientAuthenticationMethod to one that the provider offers."
	}
	return s
}

// diagnoseRefresh warns when sessions will end with the first ID token.
func (p *Provider) diagnoseRefresh(m *Metadata) Step {
	s := Step{Name: "refresh tokens", OK: true, Detail: "asked for"}
	switch {
	case p.cfg.Public && p.preset.offline != offlineScope:
		s.Detail = "none for browsers: people sign in again when the ID token ends"
	case p.wantsOffline() && (p.preset.offline != offlineScope || len(m.Scopes) == 0 || slices.Contains(m.Scopes, scopeOffline)):
	case p.wantsOffline():
		s.OK, s.Detail = false, "asked for by the scope offline_access, which the provider does not offer"
		s.Remedy = "Allow offline_access at the provider; otherwise sessions end with the ID token."
	default:
		s.OK, s.Detail = false, "not asked for: sessions end with the ID token"
		s.Remedy = "Add offline_access to the scope and allow it at the provider."
	}
	if !s.OK {
		s.Warning, s.Code = true, codeScopeRefresh
	}
	return s
}

func (p *Provider) diagnoseSignOut(m *Metadata) Step {
	s := Step{Name: "sign-out", OK: true, Detail: shorten(m.EndSessionEndpoint)}
	if m.EndSessionEndpoint != "" {
		return s
	}
	if p.preset.signOut != nil {
		s.Detail = "the way of " + p.cfg.Kind
		return s
	}
	s.OK, s.Warning = false, true
	s.Detail = "the provider names no end_session_endpoint"
	s.Remedy = "Nothing to do here: signing out ends the session of this server only, and the provider may sign in again without asking."
	return s
}

// diagnoseRedirect asks for a sign-in without a page. A provider that knows the
// redirect_uri sends there, whatever it says; others show a page of their own.
func (p *Provider) diagnoseRedirect(ctx context.Context, m *Metadata) Step {
	s := Step{Name: "redirect_uri", OK: true, Detail: p.cfg.CallbackURL}
	params := url.Values{"response_type": {"code"}, "client_id": {p.cfg.ClientID}, "redirect_uri": {p.cfg.CallbackURL}, "scope": {p.scope()},
		"state": {"doctor"}, "nonce": {"doctor"}, "prompt": {"none"},
		"code_challenge": {"E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"}, "code_challenge_method": {"S256"}}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, withQuery(m.AuthorizationEndpoint, params), nil)
	if err != nil {
		return Step{Name: s.Name, Code: auth.CodeUpstream, Detail: "the authorization endpoint has no valid address"}
	}
	a, err := p.send(req)
	s.Took = time.Since(began)
	switch {
	case err != nil:
		s.OK, s.Code, s.Detail = false, auth.CodeUpstream, "the authorization endpoint does not answer: "+err.Error()
		s.Remedy = auth.Refuse(auth.CodeUpstream).Hint
	case strings.HasPrefix(a.header.Get("Location"), p.cfg.CallbackURL):
		s.Detail += " is known to the provider"
	case a.status >= http.StatusBadRequest:
		s.OK, s.Code = false, auth.CodeProvider
		s.Detail = fmt.Sprintf("the provider refuses a request with %s (status %d)", p.cfg.CallbackURL, a.status)
		s.Remedy = "Register exactly this address as a callback URL of the client at the provider, and check the client id."
	default:
		s.Detail += ": the provider does not tell whether it knows it"
	}
	return s
}

// diagnoseClient redeems a made-up code: a provider that accepts the client refuses
// the code, others refuse the client.
func (p *Provider) diagnoseClient(ctx context.Context, m *Metadata) Step {
	began := time.Now()
	_, err := p.token(ctx, m, url.Values{
		"grant_type": {"authorization_code"}, "code": {"made-up-by-the-doctor"}, "redirect_uri": {p.cfg.CallbackURL},
		"code_verifier": {"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"},
	})
	s := Step{Name: "client id and secret", OK: true, Took: time.Since(began)}
	var f *failure
	switch {
	case errors.As(err, &f) && f.code == "invalid_grant":
		s.Detail = "accepted (a made-up code was refused for its own sake)"
	case errors.As(err, &f) && (f.code == "invalid_client" || f.code == "unauthorized_client"):
		s.OK, s.Code = false, auth.CodeClient
		s.Detail = f.Error()
		s.Remedy = "Copy the client id and the secret from the provider again, and check clientAuthenticationMethod."
	case errors.As(err, &f):
		s.OK, s.Warning, s.Detail = false, true, "cannot be told: "+f.Error()
		s.Remedy = "Try a sign-in: only that shows whether the client is accepted."
	case err != nil:
		s.OK, s.Code, s.Detail = false, auth.CodeUpstream, err.Error()
		s.Remedy = auth.Refuse(auth.CodeUpstream).Hint
	default:
		s.OK, s.Detail = false, "the provider accepts made-up codes"
		s.Remedy = "Do not use this provider: anybody can sign in as anybody."
	}
	return s
}
