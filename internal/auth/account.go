package auth

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth/password"
	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// FirstPasswordFile holds the generated password of the first admin, in the data
// directory, until it is changed.
const FirstPasswordFile = "initial-admin-password"

// passwordDoc is the record of a user's password, apart from the user's entity.
type passwordDoc struct {
	Hash       string `json:"hash"`
	MustChange bool   `json:"mustChange,omitzero"`
	Changed    int64  `json:"changed"` // milliseconds since 1970
}

const passwordKey = "current"

// passwordOf returns the zero value when there is none.
func (s *Service) passwordOf(ctx context.Context, user entity.ID) (passwordDoc, error) {
	var doc passwordDoc
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		doc, err = readPassword(ctx, r, user)
		return err
	})
	return doc, err
}

// readPassword is passwordOf inside a snapshot.
func readPassword(ctx context.Context, r store.Reader, user entity.ID) (passwordDoc, error) {
	var doc passwordDoc
	rec, err := r.Record(ctx, kindPassword, user.String(), passwordKey)
	if isNotFound(err) {
		return doc, nil
	}
	if err != nil {
		return doc, err
	}
	if err := json.Unmarshal(rec.Doc, &doc); err != nil {
		return doc, entity.Internal(err)
	}
	return doc, nil
}

func putPassword(ctx context.Context, tx store.Tx, user entity.ID, doc passwordDoc) error {
	data, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	return tx.PutRecord(ctx, store.Record{Kind: kindPassword, Owner: user.String(), Key: passwordKey, At: doc.Changed, Doc: data})
}

// CheckPasswordRules says why a password is not good enough for a user.
func (s *Service) CheckPasswordRules(plain, name, email string) error {
	return password.Check(plain, name, email)
}

// SetPassword gives a user a password chosen by somebody else, ends the user's
// sessions and lifts delays on signing in. The caller decides who may.
func (s *Service) SetPassword(ctx context.Context, by entity.Principal, user entity.ID, plain string, mustChange bool) error {
	if err := denyBots(by); err != nil {
		return err
	}
	if err := NotOneself(by, user); err != nil {
		return err
	}
	known, err := s.person(ctx, user)
	if err != nil {
		return err
	}
	return s.setPassword(ctx, by, known, plain, mustChange, "")
}

// NotOneself refuses to give a password to oneself: whoever found an open session must
// not get hold of the account. ChangePassword asks for the old one.
func NotOneself(by entity.Principal, user entity.ID) error {
	if by.UserID == entity.NilID || by.UserID != user {
		return nil
	}
	return entity.BadRequest("This is your own account: change its password with PUT /api/v1/users/changePassword, requestType SELF and the old password.")
}

// person finds a user who can have a password.
func (s *Service) person(ctx context.Context, id entity.ID) (User, error) {
	user, err := s.liveUser(ctx, id)
	if err == nil && user.IsBot {
		err = entity.BadRequest("A bot has no password")
	}
	return user, err
}

// setPassword stores a password that makes the first one's file useless.
func (s *Service) setPassword(ctx context.Context, by entity.Principal, user User, plain string, mustChange bool, keep string) error {
	if err := s.storePassword(ctx, by, user, plain, mustChange, keep); err != nil {
		return err
	}
	return s.removeFirstPassword(user)
}

// storePassword ends all sessions but the one with the key keep.
func (s *Service) storePassword(ctx context.Context, by entity.Principal, user User, plain string, mustChange bool, keep string) error {
	if err := password.Check(plain, user.Name, user.Email); err != nil {
		return err
	}
	hash, err := s.hasher.Hash(ctx, plain)
	if err != nil {
		return err
	}
	return s.change(ctx, user.ID, func(tx store.Tx) error {
		if err := s.replacePassword(ctx, tx, user, passwordDoc{Hash: hash, MustChange: mustChange}, keep); err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: "passwordChanged", User: user.Name, By: by.Name})
	})
}

// replacePassword does all that goes with another password: sessions end but the one
// with the key keep, delays are lifted, and a link to reset the old one is void.
func (s *Service) replacePassword(ctx context.Context, tx store.Tx, user User, doc passwordDoc, keep string) error {
	now := s.clock()
	doc.Changed = now.UnixMilli()
	if err := putPassword(ctx, tx, user.ID, doc); err != nil {
		return err
	}
	if _, err := tx.DeleteRecord(ctx, kindReset, user.ID.String(), ""); err != nil {
		return err
	}
	other := func(key string, _ *credential) bool { return key != keep }
	if _, err := dropCredentials(ctx, tx, user.ID, prefixSession, now, other); err != nil {
		return err
	}
	return forgive(ctx, tx, user)
}

// ChangePassword lets the caller choose a new password by proving the old one.
// Other sessions of the user end.
func (s *Service) ChangePassword(ctx context.Context, p entity.Principal, old, fresh string) error {
	if p.TokenType != TypeUser {
		return wrongType("Only a person who signed in can change the password.")
	}
	if !s.SignOn().Basic {
		return Refuse(CodeBasicOff)
	}
	user, err := s.person(ctx, p.UserID)
	if err != nil {
		return err
	}
	// A stolen session must not become a way to guess the password.
	who := attemptOf("change of the password/"+user.Name, "change:"+user.ID.String())
	leave, blocked, err := s.takeTurn(ctx, who)
	if err != nil || blocked {
		return firstError(err, func() error {
			t := refusals[CodeThrottled]
			return &entity.Error{Kind: entity.KindForbidden, Code: CodeThrottled, Message: t.message, Hint: t.hint}
		})
	}
	defer leave()
	stored, err := s.passwordOf(ctx, user.ID)
	if err != nil {
		return err
	}
	ok, _, err := s.hasher.Verify(ctx, stored.Hash, old)
	if err != nil {
		return err
	}
	if !ok {
		if err := s.countFailure(ctx, who); err != nil {
			return err
		}
		return entity.BadRequest("Existing Password does not match the one on record")
	}
	if old == fresh {
		return entity.BadRequest("The new password must differ from the old one")
	}
	return s.setPassword(ctx, p, user, fresh, false, sessionKey(p))
}

// ResetPassword gives the user with this name or email a random password, which
// must be changed, and returns it. It is for the operator on the server's host and
// works beside a running server.
func (s *Service) ResetPassword(ctx context.Context, by entity.Principal, nameOrEmail string) (User, string, error) {
	user, err := s.FindPerson(ctx, nameOrEmail)
	if err != nil {
		return User{}, "", err
	}
	if user, err = s.person(ctx, user.ID); err != nil {
		return User{}, "", err
	}
	plain, err := password.Generate()
	if err != nil {
		return User{}, "", entity.Internal(err)
	}
	return user, plain, s.setPassword(ctx, by, user, plain, true, "")
}

// FirstPassword gives the first admin a password unless there is one: the given
// one, or else a random one that must be changed and is put down in
// FirstPasswordFile. It returns a random password, once, for the start log.
func (s *Service) FirstPassword(ctx context.Context, admin entity.ID, given string) (generated string, err error) {
	user, err := s.person(ctx, admin)
	if err != nil {
		return "", err
	}
	stored, err := s.passwordOf(ctx, admin)
	if err != nil || stored.Hash != "" {
		return "", err
	}
	if given != "" {
		return "", s.storePassword(ctx, entity.System(), user, given, false, "")
	}
	plain, err := password.Generate()
	if err != nil {
		return "", entity.Internal(err)
	}
	// The file comes first: after a crash in between there is no password nobody
	// knows, and the next start writes both again.
	if s.opts.DataDir != "" {
		content := user.Name + "\n" + plain + "\n"
		if err := secret.ReplaceFile(s.firstPasswordPath(), []byte(content)); err != nil {
			return "", entity.Internal(err)
		}
	}
	if err := s.storePassword(ctx, entity.System(), user, plain, true, ""); err != nil {
		return "", err
	}
	return plain, nil
}

func (s *Service) firstPasswordPath() string { return filepath.Join(s.opts.DataDir, FirstPasswordFile) }

// removeFirstPassword takes the file away once its password is of no use.
func (s *Service) removeFirstPassword(user User) error {
	if s.opts.DataDir == "" {
		return nil
	}
	data, err := secret.ReadFile(s.firstPasswordPath())
	if err != nil || !strings.HasPrefix(string(data), user.Name+"\n") {
		return nil // not there, or another user's
	}
	if err := os.Remove(s.firstPasswordPath()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return entity.Internal(err)
	}
	return nil
}
