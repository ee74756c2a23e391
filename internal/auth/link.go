package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// kindLink are the records that bind an identity of a provider to a user. There are
// two of each: the server's own, found by the identity, and the user's, found by the
// issuer. So an identity has one user, and a user one identity of each provider.
const kindLink = "auth-link"

// link is the content of both records.
type link struct {
	User    string `json:"user"` // its id
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
	At      int64  `json:"at"` // milliseconds since 1970
}

func (l link) identityKey() string { return linkKey(l.Issuer + "\x00" + l.Subject) }

func (l link) issuerKey() string { return linkKey(l.Issuer) }

func linkKey(text string) string {
	sum := sha256.Sum256([]byte(text))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// readLink returns the zero value when there is none.
func readLink(ctx context.Context, r store.Reader, owner, key string) (link, error) {
	rec, err := r.Record(ctx, kindLink, owner, key)
	if isNotFound(err) {
		return link{}, nil
	}
	if err != nil {
		return link{}, err
	}
	var l link
	if err := json.Unmarshal(rec.Doc, &l); err != nil {
		return link{}, entity.Internal(err)
	}
	return l, nil
}

// linkOf finds the live link of an identity. The user's record goes with the user:
// what is left then of the other one is nothing.
func linkOf(ctx context.Context, r store.Reader, id Identity) (link, error) {
	l, err := readLink(ctx, r, "", link{Issuer: id.Issuer, Subject: id.Subject}.identityKey())
	if err != nil || l.User == "" {
		return link{}, err
	}
	back, err := readLink(ctx, r, l.User, l.issuerKey())
	if err != nil || back.Subject != l.Subject {
		return link{}, err
	}
	return l, nil
}

// linksOf lists the links of a user.
func linksOf(ctx context.Context, r store.Reader, user entity.ID) ([]link, error) {
	records, err := r.Records(ctx, store.RecordQuery{Kind: kindLink, Owner: user.String()})
	if err != nil {
		return nil, err
	}
	links := make([]link, len(records))
	for i, rec := range records {
		if err := json.Unmarshal(rec.Doc, &links[i]); err != nil {
			return nil, entity.Internal(err)
		}
	}
	return links, nil
}

// linkedUser finds the user of an identity; the zero User when there is none.
func (s *Service) linkedUser(ctx context.Context, id Identity) (User, error) {
	var l link
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		l, err = linkOf(ctx, r, id)
		return err
	})
	if err != nil || l.User == "" {
		return User{}, err
	}
	userID, err := entity.ParseID(l.User)
	if err != nil {
		return User{}, entity.Internal(err)
	}
	user, err := s.users.ByID(ctx, userID)
	if isNotFound(err) {
		return User{}, nil
	}
	return user, err
}

// bind links an identity to a user who has none of this provider yet. Whoever has
// another one is refused; an identity that was linked meanwhile keeps its user.
func (s *Service) bind(ctx context.Context, id Identity, user User) error {
	l := link{User: user.ID.String(), Issuer: id.Issuer, Subject: id.Subject, At: s.clock().UnixMilli()}
	doc, err := json.Marshal(l)
	if err != nil {
		return entity.Internal(err)
	}
	return s.change(ctx, user.ID, func(tx store.Tx) error {
		other, err := linkOf(ctx, tx, id)
		if err != nil {
			return err
		}
		mine, err := readLink(ctx, tx, l.User, l.issuerKey())
		if err != nil {
			return err
		}
		switch {
		case other.User == l.User:
			return nil
		case other.User != "" || mine.Subject != "":
			return Refuse(CodeUserRelink)
		}
		err = tx.PutRecord(ctx,
			store.Record{Kind: kindLink, Key: l.identityKey(), At: l.At, Doc: doc},
			store.Record{Kind: kindLink, Owner: l.User, Key: l.issuerKey(), At: l.At, Doc: doc})
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: "identityLinked", User: user.Name, Issuer: id.Issuer, Subject: digestOf(id.Subject)})
	})
}

// Unlink lets an admin part a user from its identities at the providers: whoever
// signs in next with the user's email address is linked anew. The user is signed out
// everywhere.
func (s *Service) Unlink(ctx context.Context, by entity.Principal, user entity.ID) error {
	if err := denyBots(by); err != nil {
		return err
	}
	if !by.IsAdmin {
		return entity.Forbidden("Only an administrator can part a user from its identity at the provider.")
	}
	known, err := s.users.ByID(ctx, user)
	if err != nil {
		return err
	}
	return s.change(ctx, user, func(tx store.Tx) error {
		links, err := linksOf(ctx, tx, user)
		if err != nil {
			return err
		}
		for _, l := range links {
			if _, err := tx.DeleteRecord(ctx, kindLink, "", l.identityKey()); err != nil {
				return err
			}
			if _, err := tx.DeleteRecord(ctx, kindLink, l.User, l.issuerKey()); err != nil {
				return err
			}
		}
		ended, err := s.endAll(ctx, tx, user)
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: "identityUnlinked", User: known.Name, By: by.Name, Count: ended})
	})
}
