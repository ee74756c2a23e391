package auth

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// refreshGrace is how long a used refresh token still gives what it gave, for two
// tabs that refresh at the same moment.
const refreshGrace = 10 * time.Second

// Tokens is what a person gets by signing in or refreshing.
type Tokens struct {
	AccessToken    string `json:"accessToken"`
	RefreshToken   string `json:"refreshToken"`
	TokenType      string `json:"tokenType"`
	ExpiryDuration int64  `json:"expiryDuration"` // end of the access token, milliseconds since 1970
	// MustChangePassword says that the password was made by somebody else.
	MustChangePassword bool `json:"-"`
}

// refreshToken is the text of a refresh token taken apart. The family part is the
// same for all of a session: who does not know it can neither use the session nor
// end it by pretending a replay.
type refreshToken struct {
	user    entity.ID
	session [16]byte
	family  [16]byte
	secret  [32]byte
}

const refreshSize = 16 + 16 + 16 + 32

func (t refreshToken) String() string {
	data := slices.Concat(t.user[:], t.session[:], t.family[:], t.secret[:])
	return base64.RawURLEncoding.EncodeToString(data)
}

func parseRefresh(text string) (refreshToken, bool) {
	var t refreshToken
	if len(text) != base64.RawURLEncoding.EncodedLen(refreshSize) {
		return t, false
	}
	data, err := decodePart(text)
	if err != nil {
		return t, false
	}
	rest := data[copy(t.user[:], data):]
	rest = rest[copy(t.session[:], rest):]
	rest = rest[copy(t.family[:], rest):]
	copy(t.secret[:], rest)
	return t, true
}

func (t refreshToken) id() string { return base64.RawURLEncoding.EncodeToString(t.session[:]) }

func (t refreshToken) key() string { return prefixSession + t.id() }

func hashOf(part []byte) []byte {
	sum := sha256.Sum256(part)
	return sum[:]
}

func equal(hash, part []byte) bool {
	return subtle.ConstantTimeCompare(hash, hashOf(part)) == 1
}

// signIn opens a session for a user who has proved who it is, by whatever means.
func (s *Service) signIn(ctx context.Context, user User, address string, also func(store.Tx) error) (Tokens, error) {
	now := s.clock()
	force := s.inForce.Load()
	fresh := refreshToken{user: user.ID}
	for _, part := range [][]byte{fresh.session[:], fresh.family[:], fresh.secret[:]} {
		_, _ = rand.Read(part) // never fails, says crypto/rand
	}
	c := &credential{
		Hash: hashOf(fresh.secret[:]), Family: hashOf(fresh.family[:]),
		Created: now.UnixMilli(), Expires: now.Add(force.SessionLifetime).UnixMilli(),
		Mark: force.mark, Address: entity.Shorten(address, 60),
	}
	tokens, err := s.access(user, fresh, c, now)
	if err != nil {
		return Tokens{}, err
	}
	entry := AuditEntry{Action: "signIn", User: user.Name, By: user.Name, TokenID: fresh.id(), Address: address}
	err = s.letIn(ctx, user, entry, func(tx store.Tx) error {
		if err := dropOldSessions(ctx, tx, user.ID, now); err != nil {
			return err
		}
		if err := putCredential(ctx, tx, user.ID, fresh.key(), c); err != nil {
			return err
		}
		return also(tx)
	})
	if err != nil {
		return Tokens{}, err
	}
	return tokens, nil
}

// access signs an access token of a session. Its jti is the session and a number,
// so that ending the session ends all of them.
func (s *Service) access(user User, t refreshToken, c *credential, now time.Time) (Tokens, error) {
	end := now.Add(s.inForce.Load().AccessLifetime)
	if session := time.UnixMilli(c.Expires); session.Before(end) {
		end = session
	}
	tokens, err := s.signAccess(user, fmt.Sprintf("%s.%d", t.id(), c.Turns), now, end)
	tokens.RefreshToken = t.String()
	return tokens, err
}

// signAccess signs an access token without anything beside it.
func (s *Service) signAccess(user User, id string, now, end time.Time) (Tokens, error) {
	expires := end.Unix()
	cl := s.claimsFor(user, TypeUser, id, now)
	cl.Expires = &expires
	token, err := s.sign(cl)
	if err != nil {
		return Tokens{}, entity.Internal(err)
	}
	return Tokens{AccessToken: token, TokenType: "Bearer", ExpiryDuration: expires * 1000}, nil
}

// dropOldSessions removes what is over, and the oldest sessions when there are too
// many: a script that signs in for every run must not fill the store.
func dropOldSessions(ctx context.Context, tx store.Tx, user entity.ID, now time.Time) error {
	if _, err := dropCredentials(ctx, tx, user, prefixSession, now, notLive(now)); err != nil {
		return err
	}
	all, err := credentialsOf(ctx, tx, user)
	if err != nil {
		return err
	}
	var keys []string
	for key := range all {
		if strings.HasPrefix(key, prefixSession) {
			keys = append(keys, key)
		}
	}
	if len(keys) < maxCredentials {
		return nil
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Compare(all[a].Created, all[b].Created) })
	for _, key := range keys[:len(keys)-maxCredentials+1] {
		if _, err := tx.DeleteRecord(ctx, kindCredential, user.String(), key); err != nil {
			return err
		}
	}
	return nil
}

// Refresh exchanges a refresh token for new tokens. Each works once; one that
// comes back later than the grace ends the session, since somebody has a copy.
func (s *Service) Refresh(ctx context.Context, text string) (Tokens, error) {
	old, ok := parseRefresh(text)
	if !ok {
		return Tokens{}, s.refuseRefresh(ctx, "")
	}
	user, err := s.users.ByID(ctx, old.user)
	if isNotFound(err) || err == nil && (user.Deleted || user.IsBot) {
		return Tokens{}, s.refuseRefresh(ctx, old.user.String())
	}
	if err != nil {
		return Tokens{}, err
	}
	fresh := old
	_, _ = rand.Read(fresh.secret[:]) // never fails, says crypto/rand
	sealed, err := s.sealer.Seal(fresh.String(), refreshPlace(old))
	if err != nil {
		return Tokens{}, entity.Internal(err)
	}
	var next rotation
	err = s.change(ctx, user.ID, func(tx store.Tx) error {
		var err error
		next, err = s.rotate(ctx, tx, user, old, fresh, sealed)
		return err
	})
	switch {
	case err != nil:
		return Tokens{}, err
	case next.session == nil:
		return Tokens{}, s.refuseRefresh(ctx, old.user.String())
	case next.replay != "":
		opened, err := s.sealer.Open(next.replay, refreshPlace(old))
		if err != nil {
			return Tokens{}, entity.Internal(err)
		}
		if fresh, ok = parseRefresh(opened); !ok {
			return Tokens{}, entity.Internal(fmt.Errorf("a sealed refresh token has %d bytes", len(opened)))
		}
	}
	return s.access(user, fresh, next.session, s.clock())
}

// rotation is the outcome of presenting a refresh token: no session when it was
// refused, replay when another request was quicker.
type rotation struct {
	session *credential
	replay  string
}

func (s *Service) rotate(ctx context.Context, tx store.Tx, user User, old, fresh refreshToken, sealed string) (rotation, error) {
	now := s.clock()
	c, err := readCredential(ctx, tx, user.ID, old.key())
	if isNotFound(err) {
		return rotation{}, nil
	}
	if err != nil {
		return rotation{}, err
	}
	if c.Browser != nil || !c.live(now) || !c.belongs(s.inForce.Load().mark, now) || !equal(c.Family, old.family[:]) {
		return rotation{}, nil
	}
	if equal(c.Hash, old.secret[:]) {
		c.Previous, c.Hash, c.Next = c.Hash, hashOf(fresh.secret[:]), sealed
		c.Rotated = now.UnixMilli()
		c.Turns++
		return rotation{session: c}, putCredential(ctx, tx, user.ID, old.key(), c)
	}
	age := now.Sub(time.UnixMilli(c.Rotated))
	if equal(c.Previous, old.secret[:]) && age <= refreshGrace {
		return rotation{session: c, replay: c.Next}, nil
	}
	if _, err := tx.DeleteRecord(ctx, kindCredential, user.ID.String(), old.key()); err != nil {
		return rotation{}, err
	}
	return rotation{}, s.audit(ctx, tx, AuditEntry{Action: "sessionEndedByReplay", User: user.Name, TokenID: old.id()})
}

func refreshPlace(t refreshToken) string {
	return kindCredential + "/" + t.user.String() + "/" + t.key()
}

func (s *Service) refuseRefresh(ctx context.Context, subject string) error {
	e := Refuse(CodeRefresh)
	s.trail.refusal(ctx, e, &parsed{claims: claims{Issuer: s.opts.Issuer, Subject: subject}})
	return e
}

func sessionKey(p entity.Principal) string {
	session, _, _ := strings.Cut(p.TokenID, ".")
	return prefixSession + session
}
