package auth

import (
	"cmp"
	"context"
	"crypto"
	"crypto/rsa"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth/key"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// ownKey finds the key of a token of our own.
func (s *Service) ownKey(_ context.Context, id, _ string) (crypto.PublicKey, error) {
	if public, ok := s.keys.Public(id); ok {
		return public, nil
	}
	if _, ok := s.keys.Retired(id); ok {
		return nil, Refuse(CodeKeyRotated)
	}
	return nil, Refuse(CodeKeyID)
}

// signer returns the key for a token. One that never expires obliges the key to
// verify until it is retired.
func (s *Service) signer(c *claims) (id string, private *rsa.PrivateKey, err error) {
	if c.Expires == nil {
		return s.keys.EndlessSigner()
	}
	id, private = s.keys.Signer()
	return id, private, nil
}

// RotateKey makes another key sign: after key.Lead, in which it is published
// already, or at once.
func (s *Service) RotateKey(ctx context.Context, by entity.Principal, atOnce bool) (key.Info, error) {
	change, action := s.keys.Announce, "keyPublished"
	if atOnce {
		change, action = s.keys.Rotate, "keyRotated"
	}
	info, err := change()
	return info, s.auditKey(ctx, by, action, info.ID, err)
}

// RotateMaster makes another master key seal the secrets that are stored. The former
// ones open what they sealed: of sessions, until those are renewed or over.
func (s *Service) RotateMaster(ctx context.Context, by entity.Principal) error {
	return s.auditKey(ctx, by, "masterKeyRotated", "", s.sealer.Rotate())
}

// ImportKey makes a pair of the operator the one that signs.
func (s *Service) ImportKey(ctx context.Context, by entity.Principal, in key.Import) (key.Info, error) {
	info, err := s.keys.Import(in)
	s.noteRefused(ctx, by, err)
	return info, s.auditKey(ctx, by, "keyImported", info.ID, err)
}

// ImportVerifyOnlyKey lets a key of the operator verify until a date.
func (s *Service) ImportVerifyOnlyKey(ctx context.Context, by entity.Principal, in key.VerifyOnlyImport) (key.Info, error) {
	info, err := s.keys.ImportVerifyOnly(in)
	s.noteRefused(ctx, by, err)
	return info, s.auditKey(ctx, by, "keyImportedVerifyOnly", info.ID, err)
}

// noteRefused tells the trail of a key that was not taken: somebody may be trying to
// bring one.
func (s *Service) noteRefused(ctx context.Context, by entity.Principal, err error) {
	if err == nil {
		return
	}
	entry := AuditEntry{Action: "keyImportRefused", By: by.Name}
	if unfit := new(key.Unfit); errors.As(err, &unfit) {
		entry.Detail = entity.Shorten(unfit.Problem, 200)
	}
	if failed := s.record(ctx, entry); failed != nil {
		s.log.Warn("that a key was not taken could not be written into the trail", "error", failed)
	}
}

// RetireKey refuses whatever the key signed, from now on. A compromised key may be
// the one that signs; another one takes its place.
func (s *Service) RetireKey(ctx context.Context, by entity.Principal, id string, compromised bool) (signer key.Info, err error) {
	if compromised {
		signer, err = s.keys.Compromise(id)
		return signer, s.auditKey(ctx, by, "keyCompromised", id, err)
	}
	if err = s.keys.Retire(id); err == nil {
		signer = s.keys.List()[0]
	}
	return signer, s.auditKey(ctx, by, "keyRetired", id, err)
}

func (s *Service) auditKey(ctx context.Context, by entity.Principal, action, id string, err error) error {
	if err != nil {
		return err
	}
	s.log.Warn("signing keys changed", "action", action, "kid", id, "by", by.Name)
	return s.store.Update(ctx, func(tx store.Tx) error {
		return s.audit(ctx, tx, AuditEntry{Action: action, KeyID: id, By: by.Name})
	})
}

// Holder is somebody who has live long-lived tokens of a key.
type Holder struct {
	User   entity.ID
	Name   string
	IsBot  bool
	Tokens int
	Expiry Expiry // of the newest

	keys   []string // of the credentials
	newest int64
}

// HoldersOf lists whose live bot tokens and personal access tokens a key signed:
// bots first, by name. Tokens whose key is not on record are counted, too, unless
// the key is another server's.
func (s *Service) HoldersOf(ctx context.Context, id string) ([]Holder, error) {
	found := make(map[string]*Holder)
	now, foreign := s.clock(), s.isForeign(id)
	collect := func(owner, key string, c *credential) {
		if !c.live(now) || c.KeyID != id && (c.KeyID != "" || foreign) {
			return
		}
		h := found[owner]
		if h == nil {
			h = new(Holder)
			found[owner] = h
		}
		h.keys = append(h.keys, key)
		if c.Created >= h.newest {
			h.newest, h.Expiry = c.Created, c.Expiry
		}
	}
	err := s.store.View(ctx, func(r store.Reader) error {
		clear(found)
		if err := eachCredential(ctx, r, prefixBot, collect); err != nil {
			return err
		}
		return eachCredential(ctx, r, prefixPersonal, collect)
	})
	if err != nil {
		return nil, err
	}
	return s.nameHolders(ctx, found)
}

func (s *Service) isForeign(id string) bool {
	if _, _, ok := s.keys.Foreign(id); ok {
		return true
	}
	retired, _ := s.keys.Retired(id)
	return retired.Issuer != ""
}

// nameHolders looks the users up and leaves out those who are gone.
func (s *Service) nameHolders(ctx context.Context, found map[string]*Holder) ([]Holder, error) {
	holders := make([]Holder, 0, len(found))
	for owner, h := range found {
		user, err := entity.ParseID(owner)
		if err != nil {
			return nil, entity.Internal(err)
		}
		known, err := s.users.ByID(ctx, user)
		if isNotFound(err) || err == nil && known.Deleted {
			continue
		}
		if err != nil {
			return nil, err
		}
		h.User, h.Name, h.IsBot, h.Tokens = user, known.Name, known.IsBot, len(h.keys)
		holders = append(holders, *h)
	}
	slices.SortFunc(holders, func(a, b Holder) int {
		if a.IsBot != b.IsBot {
			if a.IsBot {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return holders, nil
}

// eachCredential walks through the credentials of one kind, of all users.
func eachCredential(ctx context.Context, r store.Reader, prefix string, visit func(owner, key string, c *credential)) error {
	const page = 1000
	after := prefix
	for {
		records, err := r.Records(ctx, store.RecordQuery{Kind: kindCredential, Any: true, After: after, Limit: page})
		if err != nil {
			return err
		}
		for _, rec := range records {
			if !strings.HasPrefix(rec.Key, prefix) {
				return nil
			}
			c := new(credential)
			if err := json.Unmarshal(rec.Doc, c); err != nil {
				return entity.Internal(err)
			}
			visit(rec.Owner, rec.Key, c)
			after = rec.Key
		}
		if len(records) < page {
			return nil
		}
	}
}

// ReissueBotToken replaces the tokens of a bot that a key signed by one new token,
// which lives as long as the newest of them was to; its other tokens go on.
func (s *Service) ReissueBotToken(ctx context.Context, by entity.Principal, h Holder) (IssuedToken, error) {
	expiry := h.Expiry
	if _, err := s.lifetime(expiry); err != nil {
		expiry = DefaultExpiry
	}
	return s.newBotToken(ctx, by, h.User, expiry, func(tx store.Tx, now time.Time) error {
		_, err := dropCredentials(ctx, tx, h.User, prefixBot, now, func(key string, _ *credential) bool { return slices.Contains(h.keys, key) })
		return err
	})
}
