package server

import (
	"context"
	"fmt"
	"io"

	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// defaultAdmin is the account that everybody would try first.
const defaultAdmin = "admin"

// guard looks for what only shows once everything is open, and refuses to serve
// with it in production mode.
func (a *assembly) guard(ctx context.Context, out io.Writer) error {
	cfg := a.signOn.Config()
	findings := guardKey(cfg)
	if err := a.signOn.Ready(); err != nil {
		reason := "it does not answer"
		if e := entity.AsError(err); e != nil {
			reason = e.Message
		}
		findings = append(findings, cfg.Guard(config.CodeDiscovery, "authenticationConfiguration.authority",
			"the identity provider was never reached: "+reason, "catalpa doctor provider shows what fails."))
	}
	more, err := a.guardDefaultAdmin(ctx, cfg)
	if err != nil {
		return err
	}
	findings = append(findings, more...)
	if err := findings.Refusal(); err != nil {
		return err
	}
	for _, f := range findings {
		fmt.Fprintf(out, "catalpa: %s\n", f)
	}
	return nil
}

// Refuse is the error of a server that must not start: what the configuration is
// refused for, and what else stands in the way that only the key files and the data
// directory show, so that the operator reads all of it at once. It returns nil when
// there is nothing.
func Refuse(ctx context.Context, cfg *config.Config, reload Reload, refused *config.Refused) error {
	more := guardKey(cfg)
	if hasCatalog(cfg) == nil {
		err := LookAfterAccounts(ctx, cfg, reload, func(c *Accounts) error {
			found, err := c.a.guardDefaultAdmin(ctx, c.settings)
			more = append(more, found...)
			return err
		})
		if err != nil && refused == nil {
			return err
		}
	}
	var all config.Findings
	if refused != nil {
		all = append(all, refused.Findings...)
	}
	for _, f := range more {
		// Configurations of commands that serve nobody tolerate what a server must not.
		if cfg.Mode == config.Production && !f.Accepted {
			f.Severity = config.Error
		}
		all = append(all, f)
	}
	return all.Refusal()
}

func guardKey(cfg *config.Config) config.Findings {
	if !hasPublishedKey(cfg) {
		return nil
	}
	return config.Findings{cfg.Guard(config.CodePublishedKey, "jwtTokenConfiguration.rsaprivateKeyFilePath",
		"the signing key is the one published with OpenMetadata: anybody can sign with it.",
		"remove both paths to let the server use a pair of its own, or make one with openssl genrsa -out private_key.pem 3072.")}
}

func (a *assembly) guardDefaultAdmin(ctx context.Context, cfg *config.Config) (config.Findings, error) {
	user, err := a.people().ByName(ctx, defaultAdmin)
	if err != nil || user.Deleted {
		if entity.KindOf(err) == entity.KindNotFound {
			err = nil
		}
		return nil, err
	}
	has, err := a.auth.HasPassword(ctx, user.ID)
	switch {
	case err != nil || !has:
		return nil, err
	case cfg.Authentication.Provider != config.ProviderBasic:
		return config.Findings{cfg.Guard(config.CodeDefaultAccount, "authenticationConfiguration.provider",
			"people sign in at the identity provider, and the account admin still has a password here.", "catalpa users disable-default-admin")}, nil
	case cfg.Mode != config.Production:
		return nil, nil
	}
	known, err := a.auth.PasswordIs(ctx, user.ID, defaultAdmin)
	if err != nil || !known {
		return nil, err
	}
	return config.Findings{cfg.Guard(config.CodeDefaultAdmin, "authenticationConfiguration.initialAdminPassword",
		"the administrator's password is the one everybody tries first.", "catalpa admin reset-password admin")}, nil
}
