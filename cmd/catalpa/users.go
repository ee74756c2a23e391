package main

import (
	"context"
	"fmt"

	"github.com/catalpa-metadata/catalpa/internal/server"
)

type usersCommand struct {
	DisableDefaultAdmin disableDefaultAdminCommand `cmd:"" name:"disable-default-admin" help:"Take password, sessions and tokens from the account admin."`
}

type disableDefaultAdminCommand struct{ dataDirFlags }

// Help is shown below the flags.
func (disableDefaultAdminCommand) Help() string {
	return `For servers where people sign in at an identity provider, which in production mode do not start while the account admin of password sign-in has a password. The account stays, as does what it owns; "catalpa admin reset-password admin" brings a password back. The server may be running on the directory or not.`
}

// Run disables the account.
func (c *disableDefaultAdminCommand) Run(ctx context.Context, out *console) error {
	return c.accounts(ctx, "disabling the account admin", func(accounts *server.Accounts) error {
		ended, others, err := accounts.DisableDefaultAdmin(ctx)
		if err != nil {
			return err
		}
		if !others {
			fmt.Fprintln(out.stderr, "There is no other administrator yet: name one in adminPrincipals, or run catalpa admin create ADDRESS.")
		}
		_, err = fmt.Fprintf(out.stdout, "admin has no password any more; sessions and tokens ended: %d\n", ended)
		return err
	})
}
