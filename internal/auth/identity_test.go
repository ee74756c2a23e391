package auth

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestFirstSignInMakesAndLinks(t *testing.T) {
	f := newSignOn(t)
	f.public()
	p, err := f.person("sub-1", nil)
	must(t, err)
	user := f.zoe()
	if p.UserID != user.ID || p.Name != "zoe" || user.Email != "zoe@example.org" || p.IsAdmin {
		t.Errorf("%+v is not %+v", p, user)
	}
	// Later the pair of issuer and subject counts, whatever the email says.
	again, err := f.person("sub-1", map[string]any{"email": "zoe.new@example.org"})
	must(t, err)
	if again.UserID != user.ID || f.people.made != 1 {
		t.Errorf("the same person became %s, %d users made", again.Name, f.people.made)
	}
	if f.audited("userCreated") != 1 || f.audited("identityLinked") != 1 {
		t.Error("the trail does not tell that a user was made and linked")
	}
}

func TestExistingUserIsLinkedByEmail(t *testing.T) {
	f := newSignOn(t)
	f.public(func(so *SignOn) { so.Rules.SelfSignup = false })
	p, err := f.person("sub-ann", map[string]any{"email": "ANN@example.org"})
	must(t, err)
	if p.UserID != f.ann.ID || f.people.made != 0 {
		t.Errorf("%+v", p)
	}
}

func TestT44RecycledAddresses(t *testing.T) {
	f := newSignOn(t)
	f.public()
	_, err := f.person("sub-ann", map[string]any{"email": "ann@example.org"})
	must(t, err)
	deleted := User{ID: entity.NewID(), Name: "gone", Email: "gone@example.org", Deleted: true}
	f.setUser(deleted, deleted.ID)
	for name, c := range map[string]struct {
		sub     string
		changes map[string]any
		code    string
	}{
		"same address, other subject": {"sub-2", map[string]any{"email": "ann@example.org"}, CodeUserRelink},
		"in another case":             {"sub-2", map[string]any{"email": "Ann@EXAMPLE.org"}, CodeUserRelink},
		"same name, other domain":     {"sub-3", map[string]any{"email": "ann@evil.example"}, CodeUserRelink},
		"a bot's address":             {"sub-4", map[string]any{"email": "ingestion-bot@example.org"}, CodeUserRelink},
		"a bot's name":                {"sub-4", map[string]any{"email": "ingestion-bot@other.example"}, CodeUserRelink},
		"not verified":                {"sub-5", map[string]any{"email": "admin@example.org", "email_verified": false}, CodeUserUnverified},
		"not verified, as a text":     {"sub-5", map[string]any{"email": "admin@example.org", "email_verified": "false"}, CodeUserUnverified},
		"verified by nonsense":        {"sub-5", map[string]any{"email": "admin@example.org", "email_verified": 1}, CodeUserUnverified},
		"not verified, new":           {"sub-6", map[string]any{"email": "new@example.org", "email_verified": false}, CodeUserUnverified},
		"a deleted user's address":    {"sub-7", map[string]any{"email": "gone@example.org"}, CodeUserGone},
		"Kelvin sign":                 {"sub-8", map[string]any{"email": "\u212Aate@example.org"}, CodeClaims},
	} {
		t.Run("T44 "+name, func(t *testing.T) {
			_, err := f.person(c.sub, c.changes)
			wantCode(t, err, c.code)
		})
	}
	if f.people.made != 0 {
		t.Errorf("%d users were made of refused people", f.people.made)
	}
	// Somebody who is linked keeps the account, even if the address is not verified
	// any more.
	_, err = f.person("sub-ann", map[string]any{"email": "ann@example.org", "email_verified": false})
	must(t, err)
}

func TestRequireVerifiedEmail(t *testing.T) {
	f := newSignOn(t)
	f.public(func(so *SignOn) { so.Rules.RequireVerifiedEmail = true })
	_, err := f.person("sub-1", map[string]any{"email_verified": nil})
	wantCode(t, err, CodeUserUnverified)
	_, err = f.person("sub-1", nil)
	must(t, err)
}

func TestDomainAndSignUp(t *testing.T) {
	f := newSignOn(t)
	f.public(func(so *SignOn) { so.Rules.EnforceDomain = true })
	_, err := f.person("sub-1", map[string]any{"email": "zoe@example.org.evil.org"})
	wantCode(t, err, CodeUserDomain)
	// The email is judged, whichever claim names the user.
	f.public(func(so *SignOn) {
		so.Rules.EnforceDomain, so.Rules.PrincipalClaims = true, []string{"preferred_username"}
	})
	_, err = f.person("sub-1", map[string]any{"preferred_username": "zoe", "email": "zoe@evil.org"})
	wantCode(t, err, CodeUserDomain)
	f.public(func(so *SignOn) { so.Rules.SelfSignup = false })
	_, err = f.person("sub-1", nil)
	wantCode(t, err, CodeUserNoSignup)
	f.public(func(so *SignOn) { so.Rules.RegistrationDomains = []string{"corp.example"} })
	_, err = f.person("sub-1", nil)
	wantCode(t, err, CodeUserDomain)
	f.public(func(so *SignOn) { so.Rules.RegistrationDomains = nil })
	_, err = f.person("sub-1", nil)
	wantCode(t, err, CodeUserDomain)
	f.public(func(so *SignOn) { so.Rules.RegistrationDomains = []string{"Example.ORG"} })
	_, err = f.person("sub-1", nil)
	must(t, err)
}

// TestConcurrentFirstRequests come from two processes on one database.
func TestConcurrentFirstRequests(t *testing.T) {
	f := newSignOn(t)
	f.public()
	other, err := New(f.ctx, f.options)
	must(t, err)
	t.Cleanup(func() { _ = other.Close(f.ctx) })
	other.SetSignOn(f.SignOn())
	var wg sync.WaitGroup
	ids := make([]entity.ID, 16)
	for i := range ids {
		s := f.Service
		if i%2 == 1 {
			s = other
		}
		token := f.idToken("sub-1", map[string]any{"jti": strconv.Itoa(i)})
		wg.Go(func() {
			p, err := s.Authenticate(f.ctx, "Bearer "+token)
			if err != nil {
				t.Error(err)
			}
			ids[i] = p.UserID
		})
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] {
			t.Fatalf("one person became several: %v", ids)
		}
	}
	if f.people.made != 1 {
		t.Errorf("%d users were made", f.people.made)
	}
}

func TestDeletedUserIsGoneAtOnce(t *testing.T) {
	f := newSignOn(t)
	f.public()
	token := f.idToken("sub-1", nil)
	_, err := f.use(token)
	must(t, err)
	user := f.zoe()
	user.Deleted = true
	f.setUser(user, user.ID)
	for range 2 {
		_, err = f.use(token)
		wantCode(t, err, CodeUserGone)
	}
	_, err = f.person("sub-1", map[string]any{"jti": "2"})
	wantCode(t, err, CodeUserGone)
}

// TestRemovedUserStartsAnew: what was linked to a user who does not exist any more is
// linked to nobody.
func TestRemovedUserStartsAnew(t *testing.T) {
	f := newSignOn(t)
	f.public()
	_, err := f.person("sub-1", nil)
	must(t, err)
	first := f.zoe()
	f.removeUser(first)
	_, err = f.person("sub-1", map[string]any{"jti": "2"})
	must(t, err)
	if f.zoe().ID == first.ID {
		t.Error("the user was not made anew")
	}
}

func TestUnlink(t *testing.T) {
	f := newSignOn(t)
	f.public()
	token := f.idToken("sub-old", nil)
	_, err := f.use(token)
	must(t, err)
	user := f.zoe()
	f.clock.Advance(2 * time.Second)
	_, err = f.person("sub-new", nil)
	wantCode(t, err, CodeUserRelink)

	if err := f.Unlink(f.ctx, entity.Principal{UserID: user.ID, TokenType: TypeUser}, user.ID); entity.KindOf(err) != entity.KindForbidden {
		t.Errorf("somebody unlinks: %v", err)
	}
	wantCode(t, f.Unlink(f.ctx, entity.Principal{TokenType: TypeBot, IsAdmin: true}, user.ID), CodeType)
	must(t, f.Unlink(f.ctx, entity.Principal{Name: "admin", UserID: f.admin.ID, IsAdmin: true, TokenType: TypeUser}, user.ID))
	_, err = f.use(token)
	wantCode(t, err, CodeRevoked)
	f.clock.Advance(2 * time.Second)
	p, err := f.person("sub-new", nil)
	must(t, err)
	if p.UserID != user.ID {
		t.Errorf("the account went to %s", p.Name)
	}
	// Now the old identity is the foreign one.
	_, err = f.person("sub-old", nil)
	wantCode(t, err, CodeUserRelink)
}

func TestLogoutWithProviderToken(t *testing.T) {
	f := newSignOn(t)
	f.public()
	token, second := f.idToken("sub-1", nil), f.idToken("sub-1", map[string]any{"jti": "2"})
	p, err := f.use(token)
	must(t, err)
	must(t, f.Logout(f.ctx, p))
	_, err = f.use(token)
	wantCode(t, err, CodeRevoked)
	f.verified.Purge() // as after a restart
	_, err = f.use(token)
	wantCode(t, err, CodeRevoked)
	_, err = f.use(second)
	must(t, err)

	f.clock.Advance(2 * time.Second)
	_, err = f.EndSessions(f.ctx, p, p.UserID)
	must(t, err)
	_, err = f.use(second)
	wantCode(t, err, CodeRevoked)
	f.clock.Advance(time.Second)
	_, err = f.person("sub-1", map[string]any{"jti": "3"})
	must(t, err)
}

// TestManyLogouts: beyond the bound one date stands for all withdrawn tokens.
func TestManyLogouts(t *testing.T) {
	f := newSignOn(t)
	f.public()
	var first string
	for i := range maxCredentials + 2 {
		token := f.idToken("sub-1", map[string]any{"jti": strconv.Itoa(i)})
		if first == "" {
			first = token
		}
		p, err := f.use(token)
		must(t, err)
		must(t, f.Logout(f.ctx, p))
		_, err = f.use(token)
		wantCode(t, err, CodeRevoked)
		if i >= maxCredentials {
			f.clock.Advance(2 * time.Second)
		}
	}
	_, err := f.use(first)
	wantCode(t, err, CodeRevoked)
}

func TestSignedInTime(t *testing.T) {
	f := newSignOn(t)
	f.public()
	before := f.clock.Now().Add(-20 * time.Minute).Unix()
	p, err := f.person("sub-1", map[string]any{"auth_time": before})
	must(t, err)
	if p.SignedIn != before*1000 {
		t.Errorf("signed in at %d, want %d", p.SignedIn, before*1000)
	}
}

// TestDirectoryOutOfOrder: a fault of our own is no refusal, and nobody gets in.
func TestDirectoryOutOfOrder(t *testing.T) {
	f := newSignOn(t)
	f.SetSignOn(&SignOn{Provider: "ldap", Password: passwordsOf(func(string, string) (Identity, error) {
		return Identity{}, errors.New("secret detail")
	})})
	_, err := f.login("zoe", "x", "192.0.2.1")
	if entity.KindOf(err) != entity.KindInternal || strings.Contains(entity.AsError(err).Message, "secret detail") {
		t.Errorf("%v", err)
	}
}
