package server

import (
	"cmp"
	"context"
	"crypto"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/api"
	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/signon"
)

// Reload reads the configuration again as at the start, with what administrators
// saved on top.
type Reload func(saved []byte) (*config.Config, config.Findings, error)

// fixed is the Reload of a configuration that cannot be read again.
func fixed(cfg *config.Config) Reload {
	return func(saved []byte) (*config.Config, config.Findings, error) {
		if saved != nil {
			return nil, nil, errors.New("sign-on settings are saved, but this server cannot read its configuration again")
		}
		return cfg, nil, nil
	}
}

// authenticate waits for the signing keys and makes the service that issues and
// judges credentials.
func (a *assembly) authenticate(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	<-a.keysOpen
	if a.keysErr != nil {
		return a.keysErr
	}
	mailer, err := mailerOf(cfg)
	if err != nil {
		return err
	}
	people := a.people()
	a.auth, err = auth.New(ctx, auth.Options{
		Store: a.store, Users: people, Directory: people, Keys: a.keys, Sealer: a.sealer, DataDir: cfg.DataDir, Issuer: cfg.JWT.Issuer, FirstIssuer: cfg.Server.URL,
		Skew: cfg.Authentication.OIDC.MaxClockSkew, AccessLifetime: cfg.Login.TokenExpiry, MaxLoginFails: cfg.Login.MaxFailedAttempts,
		LoginBlock: cfg.Login.AccessBlockTime, AllowUnlimitedBotTokens: cfg.JWT.AllowUnlimitedBotTokens, RevealBotTokens: cfg.JWT.RevealBotTokens,
		RotationOverlap: cfg.JWT.RotationOverlap,
		Observer:        a.observer(),
		Mailer:          mailer, Log: log, Route: api.RouteOf, Address: api.AddressOf, Headers: api.HeadersOf,
		TestSignOn: func(ctx context.Context, doc []byte) (*auth.SignOn, error) { return a.signOn.TestSignOn(ctx, doc) },
	})
	if err != nil {
		return err
	}
	a.engine.UseFarewell(a.auth.Farewell)
	return nil
}

// openSignOn puts the sign-on settings in force. Commands that bring access back do
// without: settings that cannot be used must not stop them.
func (a *assembly) openSignOn(ctx context.Context, reload Reload, log *slog.Logger) error {
	opened, err := signon.Open(ctx, signon.Options{
		Store: a.store, Sealer: a.sealer, Auth: a.auth, Users: a.people(), Load: reload, Log: log,
		Signer: func() (string, crypto.Signer) { return a.keys.Signer() },
	})
	if err == nil {
		a.signOn = opened // only one that has settings can be closed
	}
	return err
}

// mailerOf is nil when mail is not configured.
func mailerOf(cfg *config.Config) (auth.Mailer, error) {
	sender, err := senderOf(cfg)
	if err != nil {
		return nil, fmt.Errorf("setting up mail: %w", err)
	}
	if sender == nil {
		return nil, nil
	}
	return sender, nil
}

// signOnSettings are what the API needs to know of the settings in force.
func (a *assembly) signOnSettings() api.SignOnSettings {
	cfg := a.signOn.Config()
	au := &cfg.Authentication
	s := api.SignOnSettings{
		PublicURL: cfg.Server.URL, Development: cfg.Mode == config.Development, ForceSecure: au.ForceSecureSessionCookie,
		TrustedProxies: cfg.Server.TrustedProxies, AllowedRedirectOrigins: au.AllowedRedirectOrigins, AllowedOrigins: cfg.Server.AllowedOrigins,
		LegacyCallbackToken: au.LegacyCallbackToken,
		Provider:            au.Provider, ProviderName: au.ProviderName, ClientType: au.ClientType, ResponseType: au.ResponseType,
		Authority: au.Authority, ClientID: au.ClientID, CallbackURL: au.CallbackURL, Scope: cmp.Or(a.signOn.Scope(), au.OIDC.Scope),
		PublicKeyURLs: au.PublicKeyURLs, PrincipalClaims: au.JWTPrincipalClaims, PrincipalMapping: au.JWTPrincipalClaimsMapping,
		TokenAlgorithm: au.TokenValidationAlgorithm, TeamClaim: au.JWTTeamClaimMapping,
		SelfSignup: au.EnableSelfSignup, AutoRedirect: au.EnableAutoRedirect, PasswordReset: a.auth.CanMail(),
	}
	meta, known := a.signOn.OIDC()
	if !known || au.ClientType != config.ClientPublic {
		return s
	}
	s.Client = &api.PublicClient{
		Issuer: meta.Issuer, ClientID: au.ClientID, AuthorizationEndpoint: meta.AuthorizationEndpoint, TokenEndpoint: meta.TokenEndpoint,
		SignOut: a.signOn.SignOut(strings.TrimSuffix(cfg.Server.URL, "/") + "/signed-out"), RedirectURI: au.CallbackURL, Scope: s.Scope, ResponseType: au.ResponseType,
		IssInResponse: meta.IssParameter, Prompt: au.Prompt(),
	}
	return s
}

// SecurityConfig works on the saved sign-on settings of a data directory that a
// server uses or not. No identity provider and no settings in force are needed.
func SecurityConfig(ctx context.Context, cfg *config.Config, reload Reload, work func(*signon.Offline) error) error {
	if err := hasCatalog(cfg); err != nil {
		return err
	}
	st, err := openStore(ctx, cfg, quiet())
	if err != nil {
		return err
	}
	sealer, _, err := secret.OpenDir(cfg.DataDir)
	if err == nil {
		err = work(signon.NewOffline(st, sealer, reload))
	}
	if closeErr := st.Close(); err == nil {
		err = closeErr
	}
	return err
}
