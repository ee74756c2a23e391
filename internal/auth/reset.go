package auth

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth/password"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// kindReset is the record of a user's live reset token: there is one at most, and a
// new one takes its place. Its owner is the user.
const kindReset = "auth-reset"

// resetLife is how long a reset token works.
const resetLife = time.Hour

const secretSize = 32 // bytes: 256 bits

type resetDoc struct {
	Hash    []byte `json:"hash"`    // SHA-256 of the token's bytes
	Expires int64  `json:"expires"` // milliseconds since 1970
}

// ResetRequest chooses a new password by a link from a mail.
type ResetRequest struct {
	Name     string // user name or email
	Password string
	Token    string
	Address  string // of the client, for the audit trail
}

// RequestReset sends a link for a new password to an email address that belongs to a
// person. It answers the same, at the same time, whether it does: all that depends
// on the account happens afterwards.
func (s *Service) RequestReset(ctx context.Context, email, address string) error {
	if !s.SignOn().Basic {
		return Refuse(CodeBasicOff)
	}
	email, err := cleanEmail(email)
	if err != nil {
		return err
	}
	free, err := s.take(ctx,
		quota{"reset/address/" + addressDigest(address), 20, time.Hour}, quota{"reset/account/" + keyDigest(email), 5, time.Hour})
	if err != nil || !free {
		return err
	}
	s.afterwards("password reset", func(ctx context.Context) error { return s.sendReset(ctx, email, address) })
	return nil
}

func (s *Service) sendReset(ctx context.Context, email, address string) error {
	user, err := s.findForLogin(ctx, email)
	if err != nil || user.ID == entity.NilID || user.Deleted || user.IsBot {
		return err
	}
	if !s.CanMail() {
		s.log.Warn("somebody asks for a new password, but mail is not configured; give one with catalpa admin reset-password", "user", user.Name)
		return nil
	}
	var secret [secretSize]byte
	_, _ = rand.Read(secret[:]) // never fails, says crypto/rand
	now := s.clock()
	doc, err := json.Marshal(resetDoc{Hash: hashOf(secret[:]), Expires: now.Add(resetLife).UnixMilli()})
	if err != nil {
		return err
	}
	err = s.store.Update(ctx, func(tx store.Tx) error {
		rec := store.Record{Kind: kindReset, Owner: user.ID.String(), At: now.UnixMilli(), Doc: doc}
		if err := tx.PutRecord(ctx, rec); err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: "passwordResetRequested", User: user.Name, Address: entity.Shorten(address, 60)})
	})
	if err != nil {
		return err
	}
	return s.opts.Mailer.Send(ctx, Mail{
		Kind: MailReset, To: user.Email, User: user.Name, Lifetime: resetLife, Token: base64.RawURLEncoding.EncodeToString(secret[:]),
	})
}

// FinishReset sets a password by the token of a reset mail, which works once. All
// sessions of the user end; personal access tokens go on and are told by mail.
func (s *Service) FinishReset(ctx context.Context, req ResetRequest) error {
	if !s.SignOn().Basic {
		return Refuse(CodeBasicOff)
	}
	user, secret, err := s.whoResets(ctx, req)
	if err != nil {
		return err
	}
	if err := password.Check(req.Password, user.Name, user.Email); err != nil {
		return err
	}
	hash, err := s.hasher.Hash(password.Favour(ctx), req.Password)
	if err != nil {
		return err
	}
	valid := false
	err = s.change(ctx, user.ID, func(tx store.Tx) error {
		if valid, err = s.isReset(ctx, tx, user.ID, secret); err != nil || !valid {
			return err // somebody was quicker
		}
		if err := s.replacePassword(ctx, tx, user, passwordDoc{Hash: hash}, ""); err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: "passwordReset", User: user.Name, By: user.Name, Address: entity.Shorten(req.Address, 60)})
	})
	if err != nil {
		return err
	}
	if !valid {
		return s.refuseReset(ctx, req)
	}
	s.tellOfReset(user)
	return s.removeFirstPassword(user)
}

// whoResets finds the user of a reset and the secret of the token, if they belong
// together.
func (s *Service) whoResets(ctx context.Context, req ResetRequest) (User, []byte, error) {
	user, err := s.findForLogin(ctx, strings.ToLower(strings.TrimSpace(entity.Shorten(req.Name, maxLoginName))))
	if err != nil {
		return User{}, nil, err
	}
	secret, err := decodePart(req.Token)
	if err != nil || len(secret) != secretSize || user.ID == entity.NilID || user.Deleted || user.IsBot {
		return User{}, nil, s.refuseReset(ctx, req)
	}
	valid := false
	err = s.store.View(ctx, func(r store.Reader) error {
		valid, err = s.isReset(ctx, r, user.ID, secret)
		return err
	})
	if err == nil && !valid {
		err = s.refuseReset(ctx, req)
	}
	return user, secret, err
}

// isReset tells whether the secret is that of the user's live reset token.
func (s *Service) isReset(ctx context.Context, r store.Reader, user entity.ID, secret []byte) (bool, error) {
	rec, err := r.Record(ctx, kindReset, user.String(), "")
	if isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var doc resetDoc
	if err := json.Unmarshal(rec.Doc, &doc); err != nil {
		return false, entity.Internal(err)
	}
	return equal(doc.Hash, secret) && s.clock().UnixMilli() < doc.Expires, nil
}

func (s *Service) refuseReset(ctx context.Context, req ResetRequest) error {
	s.trail.note(ctx, AuditEntry{
		Action: "passwordResetRefused", Code: CodeReset, Subject: digestOf(req.Name), Address: entity.Shorten(req.Address, 60),
	})
	return Refuse(CodeReset)
}

// tellOfReset lets the owner know, and which tokens a thief may have left behind.
func (s *Service) tellOfReset(user User) {
	if !s.CanMail() {
		return
	}
	s.afterwards("mail about a password", func(ctx context.Context) error {
		tokens, err := s.PersonalTokens(ctx, user.ID)
		if err != nil {
			return err
		}
		m := Mail{Kind: MailChanged, To: user.Email, User: user.Name}
		for _, t := range tokens {
			m.Tokens = append(m.Tokens, t.Name)
		}
		return s.opts.Mailer.Send(ctx, m)
	})
}
