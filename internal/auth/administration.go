package auth

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Account is a person's account as the operator sees it.
type Account struct {
	User
	Password   bool     // has one
	MustChange bool     // it is a one-time password
	Issuers    []string // of the providers at which an identity is linked to the user
}

// FindPerson finds somebody who is no bot by name or email, deleted or not.
func (s *Service) FindPerson(ctx context.Context, nameOrEmail string) (User, error) {
	user, err := s.findForLogin(ctx, strings.ToLower(strings.TrimSpace(nameOrEmail)))
	switch {
	case err != nil:
		return User{}, err
	case user.ID == entity.NilID:
		return User{}, entity.NotFound("user", nameOrEmail)
	case user.IsBot:
		return User{}, entity.BadRequest("%s is a bot", user.Name)
	}
	return user, nil
}

// AccountOf tells how a person stands.
func (s *Service) AccountOf(ctx context.Context, id entity.ID) (Account, error) {
	user, err := s.users.ByID(ctx, id)
	if err != nil {
		return Account{}, err
	}
	account := Account{User: user}
	err = s.store.View(ctx, func(r store.Reader) error {
		stored, err := readPassword(ctx, r, id)
		if err != nil {
			return err
		}
		account.Password, account.MustChange = stored.Hash != "", stored.MustChange
		links, err := linksOf(ctx, r, id)
		account.Issuers = nil
		for _, l := range links {
			account.Issuers = append(account.Issuers, l.Issuer)
		}
		return err
	})
	return account, err
}

// CreateAdmin makes an administrator who has no password yet. It is for the operator
// on the server's host.
func (s *Service) CreateAdmin(ctx context.Context, by entity.Principal, name, email string) (User, error) {
	email, err := cleanEmail(email)
	if err != nil {
		return User{}, err
	}
	name = strings.ToLower(strings.TrimSpace(name))
	if local, _, _ := strings.Cut(email, "@"); name == "" {
		name = local
	}
	if s.opts.Directory == nil {
		return User{}, entity.Internal(errors.New("there is no directory to make users in"))
	}
	user, err := s.opts.Directory.CreatePerson(ctx, Person{Name: name, Email: email})
	if entity.KindOf(err) == entity.KindConflict {
		return User{}, entity.Conflict("there is a user with this name or email already: make it an administrator instead, catalpa admin grant %s", name)
	}
	if err != nil {
		return User{}, err
	}
	return s.SetAdmin(ctx, by, user.Name, true)
}

// SetAdmin makes a person an administrator, or an ordinary user again. The last
// administrator stays one.
func (s *Service) SetAdmin(ctx context.Context, by entity.Principal, nameOrEmail string, admin bool) (User, error) {
	if err := denyBots(by); err != nil {
		return User{}, err
	}
	user, err := s.FindPerson(ctx, nameOrEmail)
	if err != nil {
		return User{}, err
	}
	if user.Deleted {
		return User{}, entity.BadRequest("%s is deactivated: restore the user first", user.Name)
	}
	if user.IsAdmin == admin {
		return user, nil
	}
	if s.opts.Directory == nil {
		return User{}, entity.Internal(errors.New("there is no directory to change users in"))
	}
	if err := s.opts.Directory.SetAdmin(ctx, user.ID, admin); err != nil {
		return User{}, err
	}
	action := "adminRevoked"
	if admin {
		action = "adminGranted"
	}
	user.IsAdmin = admin
	return user, s.change(ctx, user.ID, func(tx store.Tx) error {
		return s.audit(ctx, tx, AuditEntry{Action: action, User: user.Name, By: by.Name})
	})
}

// Unlock lifts the delays after wrong passwords from a person's account, for all
// addresses.
func (s *Service) Unlock(ctx context.Context, by entity.Principal, user User) error {
	return s.store.Update(ctx, func(tx store.Tx) error {
		if err := forgive(ctx, tx, user); err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: "unlocked", User: user.Name, By: by.Name})
	})
}

// Disarm takes from a person all there is to call or sign in with: password,
// sessions, personal access tokens. It returns how many credentials were live.
func (s *Service) Disarm(ctx context.Context, by entity.Principal, user User) (int, error) {
	if err := denyBots(by); err != nil {
		return 0, err
	}
	ended := 0
	err := s.change(ctx, user.ID, func(tx store.Tx) error {
		var err error
		if ended, err = dropCredentials(ctx, tx, user.ID, "", s.clock(), always); err != nil {
			return err
		}
		for _, kind := range []string{kindPassword, kindReset} {
			if _, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: kind, Owner: user.ID.String()}); err != nil {
				return err
			}
		}
		return s.audit(ctx, tx, AuditEntry{Action: "disarmed", User: user.Name, By: by.Name, Count: ended})
	})
	if err != nil {
		return 0, err
	}
	return ended, s.removeFirstPassword(user)
}

// cameByProvider tells whether somebody signed in through the provider in force, not
// with what was kept of the time before.
func (s *Service) cameByProvider(ctx context.Context, by entity.Principal) (bool, error) {
	if by.TokenType != TypeUser || strings.HasPrefix(by.TokenID, keptTokenPrefix) {
		return false, nil
	}
	if strings.HasPrefix(by.TokenID, providerTokenPrefix) {
		return true, nil
	}
	own := false
	err := s.store.View(ctx, func(r store.Reader) error {
		c, err := readCredential(ctx, r, by.UserID, sessionKey(by))
		own = err == nil && c.Mark == s.inForce.Load().mark
		return err
	})
	return own, err
}

// WipePasswords forgets the passwords of all users and returns their number. It is
// for servers where people sign in at a provider, and for an admin who has done so:
// that proves that passwords are not needed any more.
func (s *Service) WipePasswords(ctx context.Context, by entity.Principal) (int, error) {
	switch {
	case !by.IsAdmin || by.IsBot || by.TokenType == TypeBot:
		return 0, entity.Forbidden("only an administrator can wipe passwords")
	case s.SignOn().Basic:
		return 0, entity.BadRequest("People sign in with these passwords: configure another provider first.")
	}
	if proven, err := s.cameByProvider(ctx, by); err != nil || !proven {
		return 0, firstError(err, func() error {
			return entity.BadRequest("You are not signed in through the identity provider: sign in there first. That proves that nobody needs a password any more.")
		})
	}
	wiped := 0
	err := s.store.Update(ctx, func(tx store.Tx) error {
		var err error
		if wiped, err = tx.DeleteRecords(ctx, store.RecordQuery{Kind: kindPassword, Any: true}); err != nil {
			return err
		}
		for _, kind := range []string{kindReset, kindSignUp} {
			if _, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: kind, Any: true}); err != nil {
				return err
			}
		}
		return s.audit(ctx, tx, AuditEntry{Action: "passwordsWiped", By: by.Name, Count: wiped})
	})
	if err != nil {
		return 0, err
	}
	s.subjects.forgetAll()
	if s.opts.DataDir == "" {
		return wiped, nil
	}
	if err := os.Remove(s.firstPasswordPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return wiped, entity.Internal(err)
	}
	return wiped, nil
}
