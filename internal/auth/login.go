package auth

import (
	"context"
	"encoding/base64"
	"strings"
	"unicode/utf8"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

const (
	maxLoginName     = 300
	maxLoginPassword = 1024
)

// LoginRequest asks to sign in by password.
type LoginRequest struct {
	Name     string // email or user name
	Password string // Base64 of the password in UTF-8
	Address  string // of the client, for the throttle and the audit trail
}

// Login signs a person in. Whoever cannot sign in gets one answer, whether the
// user is unknown, deleted, a bot or without a password, or the password is wrong.
//
// Passwords are this server's own, or those of a directory, or there are none.
func (s *Service) Login(ctx context.Context, req LoginRequest) (Tokens, error) {
	force := s.inForce.Load()
	if !force.Basic && force.Password == nil {
		return Tokens{}, Refuse(CodeBasicOff)
	}
	plain, err := decodePassword(req.Password)
	if err != nil {
		return Tokens{}, err
	}
	name := strings.ToLower(strings.TrimSpace(req.Name))
	if name == "" || len(name) > maxLoginName || !utf8.ValidString(name) {
		return Tokens{}, s.refuseLogin(ctx, CodeLogin, "", req.Address)
	}
	who := attemptOf(name, req.Address)
	// Whoever is blocked must not wait in line with the others.
	if blocked, err := s.blocked(ctx, who); err != nil || blocked {
		return Tokens{}, firstError(err, func() error { return s.refuseLogin(ctx, CodeThrottled, name, req.Address) })
	}
	leave, blocked, err := s.takeTurn(ctx, who)
	if err != nil || blocked {
		return Tokens{}, firstError(err, func() error { return s.refuseLogin(ctx, CodeThrottled, name, req.Address) })
	}
	defer leave()
	if force.Basic {
		return s.loginInTurn(ctx, who, name, plain, req.Address)
	}
	return s.loginElsewhere(ctx, force, who, name, plain, req.Address)
}

// loginInTurn evaluates a password when the turn of its account and address has come.
func (s *Service) loginInTurn(ctx context.Context, who attempt, name, plain, address string) (Tokens, error) {
	user, err := s.findForLogin(ctx, name)
	if err != nil {
		return Tokens{}, err
	}
	stored, err := s.passwordOf(ctx, user.ID)
	if err != nil {
		return Tokens{}, err
	}
	hash := stored.Hash
	if user.Deleted || user.IsBot {
		hash = ""
	}
	if ctx, err = s.favour(ctx, who); err != nil {
		return Tokens{}, err
	}
	ok, renew, err := s.hasher.Verify(ctx, hash, plain)
	if err != nil {
		return Tokens{}, err
	}
	if !ok {
		if err := s.countFailure(ctx, who); err != nil {
			return Tokens{}, err
		}
		return Tokens{}, s.refuseLogin(ctx, CodeLogin, name, address)
	}
	if renew {
		if stored.Hash, err = s.hasher.Hash(ctx, plain); err != nil {
			return Tokens{}, err
		}
	}
	tokens, err := s.signIn(ctx, user, address, func(tx store.Tx) error {
		if renew {
			if err := putPassword(ctx, tx, user.ID, stored); err != nil {
				return err
			}
		}
		if _, err := tx.DeleteRecord(ctx, kindThrottle, who.pair.owner, who.pair.key); err != nil {
			return err
		}
		return s.acquaint(ctx, tx, who)
	})
	tokens.MustChangePassword = stored.MustChange
	return tokens, err
}

// loginElsewhere lets a directory judge the password; whom it vouches for goes by the
// rules for everybody who comes from a provider.
func (s *Service) loginElsewhere(ctx context.Context, force *inForce, who attempt, name, plain, address string) (Tokens, error) {
	err := error(Refuse(CodeLogin))
	var id Identity
	if plain != "" { // directories take an empty password for no sign-in at all, and agree
		id, err = force.Password.Check(ctx, name, plain)
	}
	if err != nil {
		err = asError(err)
		if entity.AsError(err).Code != CodeLogin {
			return Tokens{}, err
		}
		if err := s.countFailure(ctx, who); err != nil {
			return Tokens{}, err
		}
		return Tokens{}, s.refuseLogin(ctx, CodeLogin, name, address)
	}
	user, err := s.recognise(ctx, force.SignOn, id)
	if err != nil {
		e := entity.AsError(asError(err))
		s.trail.note(ctx, AuditEntry{Action: "signInRefused", Code: e.Code, Subject: digestOf(name), Issuer: entity.Shorten(id.Issuer, 100), Address: entity.Shorten(address, 60)})
		return Tokens{}, e
	}
	return s.signIn(ctx, user, address, func(tx store.Tx) error {
		_, err := tx.DeleteRecord(ctx, kindThrottle, who.pair.owner, who.pair.key)
		return err
	})
}

// findForLogin returns the zero User when there is none.
func (s *Service) findForLogin(ctx context.Context, name string) (User, error) {
	find := s.users.ByName
	if strings.Contains(name, "@") {
		find = s.users.ByEmail
	}
	user, err := find(ctx, name)
	if isNotFound(err) {
		return User{}, nil
	}
	return user, err
}

func (s *Service) refuseLogin(ctx context.Context, code, name, address string) error {
	s.trail.note(ctx, AuditEntry{Action: "signInRefused", Code: code, Subject: digestOf(name), Address: entity.Shorten(address, 60)})
	return Refuse(code)
}

func firstError(err error, otherwise func() error) error {
	if err != nil {
		return err
	}
	return otherwise()
}

// decodePassword reads a password as clients send it.
func decodePassword(encoded string) (string, error) {
	if len(encoded) > maxLoginPassword {
		return "", entity.BadRequest("Password is too long.")
	}
	plain, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		plain, err = base64.RawStdEncoding.DecodeString(encoded)
	}
	if err != nil || !utf8.Valid(plain) {
		return "", &entity.Error{
			Kind: entity.KindBadRequest, Message: "Password need to be encoded in Base-64.",
			Hint: "Send the Base64 form of the password in UTF-8.",
		}
	}
	return string(plain), nil
}
