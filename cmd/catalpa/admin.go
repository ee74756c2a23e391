package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/server"
)

type adminCommand struct {
	Create        adminCreateCommand   `cmd:"" help:"Make a new administrator."`
	Grant         adminGrantCommand    `cmd:"" help:"Make a user an administrator."`
	Revoke        adminRevokeCommand   `cmd:"" help:"Make an administrator an ordinary user."`
	List          adminListCommand     `cmd:"" help:"List the administrators."`
	Unlock        adminUnlockCommand   `cmd:"" help:"Lift the delays after wrong passwords."`
	SignOut       adminSignOutCommand  `cmd:"" name:"sign-out" help:"End all sessions of a user."`
	ResetPassword resetPasswordCommand `cmd:"" name:"reset-password" help:"Give a user a new random password and print it."`
	Unlink        adminUnlinkCommand   `cmd:"" help:"Part a user from its identity at the provider."`
}

// Help is shown below the flags.
func (adminCommand) Help() string {
	return `For when nobody can sign in who could help. No sign-in is needed and no identity provider is asked: who may read the data directory may do this. The server may be running on the directory or not; a running one follows within a second. Each change is in the audit trail, done by "operator on the host".`
}

func (f dataDirFlags) accounts(ctx context.Context, doing string, work func(*server.Accounts) error) error {
	cfg, err := f.load()
	if err != nil {
		return err
	}
	if err := server.LookAfterAccounts(ctx, cfg, reload(f.options()), work); err != nil {
		return fmt.Errorf("%s: %w", doing, err)
	}
	return nil
}

type adminCreateCommand struct {
	Who           string `arg:"" name:"name-or-email" help:"Name or email address of the new administrator."`
	Email         string `name:"email" placeholder:"ADDRESS" help:"Email address, when a name is given (default: the name at principalDomain)."`
	PasswordStdin bool   `name:"password-stdin" xor:"password" help:"Read the password from the first line of standard input."`
	NoPassword    bool   `name:"no-password" xor:"password" help:"Give no password: the person will come from the identity provider."`
	dataDirFlags
}

// Help is shown below the flags.
func (adminCreateCommand) Help() string {
	return `When people sign in with passwords kept here, standard output holds a one-time password and nothing else, unless a password was given on standard input; it must be changed at the first sign-in. When they sign in at an identity provider, the new administrator has no password: whoever signs in there with this email address is that user.

Examples:
  catalpa admin create ann@example.com
  catalpa admin create ann --email ann@example.com --password-stdin < password.txt`
}

// Run makes an administrator.
func (c *adminCreateCommand) Run(ctx context.Context, out *console) error {
	in := server.NewAdmin{Name: c.Who, Email: c.Email, NoPassword: c.NoPassword}
	if strings.Contains(c.Who, "@") {
		if c.Email != "" {
			return &usageError{message: "--email goes with a name, not with another address"}
		}
		in.Name, in.Email = "", c.Who
	}
	if c.PasswordStdin {
		var err error
		if in.Password, err = firstLine(os.Stdin); err != nil {
			return fmt.Errorf("reading the password: %w", err)
		}
	}
	return c.accounts(ctx, "making the administrator "+c.Who, func(accounts *server.Accounts) error {
		user, oneTime, err := accounts.CreateAdmin(ctx, in)
		if err != nil {
			return err
		}
		fmt.Fprintf(out.stderr, "%s (%s) is an administrator now\n", user.Name, user.Email)
		if oneTime != "" {
			_, err = fmt.Fprintln(out.stdout, oneTime)
		}
		return err
	})
}

// maxLine is the most that is read of a password.
const maxLine = 1024

func firstLine(in io.Reader) (string, error) {
	line, err := bufio.NewReader(io.LimitReader(in, maxLine)).ReadString('\n')
	if errors.Is(err, io.EOF) {
		err = nil
	}
	line = strings.TrimRight(line, "\r\n")
	if err == nil && line == "" {
		err = errors.New("standard input is empty")
	}
	return line, err
}

// userArgument is shared by the commands that work on one user.
type userArgument struct {
	User string `arg:"" name:"user" help:"Name or email address of the user."`
	dataDirFlags
}

type adminGrantCommand struct{ userArgument }

// Run makes a user an administrator.
func (c *adminGrantCommand) Run(ctx context.Context, out *console) error {
	return c.accounts(ctx, "making "+c.User+" an administrator", func(accounts *server.Accounts) error {
		user, changed, err := accounts.SetAdmin(ctx, c.User, true)
		if err != nil {
			return err
		}
		if !changed {
			_, err = fmt.Fprintf(out.stdout, "%s is an administrator already\n", user.Name)
			return err
		}
		_, err = fmt.Fprintf(out.stdout, "%s is an administrator now\n", user.Name)
		return err
	})
}

type adminRevokeCommand struct{ userArgument }

// Help is shown below the flags.
func (adminRevokeCommand) Help() string {
	return `The last administrator stays one: make somebody else one first. Who is named in adminPrincipals becomes one again, so remove the entry, too.`
}

// Run makes an administrator an ordinary user.
func (c *adminRevokeCommand) Run(ctx context.Context, out *console) error {
	return c.accounts(ctx, "taking the rights of an administrator from "+c.User, func(accounts *server.Accounts) error {
		user, changed, err := accounts.SetAdmin(ctx, c.User, false)
		if err != nil {
			return err
		}
		if accounts.IsConfigured(user) {
			fmt.Fprintf(out.stderr, "adminPrincipals names %s: remove the entry, or the next sign-in at the identity provider makes an administrator again\n", user.Name)
		}
		if !changed {
			_, err = fmt.Fprintf(out.stdout, "%s is no administrator\n", user.Name)
			return err
		}
		_, err = fmt.Fprintf(out.stdout, "%s is no administrator any more\n", user.Name)
		return err
	})
}

type adminListCommand struct{ dataDirFlags }

// Run lists the administrators and how each can sign in.
func (c *adminListCommand) Run(ctx context.Context, out *console) error {
	return c.accounts(ctx, "listing the administrators", func(accounts *server.Accounts) error {
		admins, err := accounts.Admins(ctx)
		if err != nil {
			return err
		}
		table := tabwriter.NewWriter(out.stdout, 0, 4, 2, ' ', 0)
		fmt.Fprintln(table, "NAME\tEMAIL\tSTATE\tPASSWORD\tLINKED TO")
		for _, a := range admins {
			state := "active"
			if a.Deleted {
				state = "deactivated"
			}
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", a.Name, a.Email, state, passwordState(a), strings.Join(a.Issuers, " "))
		}
		return table.Flush()
	})
}

func passwordState(a auth.Account) string {
	switch {
	case a.MustChange:
		return "one-time"
	case a.Password:
		return "own"
	}
	return "none"
}

type adminUnlockCommand struct{ userArgument }

// Help is shown below the flags.
func (adminUnlockCommand) Help() string {
	return `Lifts the delays for this account from all addresses. An address that failed at many accounts keeps its own until accessBlockTime is over.`
}

// Run lifts delays.
func (c *adminUnlockCommand) Run(ctx context.Context, out *console) error {
	return c.accounts(ctx, "lifting delays for "+c.User, func(accounts *server.Accounts) error {
		user, err := accounts.Unlock(ctx, c.User)
		if err == nil {
			_, err = fmt.Fprintf(out.stdout, "%s can try again\n", user.Name)
		}
		return err
	})
}

type adminSignOutCommand struct {
	Tokens bool `name:"tokens" help:"End the user's personal access tokens, too."`
	userArgument
}

// Help is shown below the flags.
func (adminSignOutCommand) Help() string {
	return `Tokens that an identity provider issued to the user until now are refused, too.`
}

// Run ends sessions.
func (c *adminSignOutCommand) Run(ctx context.Context, out *console) error {
	return c.accounts(ctx, "signing "+c.User+" out", func(accounts *server.Accounts) error {
		user, sessions, tokens, err := accounts.SignOut(ctx, c.User, c.Tokens)
		if err != nil {
			return err
		}
		fmt.Fprintf(out.stdout, "%s is signed out; sessions ended: %d\n", user.Name, sessions)
		if c.Tokens {
			_, err = fmt.Fprintf(out.stdout, "personal access tokens ended: %d\n", tokens)
		}
		return err
	})
}

type resetPasswordCommand struct {
	Name string `arg:"" optional:"" default:"admin" help:"Name or email address of the user (default: admin)."`
	dataDirFlags
}

// Help is shown below the flags.
func (resetPasswordCommand) Help() string {
	return `For when nobody can sign in any more. Standard output holds the new password and nothing else; it must be changed at the next sign-in. Sessions of the user end, and delays after wrong passwords are lifted. The server may be running on the directory or not.`
}

// Run prints a fresh password.
func (c *resetPasswordCommand) Run(ctx context.Context, out *console) error {
	return c.accounts(ctx, "resetting the password of "+c.Name, func(accounts *server.Accounts) error {
		password, err := accounts.ResetPassword(ctx, c.Name)
		if err == nil {
			_, err = fmt.Fprintln(out.stdout, password)
		}
		return err
	})
}

type adminUnlinkCommand struct{ userArgument }

// Help is shown below the flags.
func (adminUnlinkCommand) Help() string {
	return `For SEC-USER-RELINK: the person has another identity at the provider now, or the provider was replaced. Whoever signs in next with the user's email address is linked anew, so make sure first that the address belongs to the same person. The user is signed out.`
}

// Run parts a user from its identities.
func (c *adminUnlinkCommand) Run(ctx context.Context, out *console) error {
	return c.accounts(ctx, "unlinking "+c.User, func(accounts *server.Accounts) error {
		user, issuers, err := accounts.Unlink(ctx, c.User)
		if err == nil {
			_, err = fmt.Fprintf(out.stdout, "%s is no longer linked to an identity of %s\n", user.Name, strings.Join(issuers, ", "))
		}
		return err
	})
}
