package auth

import (
	"context"
	"slices"
	"strconv"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// maxSignIns bounds the sign-ins that are remembered of a user, so that the trail tells
// of each once, whichever process sees its token first.
const maxSignIns = 32

// signInsOf names the sign-in that a token of a provider comes from, and by what else
// its renewed tokens may name it. The page of each sign-in chooses a nonce, which
// renewed tokens lack; they keep the session or the time of the sign-in.
func signInsOf(t *parsed, token IDToken) (names []string) {
	if t.claims.Nonce != "" {
		names = append(names, "nonce "+digestOf(t.claims.Nonce))
	}
	if token.Session != "" {
		names = append(names, "session "+digestOf(token.Session))
	}
	if t.claims.AuthTime != nil {
		names = append(names, "time "+strconv.FormatInt(*t.claims.AuthTime, 10))
	}
	if names == nil {
		names = append(names, "token "+strconv.FormatInt(*t.claims.IssuedAt, 10))
	}
	return names
}

// noteArrival tells the trail of a sign-in that this server learns of by its token. A
// store that cannot be written keeps nobody out: the entry waits for it.
func (s *Service) noteArrival(ctx context.Context, user User, t *parsed, token IDToken) {
	names := signInsOf(t, token)
	var doc personDoc
	err := s.store.View(ctx, func(r store.Reader) error {
		var err error
		doc, err = readPerson(ctx, r, user.ID)
		return err
	})
	if err == nil && slices.Contains(doc.SignIns, names[0]) {
		return
	}
	entry := AuditEntry{Action: "signIn", User: user.Name, By: user.Name, Issuer: entity.Shorten(t.claims.Issuer, 100)}
	if s.opts.Address != nil {
		entry.Address = entity.Shorten(s.opts.Address(ctx), 60)
	}
	fresh := false
	err = s.change(ctx, user.ID, func(tx store.Tx) error {
		fresh = false
		doc, err := readPerson(ctx, tx, user.ID)
		if err != nil || slices.Contains(doc.SignIns, names[0]) {
			return err // another request was quicker
		}
		err = s.editPerson(ctx, tx, user.ID, func(doc *personDoc) {
			all := slices.Concat(doc.SignIns, names)
			doc.SignIns = all[max(0, len(all)-maxSignIns):]
		})
		if err != nil {
			return err
		}
		fresh = true
		return s.audit(ctx, tx, entry)
	})
	if err != nil {
		s.trail.note(ctx, entry)
	} else if fresh {
		s.opts.Observer.SignedIn(WayToken)
	}
}
