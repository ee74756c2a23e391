package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// browser is what the record of a session holds more when a cookie keeps it.
type browser struct {
	Idle    int64  `json:"idle"` // it is over then without use; milliseconds since 1970, like the others
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
	Session string `json:"session,omitzero"` // its name at the provider
	IDToken string `json:"idToken,omitzero"` // sealed
	Refresh string `json:"refresh,omitzero"` // sealed refresh token of the provider
	Renewed int64  `json:"renewed"`          // when the provider vouched last
	Lease   int64  `json:"lease,omitzero"`   // until then somebody renews
	Holder  string `json:"holder,omitzero"`  // who
}

// cookie is the value of a session's cookie taken apart.
type cookie struct {
	user    entity.ID
	session [16]byte
	secret  [32]byte
}

const cookieSize = 16 + 16 + 32

func (c cookie) String() string {
	return base64.RawURLEncoding.EncodeToString(slices.Concat(c.user[:], c.session[:], c.secret[:]))
}

func parseCookie(text string) (cookie, bool) {
	var c cookie
	if len(text) != base64.RawURLEncoding.EncodedLen(cookieSize) {
		return c, false
	}
	data, err := decodePart(text)
	if err != nil {
		return c, false
	}
	rest := data[copy(c.user[:], data):]
	rest = rest[copy(c.session[:], rest):]
	copy(c.secret[:], rest)
	return c, true
}

func (c cookie) id() string { return base64.RawURLEncoding.EncodeToString(c.session[:]) }

func (c cookie) key() string { return prefixSession + c.id() }

// place is where a secret of the session is sealed for.
func (c cookie) place(what string) string {
	return kindCredential + "/" + c.user.String() + "/" + c.key() + "/" + what
}

// openBrowser opens a session for whom the provider vouches. Its id is new: what the
// browser had before counts for nothing.
func (s *Service) openBrowser(ctx context.Context, force *inForce, user User, g Grant, address string) (cookie, time.Time, error) {
	now := s.clock()
	fresh := cookie{user: user.ID}
	_, _ = rand.Read(fresh.session[:]) // never fails, says crypto/rand
	_, _ = rand.Read(fresh.secret[:])
	end := now.Add(force.SessionLifetime)
	if g.RefreshToken == "" && !g.Expires.IsZero() && g.Expires.Before(end) {
		end = g.Expires // nobody vouches for longer
	}
	c := &credential{
		Hash: hashOf(fresh.secret[:]), Created: now.UnixMilli(), Expires: end.UnixMilli(), Used: now.UnixMilli(),
		Mark: force.mark, Address: entity.Shorten(address, 60),
		Browser: &browser{
			Idle:   now.Add(force.IdleLifetime).UnixMilli(),
			Issuer: g.Identity.Issuer, Subject: g.Identity.Subject, Session: g.Session, Renewed: now.UnixMilli(),
		},
	}
	if err := s.sealGrant(c, fresh, g); err != nil {
		return cookie{}, time.Time{}, err
	}
	entry := AuditEntry{Action: "signIn", User: user.Name, By: user.Name, TokenID: fresh.id(), Address: c.Address, Issuer: g.Identity.Issuer}
	err := s.letIn(ctx, user, entry, func(tx store.Tx) error {
		if err := dropOldSessions(ctx, tx, user.ID, now); err != nil {
			return err
		}
		if err := putCredential(ctx, tx, user.ID, fresh.key(), c); err != nil {
			return err
		}
		return noteProviderSession(ctx, tx, user.ID, c, now)
	})
	return fresh, end, err
}

// sealGrant puts what the provider gave into the record.
func (s *Service) sealGrant(c *credential, k cookie, g Grant) error {
	var err error
	if g.RefreshToken != "" {
		if c.Browser.Refresh, err = s.sealer.Seal(g.RefreshToken, k.place("refresh")); err != nil {
			return entity.Internal(err)
		}
	}
	if g.IDToken != "" {
		if c.Browser.IDToken, err = s.sealer.Seal(g.IDToken, k.place("id")); err != nil {
			return entity.Internal(err)
		}
	}
	return nil
}

// SessionToken gives the browser that shows a session's cookie an access token. It
// renews at the identity provider once half of the last token's life is over, so that
// any number of tabs cost one renewal. A refusal of code CodeRefresh means that the
// session is over; an error of entity.KindUnavailable leaves it as it is.
func (s *Service) SessionToken(ctx context.Context, value string) (Tokens, error) {
	k, ok := parseCookie(value)
	if !ok {
		return Tokens{}, s.refuseRefresh(ctx, "")
	}
	user, err := s.users.ByID(ctx, k.user)
	if isNotFound(err) || err == nil && (user.Deleted || user.IsBot) {
		return Tokens{}, s.refuseRefresh(ctx, k.user.String())
	}
	if err != nil {
		return Tokens{}, err
	}
	var c *credential
	err = s.store.View(ctx, func(r store.Reader) error {
		c, err = s.readBrowser(ctx, r, k)
		return err
	})
	if err != nil {
		return Tokens{}, err
	}
	if c == nil {
		return Tokens{}, s.refuseRefresh(ctx, k.user.String())
	}
	force := s.inForce.Load()
	if force.due(c, s.clock()) {
		c, err = s.renew(ctx, k)
	} else {
		c, err = s.touch(ctx, force, k, c)
	}
	if err != nil {
		return Tokens{}, err
	}
	return s.accessOf(force, user, k, c)
}

// readBrowser returns the live session of a cookie, nil when there is none.
func (s *Service) readBrowser(ctx context.Context, r store.Reader, k cookie) (*credential, error) {
	c, err := readCredential(ctx, r, k.user, k.key())
	if isNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	now := s.clock()
	if c.Browser == nil || !c.live(now) || !equal(c.Hash, k.secret[:]) || !c.belongs(s.inForce.Load().mark, now) {
		return nil, nil
	}
	return c, nil
}

// touchEvery is how exactly the last use of a session is kept.
const touchEvery = time.Minute

// touch moves the end of an idle session.
func (s *Service) touch(ctx context.Context, force *inForce, k cookie, c *credential) (*credential, error) {
	now := s.clock()
	if now.Sub(time.UnixMilli(c.Used)) < touchEvery {
		return c, nil
	}
	err := s.change(ctx, k.user, func(tx store.Tx) error {
		var err error
		if c, err = s.readBrowser(ctx, tx, k); err != nil || c == nil {
			return err
		}
		c.used(force, now)
		return putCredential(ctx, tx, k.user, k.key(), c)
	})
	if err == nil && c == nil {
		err = s.refuseRefresh(ctx, k.user.String())
	}
	return c, err
}

func (c *credential) used(force *inForce, now time.Time) {
	c.Used = now.UnixMilli()
	c.Browser.Idle = now.Add(force.IdleLifetime).UnixMilli()
}

// accessOf signs an access token of a session. With a provider that has to vouch
// again, its life begins when that happened last: whom the provider has dropped is out
// after one such life.
func (s *Service) accessOf(force *inForce, user User, k cookie, c *credential) (Tokens, error) {
	now := s.clock()
	begin, session := now, c.Expires
	switch {
	case c.Mark != force.mark: // kept for the admin who changed the provider
		session = min(session, c.Keep)
	case force.renewer() != nil && c.Browser.Refresh != "":
		begin = time.UnixMilli(c.Browser.Renewed)
	}
	end := begin.Add(force.AccessLifetime)
	if session := time.UnixMilli(session); session.Before(end) {
		end = session
	}
	return s.signAccess(user, fmt.Sprintf("%s.%d", k.id(), c.Turns), now, end)
}

// SessionInfo describes a session without its secrets.
type SessionInfo struct {
	ID       string // begins the TokenID of its principals, see SessionOf
	Browser  bool   // opened by a round trip to the identity provider, kept by a cookie
	Address  string
	SignedIn time.Time
	Used     time.Time // last refresh
	Expires  time.Time
}

// SessionOf returns the ID of the session that a principal's token belongs to.
func SessionOf(p entity.Principal) string {
	id, _, _ := strings.Cut(p.TokenID, ".")
	return id
}

// Sessions lists the live sessions of a user, newest first.
func (s *Service) Sessions(ctx context.Context, user entity.ID) ([]SessionInfo, error) {
	all, err := s.liveCredentials(ctx, user, prefixSession)
	if err != nil {
		return nil, err
	}
	mark, now := s.inForce.Load().mark, s.clock()
	infos := make([]SessionInfo, 0, len(all))
	for key, c := range all {
		if !c.belongs(mark, now) {
			continue
		}
		infos = append(infos, SessionInfo{
			ID: strings.TrimPrefix(key, prefixSession), Browser: c.Browser != nil, Address: c.Address,
			SignedIn: time.UnixMilli(c.Created), Used: time.UnixMilli(max(c.Created, c.Rotated, c.Used)), Expires: time.UnixMilli(c.Expires),
		})
	}
	slices.SortFunc(infos, func(a, b SessionInfo) int {
		return cmp.Or(b.SignedIn.Compare(a.SignedIn), cmp.Compare(a.ID, b.ID))
	})
	return infos, nil
}

// EndOneSession ends one session of a user. To others than the user and
// administrators there is no such session.
func (s *Service) EndOneSession(ctx context.Context, by entity.Principal, user entity.ID, id string) error {
	if err := denyBots(by); err != nil {
		return err
	}
	if by.UserID != user && !by.IsAdmin {
		return entity.NotFound("session", id)
	}
	known, err := s.users.ByID(ctx, user)
	if err != nil {
		return err
	}
	return s.change(ctx, user, func(tx store.Tx) error {
		gone, err := tx.DeleteRecord(ctx, kindCredential, user.String(), prefixSession+id)
		if err != nil {
			return err
		}
		if !gone {
			return entity.NotFound("session", id)
		}
		return s.audit(ctx, tx, AuditEntry{Action: "sessionEnded", User: known.Name, By: by.Name, TokenID: id})
	})
}

var errNotUnsealed = errors.New("a secret of a session cannot be opened")

// ActiveSince tells which people opened or renewed a session since a time that has
// not ended, and when they did so last.
func (s *Service) ActiveSince(ctx context.Context, at time.Time) (map[entity.ID]int64, error) {
	mark, now := s.inForce.Load().mark, s.clock()
	var active map[entity.ID]int64
	err := s.store.View(ctx, func(r store.Reader) error {
		active = map[entity.ID]int64{}
		return eachCredential(ctx, r, prefixSession, func(owner, _ string, c *credential) {
			last := max(c.Created, c.Rotated, c.Used)
			user, err := entity.ParseID(owner)
			if err == nil && last >= at.UnixMilli() && c.live(now) && c.belongs(mark, now) {
				active[user] = max(active[user], last)
			}
		})
	})
	return active, err
}
