package auth

import (
	"context"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// kindPerson is the record of what sign-on keeps about a user.
const kindPerson = "auth-person"

const personKey = "state"

// personDoc is the content of the record.
type personDoc struct {
	// NotBefore refuses tokens of a provider that were issued earlier: they cannot be
	// ended one by one. Milliseconds since 1970.
	NotBefore int64 `json:"notBefore,omitzero"`
	// What came from claims, and therefore may go by claims.
	Admin bool        `json:"admin,omitzero"`
	Roles []entity.ID `json:"roles,omitzero"`
	Teams []entity.ID `json:"teams,omitzero"`
	// SignIns are the last sign-ins by tokens of a provider that the trail tells of.
	SignIns []string `json:"signIns,omitzero"`
}

// readPerson returns the zero value when there is none.
func readPerson(ctx context.Context, r store.Reader, user entity.ID) (personDoc, error) {
	var doc personDoc
	rec, err := r.Record(ctx, kindPerson, user.String(), personKey)
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

// editPerson changes the record inside a transaction.
func (s *Service) editPerson(ctx context.Context, tx store.Tx, user entity.ID, edit func(*personDoc)) error {
	doc, err := readPerson(ctx, tx, user)
	if err != nil {
		return err
	}
	edit(&doc)
	data, err := json.Marshal(doc)
	if err != nil {
		return entity.Internal(err)
	}
	return tx.PutRecord(ctx, store.Record{Kind: kindPerson, Owner: user.String(), Key: personKey, At: s.clock().UnixMilli(), Doc: data})
}

// endAll ends all sessions of a user, and what tokens of a provider there are.
func (s *Service) endAll(ctx context.Context, tx store.Tx, user entity.ID) (int, error) {
	now := s.clock()
	ended, err := dropCredentials(ctx, tx, user, prefixSession, now, always)
	if err != nil {
		return 0, err
	}
	return ended, s.editPerson(ctx, tx, user, func(doc *personDoc) { doc.NotBefore = now.UnixMilli() })
}

// Farewell ends for good whatever somebody can call with: the user is deleted, or the
// bot whose user it is. It belongs into the transaction that does so.
func (s *Service) Farewell(ctx context.Context, tx store.Tx, by entity.Principal, user entity.ID) error {
	known, err := s.users.ByID(ctx, user)
	if isNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	now := s.clock()
	ended, err := s.endAll(ctx, tx, user)
	if err != nil {
		return err
	}
	for _, prefix := range []string{prefixBot, prefixPersonal} {
		n, err := dropCredentials(ctx, tx, user, prefix, now, always)
		if err != nil {
			return err
		}
		ended += n
	}
	if known.IsBot {
		if err := s.endLegacy(ctx, tx, user, now, now); err != nil {
			return err
		}
	}
	if ended == 0 {
		return nil
	}
	return s.audit(ctx, tx, AuditEntry{Action: "credentialsEnded", User: known.Name, By: by.Name, Count: ended})
}
