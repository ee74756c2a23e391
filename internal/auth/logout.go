package auth

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// kindProviderSession are the records that find the user of a session at the
// provider, for sign-outs there that name nothing else.
const kindProviderSession = "auth-sid"

func providerSessionKey(issuer, session string) string { return linkKey(issuer + "\x00" + session) }

// noteProviderSession writes such a record, and clears away those of sessions over.
func noteProviderSession(ctx context.Context, tx store.Tx, user entity.ID, c *credential, now time.Time) error {
	if c.Browser.Session == "" {
		return nil
	}
	_, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: kindProviderSession, To: now.UnixMilli()})
	if err != nil {
		return err
	}
	return tx.PutRecord(ctx, store.Record{
		Kind: kindProviderSession, Key: providerSessionKey(c.Browser.Issuer, c.Browser.Session), At: c.Expires, Doc: quoted(user.String()),
	})
}

// Logout ends the session the caller's access token belongs to: the token and its
// refresh token are refused from now on. A token of the provider is refused until its
// end.
func (s *Service) Logout(ctx context.Context, p entity.Principal) error {
	if p.TokenType != TypeUser {
		return wrongType("Only a person who signed in can sign out.")
	}
	entry := AuditEntry{Action: "signOut", User: p.Name, By: p.Name, TokenID: p.TokenID}
	if text, ok := ofProvider(p.TokenID); ok {
		return s.withdraw(ctx, p.UserID, text, entry)
	}
	key := sessionKey(p)
	return s.change(ctx, p.UserID, func(tx store.Tx) error {
		if _, err := tx.DeleteRecord(ctx, kindCredential, p.UserID.String(), key); err != nil {
			return err
		}
		return s.audit(ctx, tx, entry)
	})
}

// withdraw refuses one token of the provider from now on.
func (s *Service) withdraw(ctx context.Context, user entity.ID, text string, entry AuditEntry) error {
	sum, end, _ := strings.Cut(text, ".")
	expires, err := strconv.ParseInt(end, 10, 64)
	if err != nil {
		return entity.Internal(err)
	}
	now := s.clock()
	// Its end may be passed by the skew.
	until := time.Unix(expires, 0).Add(10 * time.Minute)
	return s.change(ctx, user, func(tx store.Tx) error {
		if _, err := dropCredentials(ctx, tx, user, prefixWithdrawn, now, notLive(now)); err != nil {
			return err
		}
		all, err := credentialsOf(ctx, tx, user)
		if err != nil {
			return err
		}
		withdrawn := 0
		for key := range all {
			if strings.HasPrefix(key, prefixWithdrawn) {
				withdrawn++
			}
		}
		if withdrawn >= maxCredentials { // one date says as much as all of them
			err = s.editPerson(ctx, tx, user, func(doc *personDoc) { doc.NotBefore = now.UnixMilli() })
		} else {
			err = putCredential(ctx, tx, user, prefixWithdrawn+sum, &credential{Created: now.UnixMilli(), Expires: until.UnixMilli()})
		}
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, entry)
	})
}

// EndSessions signs a user out everywhere, tokens of the provider included, and
// returns the number of sessions.
func (s *Service) EndSessions(ctx context.Context, by entity.Principal, user entity.ID) (int, error) {
	if err := denyBots(by); err != nil {
		return 0, err
	}
	known, err := s.users.ByID(ctx, user)
	if err != nil {
		return 0, err
	}
	ended := 0
	err = s.change(ctx, user, func(tx store.Tx) error {
		var err error
		if ended, err = s.endAll(ctx, tx, user); err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: "signOutEverywhere", User: known.Name, By: by.Name, Count: ended})
	})
	return ended, err
}

// EndSession signs the browser out and returns where to send it to end the session
// at the provider, and from there to the given address; "" for nowhere, as for a
// cookie without session.
func (s *Service) EndSession(ctx context.Context, value, back string) (string, error) {
	k, ok := parseCookie(value)
	if !ok {
		return "", nil
	}
	user, err := s.users.ByID(ctx, k.user)
	if err != nil && !isNotFound(err) {
		return "", err
	}
	var ended *credential
	err = s.change(ctx, k.user, func(tx store.Tx) error {
		var err error
		if ended, err = s.readBrowser(ctx, tx, k); err != nil || ended == nil {
			return err
		}
		if _, err := tx.DeleteRecord(ctx, kindCredential, k.user.String(), k.key()); err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: "signOut", User: user.Name, By: user.Name, TokenID: k.id()})
	})
	if err != nil || ended == nil {
		return "", err
	}
	force := s.inForce.Load()
	if ended.Mark != force.mark || force.Redirect == nil {
		return "", nil // a session of another provider that was kept
	}
	s.revokeLater(force, s.unsealed(ended.Browser.Refresh, k.place("refresh")))
	return force.Redirect.SignOut(s.unsealed(ended.Browser.IDToken, k.place("id")), ended.Browser.Session, back), nil
}

// unsealed opens a secret without which a sign-out works, too.
func (s *Service) unsealed(sealed, place string) string {
	if sealed == "" {
		return ""
	}
	text, err := s.sealer.Open(sealed, place)
	if err != nil {
		s.log.Warn(errNotUnsealed.Error())
		return ""
	}
	return text
}

// ReceiveLogout ends the sessions that a logout token of the provider names, and
// returns their number.
func (s *Service) ReceiveLogout(ctx context.Context, logoutToken string) (int, error) {
	receiver, ok := s.inForce.Load().Redirect.(LogoutReceiver)
	if !ok {
		return 0, Refuse(CodeNoProvider)
	}
	issuer, subject, session, err := receiver.ReadLogout(ctx, logoutToken)
	if err != nil {
		return 0, err
	}
	user, err := s.sessionUser(ctx, issuer, subject, session)
	if err != nil || user.ID == entity.NilID {
		return 0, err
	}
	ended := 0
	err = s.change(ctx, user.ID, func(tx store.Tx) error {
		named := func(_ string, c *credential) bool {
			b := c.Browser
			return b != nil && b.Issuer == issuer && (subject == "" || b.Subject == subject) && (session == "" || b.Session == session)
		}
		if ended, err = dropCredentials(ctx, tx, user.ID, prefixSession, s.clock(), named); err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: "signOutByProvider", User: user.Name, Issuer: issuer, Count: ended})
	})
	return ended, err
}

// sessionUser finds whose sessions a logout token means; the zero User for nobody's.
func (s *Service) sessionUser(ctx context.Context, issuer, subject, session string) (User, error) {
	if subject != "" {
		return s.linkedUser(ctx, Identity{Issuer: issuer, Subject: subject})
	}
	var user entity.ID
	err := s.store.View(ctx, func(r store.Reader) error {
		rec, err := r.Record(ctx, kindProviderSession, "", providerSessionKey(issuer, session))
		if err != nil {
			return err
		}
		var text string
		if err := json.Unmarshal(rec.Doc, &text); err != nil {
			return entity.Internal(err)
		}
		user, err = entity.ParseID(text)
		return err
	})
	if isNotFound(err) {
		return User{}, nil
	}
	if err != nil {
		return User{}, err
	}
	known, err := s.users.ByID(ctx, user)
	if isNotFound(err) {
		return User{}, nil
	}
	return known, err
}
