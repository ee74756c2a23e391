package oidc

import (
	"net/url"
	"slices"
	"strings"
)

// preset is how a kind of provider differs from the standard.
type preset struct {
	// offline is how a refresh token is asked for: the scope offline_access, a
	// parameter, or not at all because one always comes.
	offline offline
	// selects says that prompt=select_account is known to work without being advertised.
	selects bool
	// endpointAudience says that client assertions name the token endpoint, not the issuer.
	endpointAudience bool
	// signOut makes the address to sign out at, "" for the standard way.
	signOut func(m *Metadata, client, back string) string
}

type offline int

const (
	offlineScope offline = iota
	offlineParam
	offlineAlways
)

const scopeOffline = "offline_access"

func presetOf(kind string) preset {
	switch kind {
	case KindGoogle:
		return preset{offline: offlineParam, selects: true}
	case KindAzure:
		return preset{selects: true, endpointAudience: true}
	case KindOkta:
		return preset{endpointAudience: true}
	case KindCognito:
		return preset{offline: offlineAlways, signOut: cognitoSignOut}
	case KindAuth0:
		return preset{signOut: auth0SignOut}
	}
	return preset{}
}

// auth0SignOut serves tenants that do not publish end_session_endpoint.
func auth0SignOut(m *Metadata, client, back string) string {
	if m.EndSessionEndpoint != "" {
		return ""
	}
	return strings.TrimSuffix(m.Issuer, "/") + "/v2/logout?" + url.Values{"client_id": {client}, "returnTo": {back}}.Encode()
}

// cognitoSignOut serves the hosted pages, whose parameter has a name of its own.
func cognitoSignOut(m *Metadata, client, back string) string {
	address := m.EndSessionEndpoint
	if address == "" {
		address = origin(m.AuthorizationEndpoint) + "/logout"
	}
	return withQuery(address, url.Values{"client_id": {client}, "logout_uri": {back}})
}

// scope is what is asked for.
func (p *Provider) scope() string {
	scopes := strings.Fields(p.cfg.Scope)
	if p.preset.offline != offlineScope {
		scopes = slices.DeleteFunc(scopes, func(s string) bool { return s == scopeOffline })
	}
	return strings.Join(scopes, " ")
}

// Scope is what is asked for, by this server or by the browser of a public client.
func (p *Provider) Scope() string { return p.scope() }

// wantsOffline tells whether the configuration asks for refresh tokens.
func (p *Provider) wantsOffline() bool {
	return p.preset.offline == offlineAlways || slices.Contains(strings.Fields(p.cfg.Scope), scopeOffline) ||
		p.cfg.CustomParams["access_type"] == "offline"
}

// prompt is what is asked of the provider: by default to choose an account, where
// that is supported.
func (p *Provider) prompt(m *Metadata) string {
	const selectAccount = "select_account"
	switch {
	case p.cfg.Prompt != "":
		return p.cfg.Prompt
	case len(m.Prompts) > 0 && slices.Contains(m.Prompts, selectAccount), len(m.Prompts) == 0 && p.preset.selects:
		return selectAccount
	}
	return ""
}

func withQuery(address string, params url.Values) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	query := u.Query()
	for name, values := range params {
		query[name] = values
	}
	u.RawQuery = query.Encode()
	return u.String()
}
