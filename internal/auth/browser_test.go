package auth

import (
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// token asks for an access token by a session's cookie and uses it.
func (f *signOnFixture) token(session string) (Tokens, error) {
	f.t.Helper()
	tokens, err := f.SessionToken(f.ctx, session)
	if err == nil {
		_, err = f.use(tokens.AccessToken)
		must(f.t, err)
	}
	return tokens, err
}

func (f *signOnFixture) lives(tokens Tokens) time.Duration {
	return time.UnixMilli(tokens.ExpiryDuration).Sub(f.clock.Now())
}

// renews lets the provider prolong sessions.
func (f *signOnFixture) renews() {
	f.provider.renew = func(old string) (Grant, error) {
		g := f.grant("sub-zoe", nil)
		g.RefreshToken = old + "+"
		return g, nil
	}
}

func TestHostileSessionCookies(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	good := f.signedIn().Session
	basic := f.mustSession()
	k, _ := parseCookie(good)
	k.secret[0]++
	other := k
	other.user = f.ann.ID
	for _, cookie := range []string{"", "x", strings.Repeat("A", len(good)), k.String(), other.String(), good + "A", basic, strings.ToLower(good)} {
		_, err := f.SessionToken(f.ctx, cookie)
		wantCode(t, err, CodeRefresh)
	}
	_, err := f.Refresh(f.ctx, good)
	wantCode(t, err, CodeRefresh)
	_, err = f.token(good)
	must(t, err)
}

func TestIdleAndAbsoluteEnd(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	f.renews()
	idle := f.signedIn().Session
	tokens, err := f.token(idle)
	must(t, err)
	f.clock.Advance(8 * time.Hour)
	_, err = f.SessionToken(f.ctx, idle)
	wantCode(t, err, CodeRefresh)
	_, err = f.use(tokens.AccessToken)
	if err == nil {
		t.Error("a token outlives the session")
	}
	busy := f.signedIn().Session
	for range 11 {
		f.clock.Advance(2 * time.Hour)
		_, err := f.token(busy)
		must(t, err)
	}
	f.clock.Advance(110 * time.Minute)
	tokens, err = f.token(busy)
	must(t, err)
	if left := f.lives(tokens); left > 10*time.Minute {
		t.Errorf("the token lives %v, longer than the session", left)
	}
	f.clock.Advance(10 * time.Minute)
	_, err = f.SessionToken(f.ctx, busy)
	wantCode(t, err, CodeRefresh)
}

// TestUseKeepsTheSession: requests count as use, not only refreshes.
func TestUseKeepsTheSession(t *testing.T) {
	f := newSignOn(t)
	f.confidential(func(so *SignOn) { so.AccessLifetime = 20 * time.Hour })
	f.renews()
	session := f.signedIn().Session
	tokens, err := f.token(session)
	must(t, err)
	for range 5 {
		f.clock.Advance(2 * time.Hour)
		_, err := f.use(tokens.AccessToken)
		must(t, err)
		f.writes.Wait()
	}
	_, err = f.token(session)
	must(t, err)
}

func TestWithoutRefreshTokenTheProviderSetsTheEnd(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	f.provider.finish = func(Departure, url.Values) (Grant, error) {
		g := f.grant("sub-zoe", nil)
		g.RefreshToken, g.Expires = "", f.clock.Now().Add(90*time.Minute)
		return g, nil
	}
	done := f.signedIn()
	if done.Expires != f.clock.Now().Add(90*time.Minute) {
		t.Errorf("ends %v", done.Expires)
	}
	f.clock.Advance(time.Hour)
	tokens, err := f.token(done.Session)
	must(t, err)
	if left := f.lives(tokens); left != 30*time.Minute {
		t.Errorf("the token lives %v", left)
	}
	f.clock.Advance(30 * time.Minute)
	_, err = f.SessionToken(f.ctx, done.Session)
	wantCode(t, err, CodeRefresh)
	if f.provider.count() != 0 {
		t.Error("the provider was asked to renew without a refresh token")
	}
}

// TestF09ManyTabs: tabs that come together, or a little later, cost one renewal.
func TestF09ManyTabs(t *testing.T) {
	f := newSignOn(t)
	f.confidential(func(so *SignOn) { so.AccessLifetime = time.Minute })
	f.renews()
	session := f.signedIn().Session
	const periods = 30
	for range periods {
		f.clock.Advance(45 * time.Second)
		var wg sync.WaitGroup
		for range 5 {
			wg.Go(func() {
				if _, err := f.SessionToken(f.ctx, session); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if _, err := f.token(session); err != nil { // a reload right after
			t.Error(err)
		}
	}
	if n := f.provider.count(); n != periods {
		t.Errorf("%d renewals in %d periods", n, periods)
	}
	f.provider.mu.Lock()
	defer f.provider.mu.Unlock()
	for i, used := range f.provider.renewals {
		if used != "refresh-0"+strings.Repeat("+", i) {
			t.Fatalf("renewal %d used %q: a rotated token came back", i, used)
		}
	}
}

// TestRenewalAcrossProcesses: two processes on one store renew once.
func TestRenewalAcrossProcesses(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	other, err := New(f.ctx, f.options)
	must(t, err)
	t.Cleanup(func() { _ = other.Close(f.ctx) })
	other.SetSignOn(f.SignOn())
	session := f.signedIn().Session
	f.clock.Advance(time.Hour)
	asked, answer := make(chan struct{}), make(chan struct{})
	f.provider.renew = func(string) (Grant, error) {
		close(asked) // a second call would panic
		<-answer
		g := f.grant("sub-zoe", nil)
		g.RefreshToken = "refresh-1"
		return g, nil
	}
	var wg sync.WaitGroup
	results := make([]Tokens, 2)
	wg.Go(func() {
		var err error
		if results[0], err = f.SessionToken(f.ctx, session); err != nil {
			t.Error(err)
		}
	})
	<-asked
	wg.Go(func() {
		var err error
		if results[1], err = other.SessionToken(f.ctx, session); err != nil {
			t.Error(err)
		}
	})
	close(answer)
	wg.Wait()
	for _, tokens := range results {
		_, err := other.Authenticate(f.ctx, "Bearer "+tokens.AccessToken)
		must(t, err)
	}
	if results[0].ExpiryDuration != results[1].ExpiryDuration || f.provider.count() != 1 {
		t.Errorf("%d renewals, ends %d and %d", f.provider.count(), results[0].ExpiryDuration, results[1].ExpiryDuration)
	}
}

// TestLeaseOfADeadProcess is taken over when it is over.
func TestLeaseOfADeadProcess(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	f.renews()
	session := f.signedIn().Session
	f.clock.Advance(time.Hour)
	k, _ := parseCookie(session)
	_, mine, err := f.lease(f.ctx, k, "somebody who dies")
	must(t, err)
	if !mine {
		t.Fatal("the lease is not free")
	}
	_, mine, err = f.lease(f.ctx, k, "somebody else")
	must(t, err)
	if mine {
		t.Fatal("two have the lease")
	}
	f.clock.Advance(leaseFor)
	_, err = f.token(session)
	must(t, err)
}

func TestF03ProviderDown(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	session := f.signedIn().Session
	f.provider.renew = func(string) (Grant, error) { return Grant{}, Refuse(CodeUpstream) }
	f.clock.Advance(time.Hour)
	for range 3 {
		_, err := f.SessionToken(f.ctx, session)
		if entity.KindOf(err) != entity.KindUnavailable {
			t.Fatal(err)
		}
	}
	f.renews()
	_, err := f.token(session)
	must(t, err)
}

func TestF14DroppedAtTheProvider(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	session := f.signedIn().Session
	f.renews()
	f.clock.Advance(40 * time.Minute)
	tokens, err := f.token(session) // renewed
	must(t, err)
	f.provider.renew = func(string) (Grant, error) { return Grant{}, Refuse(CodeRefresh) }
	f.clock.Advance(20 * time.Minute)
	again, err := f.token(session) // not due yet: but no longer than the one before
	must(t, err)
	if again.ExpiryDuration != tokens.ExpiryDuration {
		t.Error("access goes on longer than one life of a token after the provider vouched")
	}
	f.clock.Advance(20 * time.Minute)
	for range 2 {
		_, err = f.SessionToken(f.ctx, session)
		wantCode(t, err, CodeRefresh)
	}
	_, err = f.use(tokens.AccessToken)
	wantCode(t, err, CodeRevoked)
	if f.audited("sessionEndedByProvider") != 1 {
		t.Error("the trail does not tell")
	}
}

func TestRenewedIdentity(t *testing.T) {
	for name, c := range map[string]struct {
		identity func(f *signOnFixture) Identity
		code     string
	}{
		"none":          {func(*signOnFixture) Identity { return Identity{} }, ""},
		"few claims":    {func(*signOnFixture) Identity { return Identity{Issuer: testIssuer, Subject: "sub-zoe"} }, ""},
		"somebody else": {func(f *signOnFixture) Identity { return f.identity("sub-eve", nil) }, CodeRefresh},
		"other domain":  {func(f *signOnFixture) Identity { return f.identity("sub-zoe", map[string]any{"email": "zoe@evil.org"}) }, CodeUserDomain},
	} {
		t.Run(name, func(t *testing.T) {
			f := newSignOn(t)
			f.confidential(func(so *SignOn) { so.Rules.EnforceDomain = true })
			session := f.signedIn().Session
			f.provider.renew = func(string) (Grant, error) { return Grant{Identity: c.identity(f)}, nil }
			f.clock.Advance(time.Hour)
			_, err := f.SessionToken(f.ctx, session)
			if codeOf(err) != c.code {
				t.Fatalf("%v, want %q", err, c.code)
			}
			if _, err = f.SessionToken(f.ctx, session); (err == nil) != (c.code == "") {
				t.Errorf("afterwards %v", err)
			}
		})
	}
}

// TestRenewalBringsRoles: what changed at the provider counts from the renewal on.
func TestRenewalBringsRoles(t *testing.T) {
	f := newSignOn(t)
	role := entity.NewID()
	f.people.roles["datasteward"] = role
	f.confidential(func(so *SignOn) { so.Rules.UseRoles = true })
	session := f.signedIn().Session
	f.provider.renew = func(string) (Grant, error) {
		return Grant{Identity: f.identity("sub-zoe", map[string]any{"roles": "DataSteward"})}, nil
	}
	f.clock.Advance(time.Hour)
	_, err := f.token(session)
	must(t, err)
	if got := f.people.grants[f.zoe().ID].Roles; len(got) != 1 || got[0] != role {
		t.Errorf("roles %v", got)
	}
}

func TestEndSession(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	session := f.signedIn().Session
	tokens, err := f.token(session)
	must(t, err)
	where, err := f.EndSession(f.ctx, session, "https://catalog.example/signed-out")
	must(t, err)
	if where != testIssuer+"logout?id=id-token-0&sid=sid-sub-zoe&back=https://catalog.example/signed-out" {
		t.Error(where)
	}
	_, err = f.use(tokens.AccessToken)
	wantCode(t, err, CodeRevoked)
	_, err = f.SessionToken(f.ctx, session)
	wantCode(t, err, CodeRefresh)
	f.writes.Wait()
	if len(f.provider.revoked) != 1 || f.provider.revoked[0] != "refresh-0" {
		t.Errorf("revoked %q", f.provider.revoked)
	}
	for _, cookie := range []string{session, "", "x"} {
		where, err = f.EndSession(f.ctx, cookie, "/")
		if err != nil || where != "" {
			t.Errorf("%q, %v", where, err)
		}
	}
}

func TestReceiveLogout(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	sids := 0
	f.provider.finish = func(Departure, url.Values) (Grant, error) {
		g := f.grant("sub-zoe", nil)
		sids++
		g.Session = "sid-" + strings.Repeat("i", sids)
		return g, nil
	}
	one, two, three := f.signedIn().Session, f.signedIn().Session, f.signedIn().Session
	told := func(issuer, subject, session string) int {
		t.Helper()
		f.provider.logout = func(string) (string, string, string, error) { return issuer, subject, session, nil }
		n, err := f.ReceiveLogout(f.ctx, "token")
		must(t, err)
		return n
	}
	if n := told("https://other.example/", "sub-zoe", "") + told(testIssuer, "sub-other", "") + told(testIssuer, "", "sid-x"); n != 0 {
		t.Errorf("%d sessions ended that were not meant", n)
	}
	if n := told(testIssuer, "", "sid-i"); n != 1 {
		t.Errorf("%d sessions ended by their name", n)
	}
	_, err := f.SessionToken(f.ctx, one)
	wantCode(t, err, CodeRefresh)
	_, err = f.token(two)
	must(t, err)
	if n := told(testIssuer, "sub-zoe", ""); n != 2 {
		t.Errorf("%d sessions ended by the subject", n)
	}
	_, err = f.SessionToken(f.ctx, three)
	wantCode(t, err, CodeRefresh)
	f.provider.logout = func(string) (string, string, string, error) { return "", "", "", Refuse(CodeSignature) }
	_, err = f.ReceiveLogout(f.ctx, "bad")
	wantCode(t, err, CodeSignature)
}

func TestT39SessionsOfOthers(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	first := f.signedIn()
	f.clock.Advance(time.Minute)
	second := f.signedIn()
	tokens, err := f.token(second.Session)
	must(t, err)
	p, err := f.use(tokens.AccessToken)
	must(t, err)
	list, err := f.Sessions(f.ctx, p.UserID)
	must(t, err)
	if len(list) != 2 || list[0].ID != SessionOf(p) || !list[0].Browser || list[0].Address != "192.0.2.7" || !list[0].SignedIn.After(list[1].SignedIn) {
		t.Errorf("%+v", list)
	}
	stranger := entity.Principal{UserID: f.ann.ID, TokenType: TypeUser}
	for _, err := range []error{
		f.EndOneSession(f.ctx, stranger, p.UserID, list[0].ID), f.EndOneSession(f.ctx, p, p.UserID, "guess"),
		f.EndOneSession(f.ctx, p, f.ann.ID, list[0].ID), f.EndOneSession(f.ctx, p, p.UserID, "../"+list[0].ID),
	} {
		if entity.KindOf(err) != entity.KindNotFound {
			t.Errorf("%v", err)
		}
	}
	wantCode(t, f.EndOneSession(f.ctx, entity.Principal{TokenType: TypeBot}, p.UserID, list[0].ID), CodeType)
	must(t, f.EndOneSession(f.ctx, p, p.UserID, list[1].ID))
	_, err = f.SessionToken(f.ctx, first.Session)
	wantCode(t, err, CodeRefresh)
	n, err := f.EndSessions(f.ctx, p, p.UserID)
	must(t, err)
	if n != 1 {
		t.Errorf("%d sessions ended", n)
	}
	_, err = f.use(tokens.AccessToken)
	wantCode(t, err, CodeRevoked)
}

// TestSessionsAndSettings: sessions outlive a change of the rules, not one of the
// provider, but for the admin who makes it.
func TestSessionsAndSettings(t *testing.T) {
	f := newSignOn(t)
	f.confidential(func(so *SignOn) { so.Rules.AdminPrincipals = []string{"zoe"} })
	f.renews()
	session := f.signedIn().Session
	tokens, err := f.token(session)
	must(t, err)
	boss, err := f.use(tokens.AccessToken)
	must(t, err)
	f.confidential(func(so *SignOn) { so.Rules.EnforceDomain = true })
	_, err = f.token(session)
	must(t, err)

	f.confidential(func(so *SignOn) { so.Identity = "another" })
	_, err = f.use(tokens.AccessToken)
	wantCode(t, err, CodeRevoked)
	_, err = f.SessionToken(f.ctx, session)
	wantCode(t, err, CodeRefresh)
	if list, err := f.Sessions(f.ctx, boss.UserID); err != nil || len(list) != 0 {
		t.Errorf("%+v, %v", list, err)
	}
	f.confidential() // taken back
	_, err = f.use(tokens.AccessToken)
	must(t, err)
	must(t, f.Keep(f.ctx, boss, "Bearer "+tokens.AccessToken))
	f.SetSignOn(&SignOn{Provider: "basic", Basic: true})
	_, err = f.use(tokens.AccessToken)
	must(t, err)
	f.clock.Advance(keepFor)
	_, err = f.use(tokens.AccessToken)
	wantCode(t, err, CodeRevoked)
}

func TestSessionOfADeletedUser(t *testing.T) {
	f := newSignOn(t)
	f.confidential()
	session := f.signedIn().Session
	user := f.zoe()
	user.Deleted = true
	f.setUser(user, user.ID)
	_, err := f.SessionToken(f.ctx, session)
	wantCode(t, err, CodeRefresh)
}
