package server

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/signon"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Accounts looks after people's accounts from the server's host.
type Accounts struct {
	a        *assembly
	by       entity.Principal
	settings *config.Config // with what administrators saved on top
}

// LookAfterAccounts works on the accounts of a data directory that a server uses or
// not. No identity provider is asked, and settings that the server would refuse do not
// stop it.
func LookAfterAccounts(ctx context.Context, cfg *config.Config, reload Reload, work func(*Accounts) error) error {
	return onDataDir(ctx, cfg, false, func(a *assembly) error {
		effective, err := signon.NewOffline(a.store, a.sealer, reload).Config(ctx)
		if err != nil { // of no use to the server either, which doctor tells
			effective = cfg
		}
		operator := entity.System()
		operator.Name = signon.Operator
		return work(&Accounts{a: a, by: operator, settings: effective})
	})
}

// NewAdmin says who becomes an administrator.
type NewAdmin struct {
	Name  string // empty: the part of the email before the @
	Email string // empty: the name at the configured principal domain
	// Password is the person's own choice. If it is empty and people sign in with
	// passwords here, a one-time password is made.
	Password string
	// NoPassword is for people who come from an identity provider.
	NoPassword bool
}

// CreateAdmin makes an administrator and returns the one-time password, if one was
// made.
func (c *Accounts) CreateAdmin(ctx context.Context, in NewAdmin) (user auth.User, oneTime string, err error) {
	if in.Email == "" {
		domain := c.settings.Authorizer.PrincipalDomain
		if domain == "" {
			return user, "", entity.BadRequest("no domain is configured for people without an email address: name the address, catalpa admin create %s --email ADDRESS", in.Name)
		}
		in.Email = in.Name + "@" + domain
	}
	if in.Name == "" {
		in.Name, _, _ = strings.Cut(in.Email, "@")
	}
	basic := c.settings.Authentication.Provider == config.ProviderBasic
	if in.Password != "" {
		if !basic {
			return user, "", entity.BadRequest("people sign in at the identity provider (%s): no password is kept here", c.settings.Authentication.Provider)
		}
		if err := c.a.auth.CheckPasswordRules(in.Password, in.Name, in.Email); err != nil {
			return user, "", err
		}
	}
	if user, err = c.a.auth.CreateAdmin(ctx, c.by, in.Name, in.Email); err != nil {
		return user, "", err
	}
	switch {
	case in.Password != "":
		err = c.a.auth.SetPassword(ctx, c.by, user.ID, in.Password, false)
	case basic && !in.NoPassword:
		user, oneTime, err = c.a.auth.ResetPassword(ctx, c.by, user.Name)
	}
	return user, oneTime, err
}

// SetAdmin makes a person an administrator, or an ordinary user again, and tells
// whether that is anything new.
func (c *Accounts) SetAdmin(ctx context.Context, nameOrEmail string, admin bool) (user auth.User, changed bool, err error) {
	before, err := c.a.auth.FindPerson(ctx, nameOrEmail)
	if err != nil {
		return before, false, err
	}
	user, err = c.a.auth.SetAdmin(ctx, c.by, nameOrEmail, admin)
	return user, before.IsAdmin != admin, err
}

// IsConfigured tells whether the configuration names a person as administrator, who
// then becomes one again.
func (c *Accounts) IsConfigured(user auth.User) bool { return namedAdmin(c.settings, user) }

func namedAdmin(cfg *config.Config, user auth.User) bool {
	return slices.ContainsFunc(cfg.Authorizer.AdminPrincipals, func(principal string) bool {
		return strings.EqualFold(principal, user.Name) || strings.EqualFold(principal, user.Email)
	})
}

// demoteOthers takes the rights of administrators from whoever the configuration does
// not name, if it says that it names all. The last administrator stays one.
func (a *assembly) demoteOthers(ctx context.Context, cfg *config.Config, out io.Writer) error {
	if !cfg.Authorizer.AdminPrincipalsAuthoritative {
		return nil
	}
	configuration := entity.System()
	configuration.Name = "configuration"
	c := &Accounts{a: a, by: configuration, settings: cfg}
	admins, err := c.Admins(ctx)
	if err != nil {
		return err
	}
	for _, admin := range admins {
		if admin.Deleted || namedAdmin(cfg, admin.User) {
			continue
		}
		_, _, err := c.SetAdmin(ctx, admin.Name, false)
		if entity.KindOf(err) == entity.KindConflict {
			fmt.Fprintf(out, "catalpa: warning: adminPrincipals does not name %s, who stays an administrator as the last one\n", admin.Name)
			continue
		}
		if err != nil {
			return fmt.Errorf("demoting %s: %w", admin.Name, err)
		}
		fmt.Fprintf(out, "catalpa: %s is no administrator any more: adminPrincipals does not name the user\n", admin.Name)
	}
	return nil
}

// Admins lists the administrators by name, deactivated ones too.
func (c *Accounts) Admins(ctx context.Context) ([]auth.Account, error) {
	var list []auth.Account
	q := store.ListQuery{Type: "user", Include: store.All, Members: map[string]string{"isAdmin": "true"}, Limit: indexPage}
	for {
		var rows []store.Row
		err := c.a.store.View(ctx, func(r store.Reader) (err error) {
			rows, err = r.List(ctx, q)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			account, err := c.a.auth.AccountOf(ctx, row.ID)
			if err != nil {
				return nil, err
			}
			if !account.IsBot {
				list = append(list, account)
			}
		}
		if len(rows) < q.Limit {
			return list, nil
		}
		q.After = rows[len(rows)-1].FQN
	}
}

// Unlock lifts the delays after wrong passwords.
func (c *Accounts) Unlock(ctx context.Context, nameOrEmail string) (auth.User, error) {
	user, err := c.a.auth.FindPerson(ctx, nameOrEmail)
	if err != nil {
		return user, err
	}
	return user, c.a.auth.Unlock(ctx, c.by, user)
}

// SignOut ends a person's sessions, and with tokens the personal access tokens too. It
// returns how many there were of each.
func (c *Accounts) SignOut(ctx context.Context, nameOrEmail string, withTokens bool) (user auth.User, sessions, tokens int, err error) {
	if user, err = c.a.auth.FindPerson(ctx, nameOrEmail); err != nil {
		return user, 0, 0, err
	}
	if sessions, err = c.a.auth.EndSessions(ctx, c.by, user.ID); err != nil || !withTokens {
		return user, sessions, 0, err
	}
	tokens, err = c.a.auth.RevokePersonalTokens(ctx, c.by, user.ID)
	return user, sessions, tokens, err
}

// ResetPassword gives a person a one-time password and ends the person's sessions.
func (c *Accounts) ResetPassword(ctx context.Context, nameOrEmail string) (plain string, err error) {
	_, plain, err = c.a.auth.ResetPassword(ctx, c.by, nameOrEmail)
	return plain, err
}

// Unlink parts a person from its identities at the providers, and returns the
// providers' names.
func (c *Accounts) Unlink(ctx context.Context, nameOrEmail string) (user auth.User, issuers []string, err error) {
	if user, err = c.a.auth.FindPerson(ctx, nameOrEmail); err != nil {
		return user, nil, err
	}
	account, err := c.a.auth.AccountOf(ctx, user.ID)
	if err != nil {
		return user, nil, err
	}
	if len(account.Issuers) == 0 {
		return user, nil, entity.BadRequest("%s is not linked to anybody at an identity provider", user.Name)
	}
	return user, account.Issuers, c.a.auth.Unlink(ctx, c.by, user.ID)
}

// errDefaultInUse keeps the operator from shutting the only door.
var errDefaultInUse = errors.New("people sign in with passwords here, and nobody but admin is an administrator who has one: make another first, catalpa admin create NAME")

// DisableDefaultAdmin takes from the account that everybody tries first all there is
// to sign in or call with. It returns how many credentials were live, and whether
// another administrator is left.
func (c *Accounts) DisableDefaultAdmin(ctx context.Context) (ended int, others bool, err error) {
	user, err := c.a.auth.FindPerson(ctx, defaultAdmin)
	if err != nil {
		return 0, false, err
	}
	admins, err := c.Admins(ctx)
	if err != nil {
		return 0, false, err
	}
	basic := c.settings.Authentication.Provider == config.ProviderBasic
	others = slices.ContainsFunc(admins, func(other auth.Account) bool {
		return other.ID != user.ID && !other.Deleted && (!basic || other.Password)
	})
	if basic && !others {
		return 0, false, errDefaultInUse
	}
	ended, err = c.a.auth.Disarm(ctx, c.by, user)
	return ended, others, err
}
