package signon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/ldap"
	"github.com/catalpa-metadata/catalpa/internal/auth/oidc"
	"github.com/catalpa-metadata/catalpa/internal/auth/saml"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/outbound"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// build makes the provider of a state. What becomes known of it later is put in
// force as long as the state is.
func (m *Manager) build(ctx context.Context, cfg *config.Config, of *state) (provider, error) {
	a := &cfg.Authentication
	base := &auth.SignOn{Provider: a.Provider, Rules: rulesOf(cfg), AccessLifetime: cfg.Login.TokenExpiry}
	switch {
	case a.Provider == config.ProviderBasic:
		base.Basic = true
		return provider{signOn: base}, nil
	case a.Provider == config.ProviderLDAP:
		return m.buildLDAP(cfg, base)
	case a.Provider == config.ProviderSAML:
		return m.buildSAML(cfg, base)
	case a.IsOIDC():
		return m.buildOIDC(ctx, cfg, base, of)
	}
	return provider{}, fmt.Errorf("there is no provider %q", a.Provider)
}

// client makes outgoing calls to the provider.
func (m *Manager) client(cfg *config.Config) *http.Client {
	return outbound.New(outbound.Options{Allow: cfg.Server.OutboundAllow, Development: cfg.Mode == config.Development})
}

func (m *Manager) buildOIDC(ctx context.Context, cfg *config.Config, base *auth.SignOn, of *state) (provider, error) {
	conf, err := m.oidcConfig(ctx, cfg)
	if err != nil {
		return provider{}, err
	}
	a := &cfg.Authentication
	base.AccessLifetime, base.SessionLifetime = a.OIDC.TokenValidity, a.OIDC.SessionExpiry
	base.Identity = conf.Issuer + " " + conf.ClientID + " " + a.ClientType
	var made atomic.Pointer[oidc.Provider]
	conf.OnMetadata = func(meta oidc.Metadata) {
		if err := m.keepMetadata(conf.DiscoveryURI, meta); err != nil {
			m.log.Warn("the identity provider's metadata could not be kept for the next start", "error", err)
		}
		if made.Load() != nil { // not while New is at work
			m.renew(of)
		}
	}
	p, err := oidc.New(context.WithoutCancel(ctx), conf, m.client(cfg), m.clock, m.log)
	if err != nil {
		return provider{}, err
	}
	made.Store(p)
	var fresh func() provider
	fresh = func() provider {
		signOn := *base
		if a.ClientType == config.ClientConfidential {
			signOn.Redirect = p
		} else {
			signOn.Trust = p.Trust()
		}
		return provider{
			signOn: &signOn, test: p, stop: p.Close, ready: p.Ready, fresh: fresh, oidc: p.Metadata, scope: p.Scope(),
			examine: func(ctx context.Context) []Step { return oidcSteps(p.Diagnose(ctx)) },
		}
	}
	return fresh(), nil
}

func oidcSteps(in []oidc.Step) []Step {
	out := make([]Step, len(in))
	for i, s := range in {
		out[i] = Step{Name: s.Name, Status: statusOf(s.OK, s.Warning), Detail: s.Detail, Remedy: s.Remedy, Code: s.Code, Took: s.Took}
	}
	return out
}

func ldapSteps(in []ldap.Step) []Step {
	out := make([]Step, len(in))
	for i, s := range in {
		out[i] = Step{Name: s.Name, Status: statusOf(s.OK, false), Detail: s.Detail, Remedy: s.Remedy, Took: s.Took}
	}
	return out
}

func samlSteps(in []saml.Step) []Step {
	out := make([]Step, len(in))
	for i, s := range in {
		out[i] = Step{Name: s.Name, Status: statusOf(s.OK, false), Detail: s.Detail, Remedy: s.Remedy, Took: s.Took}
	}
	return out
}

func (m *Manager) oidcConfig(ctx context.Context, cfg *config.Config) (oidc.Config, error) {
	a := &cfg.Authentication
	conf := oidc.Config{
		Kind: a.Provider, Issuer: a.Authority, DiscoveryURI: a.OIDC.DiscoveryURI, Tenant: a.OIDC.Tenant,
		ClientID: a.ClientID, ClientSecret: a.OIDC.Secret.Reveal(), Public: a.ClientType == config.ClientPublic,
		Scope: a.OIDC.Scope, Prompt: a.OIDC.Prompt, CustomParams: a.OIDC.CustomParams, DisablePKCE: a.OIDC.DisablePKCE, UseNonce: a.OIDC.UseNonce,
		CallbackURL: a.OIDC.CallbackURL, ServerURL: a.OIDC.ServerURL, PublicKeyURLs: a.PublicKeyURLs,
		OwnJWKS:    []string{cfg.Server.URL + "/api/v1/system/config/jwks", "http://localhost:8585/api/v1/system/config/jwks"},
		Algorithms: []string{a.TokenValidationAlgorithm}, Skew: a.OIDC.MaxClockSkew, AcceptedAudiences: a.AcceptedAudiences,
		PrincipalClaims: a.JWTPrincipalClaims, Claims: wantedClaims(cfg),
	}
	if conf.Public {
		conf.AuthMethod, conf.CallbackURL = oidc.AuthNone, a.CallbackURL
	} else {
		conf.AuthMethod = a.OIDC.ClientAuthenticationMethod
	}
	if conf.AuthMethod == oidc.AuthPrivateJWT {
		conf.KeyID, conf.Key = m.opts.Signer()
	}
	if a.OIDC.MaxAge != "" {
		seconds, err := strconv.Atoi(a.OIDC.MaxAge)
		if err != nil {
			return conf, &config.Refused{Findings: config.Findings{{
				Severity: config.Error, Code: "CFG-VALUE", Key: "authenticationConfiguration.oidcConfiguration.maxAge", Message: "this must be a number of seconds.",
			}}}
		}
		age := time.Duration(seconds) * time.Second
		conf.MaxAge = &age
	}
	var err error
	conf.Cached, err = m.keptMetadata(ctx, conf.DiscoveryURI)
	return conf, err
}

// wantedClaims are those that rules ask for besides the principal.
func wantedClaims(cfg *config.Config) []string {
	rules := rulesOf(cfg)
	var claims []string
	for _, claim := range []string{rules.UsernameClaim, rules.EmailClaim, rules.TeamClaim} {
		if claim != "" {
			claims = append(claims, claim)
		}
	}
	if rules.UseRoles {
		claims = append(claims, rules.RoleClaim)
	}
	return claims
}

// kindMetadata are the records of what providers said of themselves, so that a
// start does not depend on the provider being there.
const kindMetadata = "security-metadata"

func (m *Manager) keptMetadata(ctx context.Context, address string) (*oidc.Metadata, error) {
	var rec store.Record
	err := m.opts.Store.View(ctx, func(r store.Reader) error {
		var err error
		rec, err = r.Record(ctx, kindMetadata, "", address)
		return err
	})
	if err != nil && entity.KindOf(err) == entity.KindNotFound {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	meta := new(oidc.Metadata)
	if err := json.Unmarshal(rec.Doc, meta); err != nil {
		return nil, nil // of another release: it is fetched again
	}
	return meta, nil
}

func (m *Manager) keepMetadata(address string, meta oidc.Metadata) error {
	doc, err := json.Marshal(meta)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), storeTimeout)
	defer cancel()
	return m.opts.Store.Update(ctx, func(tx store.Tx) error {
		return tx.PutRecord(ctx, store.Record{Kind: kindMetadata, Key: address, At: m.clock().UnixMilli(), Doc: doc})
	})
}

const storeTimeout = 10 * time.Second

// ldapRoles is the claim that directories put the roles of their groups into.
const ldapRoles = "roles"

func (m *Manager) buildLDAP(cfg *config.Config, base *auth.SignOn) (provider, error) {
	l := &cfg.Authentication.LDAP
	directory, err := ldap.New(ldap.Config{
		Host: l.Host, Port: l.Port, MaxPoolSize: l.MaxPoolSize, AdminDN: l.AdminDN, AdminPassword: l.AdminPassword.Reveal(), SSL: l.SSLEnabled, StartTLS: l.StartTLS,
		UserBaseDN: l.UserBaseDN, MailAttribute: l.MailAttributeName, UsernameAttribute: l.UsernameAttributeName,
		GroupBaseDN: l.GroupBaseDN, GroupAttribute: l.GroupAttributeName, GroupAttributeValue: l.GroupAttributeValue,
		GroupMemberAttribute: l.GroupMemberAttributeName, FullDN: l.IsFullDN, RolesMapping: l.RolesMapping, ReassignRoles: l.ReassignRoles,
		RoleAdminName: l.RoleAdminName, Truststore: l.TruststoreConfigType, TrustStorePath: l.TrustStorePath,
		AcceptedHostNames: l.AcceptableHostNames, AllowWildcards: l.AllowWildcards, Production: cfg.Mode == config.Production, AllowClear: cfg.Accepts(config.CodeLDAPPlain),
	}, m.log)
	if err != nil {
		return provider{}, err
	}
	base.Password, base.Identity = directory, l.Host+" "+l.UserBaseDN
	// The mapping of groups is the directory's way to give roles.
	if l.RolesMapping != "" {
		base.Rules.UseRoles, base.Rules.RoleClaim = true, ldapRoles
		base.Rules.AdminFromProvider = base.Rules.AdminFromProvider || l.RoleAdminName != ""
	}
	return provider{signOn: base, stop: directory.Close, examine: func(ctx context.Context) []Step { return ldapSteps(directory.Diagnose(ctx)) }}, nil
}

func (m *Manager) buildSAML(cfg *config.Config, base *auth.SignOn) (provider, error) {
	s := &cfg.Authentication.SAML
	p, err := saml.New(saml.Config{
		IDPEntityID: s.IDPEntityID, IDPLoginURL: s.IDPLoginURL, IDPCertificate: s.IDPCertificate.Reveal(), NameIDFormat: s.IDPNameID,
		SPEntityID: s.SPEntityID, ACSURL: s.SPACS, SPCertificate: s.SPCertificate.Reveal(), SPPrivateKey: s.SPPrivateKey.Reveal(),
		SignRequests: s.SendSignedAuthRequest, SignMetadata: s.SignSPMetadata, WantMessagesSigned: s.WantMessagesSigned,
		AllowUnsignedAssertions: !s.WantAssertionsSigned, WantAssertionEncrypted: s.WantAssertionEncrypted, SendEncryptedNameID: s.SendEncryptedNameID,
		KeyStorePath: s.KeyStorePath, DisplayNameAttributes: s.DisplayNameAttributes, Skew: cfg.Authentication.OIDC.MaxClockSkew,
		Production: cfg.Mode == config.Production, Client: m.client(cfg),
	}, m.clock, m.log)
	if err != nil {
		return provider{}, err
	}
	base.Redirect, base.Identity = p, s.IDPEntityID+" "+s.SPEntityID
	base.AccessLifetime, base.SessionLifetime = s.TokenValidity, cfg.Authentication.OIDC.SessionExpiry
	return provider{signOn: base, test: p, metadata: p.Metadata(), examine: func(ctx context.Context) []Step { return samlSteps(p.Diagnose(ctx)) }}, nil
}

// faultOf finds the field a provider blames for not being set up.
func faultOf(err error) (FieldError, bool) {
	var fault *oidc.ConfigError
	if !errors.As(err, &fault) {
		return FieldError{}, false
	}
	out := FieldError{Field: fault.Field, Error: fault.Err.Error()}
	if e := entity.AsError(fault.Err); e != nil {
		out.Error, out.Code = e.Message+" "+e.Hint, e.Code
	}
	return out, true
}
