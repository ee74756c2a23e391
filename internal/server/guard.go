package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/auth/key"
	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// defaultAdmin is the account that everybody would try first.
const defaultAdmin = "admin"

// guard looks for what only shows once everything is open, and refuses to serve
// with it in production mode.
func (a *assembly) guard(ctx context.Context, out io.Writer) error {
	cfg := a.signOn.Config()
	a.guarded = append(a.guarded, a.guardDiscovery(cfg)...)
	more, err := a.guardDefaultAdmin(ctx, cfg)
	if err != nil {
		return err
	}
	a.guarded = append(a.guarded, more...)
	if err := a.guarded.Refusal(); err != nil {
		return err
	}
	for _, f := range a.guarded {
		fmt.Fprintf(out, "catalpa: %s\n", f)
	}
	return nil
}

// Refuse is the error of a server that must not start: what the configuration is
// refused for, and what else stands in the way that only the key files and the data
// directory show, so that the operator reads all of it at once. It returns nil when
// there is nothing.
func Refuse(ctx context.Context, cfg *config.Config, reload Reload, refused *config.Refused) error {
	more := guardKeys(cfg)
	if refused != nil { // of two reasons for one file, the simpler one
		more = slices.DeleteFunc(more, func(f config.Finding) bool {
			return f.Code == config.CodeKeyFile && slices.ContainsFunc(refused.Findings, func(other config.Finding) bool { return other.Key == f.Key })
		})
	}
	if hasCatalog(cfg) == nil && len(guardFiles(cfg)) == 0 {
		err := LookAfterAccounts(ctx, cfg, reload, func(c *Accounts) error {
			if c.a.openSignOn(ctx, reload, quiet()) == nil {
				more = append(more, c.a.guardDiscovery(c.settings)...)
			}
			found, err := c.a.guardDefaultAdmin(ctx, c.settings)
			more = append(more, found...)
			return err
		})
		if err != nil && refused == nil && len(more) == 0 {
			return err
		}
	}
	var all config.Findings
	if refused != nil {
		all = append(all, refused.Findings...)
	}
	return append(all, asServed(cfg, more)...).Refusal()
}

// asServed gives findings the weight they have for a server: configurations of
// commands that serve nobody tolerate what it must not.
func asServed(cfg *config.Config, findings config.Findings) config.Findings {
	for i, f := range findings {
		if !f.Accepted && (cfg.Mode == config.Production || f.Code == config.CodeKeyMode) {
			findings[i].Severity = config.Error
		}
	}
	return findings
}

// guardDiscovery looks for a provider that was never reached and of which nothing is
// kept from an earlier start.
func (a *assembly) guardDiscovery(cfg *config.Config) config.Findings {
	err := a.signOn.Ready()
	if err == nil {
		return nil
	}
	reason := "it does not answer"
	if e := entity.AsError(err); e != nil {
		reason = e.Message
	}
	return config.Findings{cfg.Guard(config.CodeDiscovery, "authenticationConfiguration.authority",
		"the identity provider was never reached: "+reason, "catalpa doctor provider shows what fails.")}
}

// guardKeys looks at what can be judged before anything is opened.
func guardKeys(cfg *config.Config) config.Findings { return append(GuardKey(cfg), guardFiles(cfg)...) }

// guardFiles looks for secrets in the data directory that others on this machine can
// read. They are made private, so somebody has opened them since.
func guardFiles(cfg *config.Config) config.Findings {
	var findings config.Findings
	for _, f := range exposedFiles(cfg) {
		findings = append(findings, cfg.Stop(config.CodeKeyMode, "dataDir",
			fmt.Sprintf("others on this machine may read or change %s (mode %04o).", f.path, f.mode),
			"chmod 600 "+f.path+"; if somebody may have read it, retire the keys as compromised: catalpa keys retire --compromised."))
	}
	return findings
}

type exposedFile struct {
	path string
	mode fs.FileMode
}

// exposedFiles are the secrets in the data directory that others can read or change.
func exposedFiles(cfg *config.Config) []exposedFile {
	var found []exposedFile
	for _, path := range []string{filepath.Join(cfg.DataDir, keysDir, key.RingFile), filepath.Join(cfg.DataDir, secret.MasterFile)} {
		info, err := os.Lstat(path)
		if err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o077 != 0 {
			found = append(found, exposedFile{path, info.Mode().Perm()})
		}
	}
	return found
}

// makePrivate takes from others what the operator accepts that they could read.
func makePrivate(cfg *config.Config) error {
	for _, f := range exposedFiles(cfg) {
		if err := os.Chmod(f.path, 0o600); err != nil {
			return err
		}
	}
	return nil
}

// keySetting is where what is wrong with the operator's key files is reported.
const keySetting = "jwtTokenConfiguration.rsaprivateKeyFilePath"

// GuardKey finds what is wrong with what is in the operator's key files: a server must
// not start with them. Who can read them, the configuration tells already.
func GuardKey(cfg *config.Config) config.Findings {
	if hasPublishedKey(cfg) {
		return config.Findings{cfg.Guard(config.CodePublishedKey, keySetting,
			"the signing key is the one published with OpenMetadata: anybody can sign with it.",
			"remove both paths to let the server use a pair of its own, or make one with openssl genrsa -out private_key.pem 3072.")}
	}
	options := keyOptions(cfg)
	options.OpenToOthers = true
	err := options.CheckFiles()
	if err == nil {
		return nil
	}
	f := config.Finding{
		Severity: config.Error, Code: config.CodeKeyFile, Key: keySetting,
		Message: err.Error() + ".", Remedy: "name files that can be read, or remove both paths to let the server use a pair of its own.",
	}
	if unfit := new(key.Unfit); errors.As(err, &unfit) {
		f.Message, f.Remedy = strings.TrimSuffix(err.Error(), "; "+unfit.Remedy)+".", unfit.Remedy
	}
	return config.Findings{f}
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
