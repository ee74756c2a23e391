package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// TestKeptTokenOfAProvider: the admin of a public client who changes the provider goes
// on with the token at hand for ten minutes, on every process, and nobody else does.
func TestKeptTokenOfAProvider(t *testing.T) {
	f := newSignOn(t)
	f.public(func(so *SignOn) { so.Rules.AdminPrincipals = []string{"zoe"} })
	other, err := New(f.ctx, f.options)
	must(t, err)
	t.Cleanup(func() { _ = other.Close(f.ctx) })
	token, second := f.idToken("sub-zoe", nil), f.idToken("sub-zoe", map[string]any{"jti": "2"})
	boss, err := f.use(token)
	must(t, err)
	must(t, f.Keep(f.ctx, boss, "Bearer "+token))
	next := &SignOn{Provider: "okta", Identity: "another", Redirect: f.provider}
	f.SetSignOn(next)
	other.SetSignOn(next)
	p, err := f.use(token)
	must(t, err)
	if p.UserID != boss.UserID || !p.IsAdmin || p.TokenType != TypeUser || p.SignedIn != boss.SignedIn || p.TokenID != "kept:"+strings.TrimPrefix(boss.TokenID, "provider:") {
		t.Errorf("%+v, was %+v", p, boss)
	}
	_, err = other.Authenticate(f.ctx, "Bearer "+token)
	must(t, err)
	_, err = f.use(second)
	wantCode(t, err, CodeIssuer)
	signed, signature := token[:strings.LastIndexByte(token, '.')+1], token[strings.LastIndexByte(token, '.')+1:]
	_, err = f.use(signed + "AAAA" + signature[4:])
	wantCode(t, err, CodeIssuer)

	// Whoever is demoted or deleted meanwhile is so here as well.
	user := f.zoe()
	user.Deleted = true
	f.setUser(user, user.ID)
	_, err = f.use(token)
	wantCode(t, err, CodeIssuer)
	user.Deleted = false
	f.setUser(user, user.ID)
	f.clock.Advance(keepFor - time.Second)
	_, err = f.use(token)
	must(t, err)
	must(t, f.Logout(f.ctx, p))
	_, err = f.use(token)
	wantCode(t, err, CodeIssuer)
}

func TestKeptTokensEnd(t *testing.T) {
	f := newSignOn(t)
	f.public(func(so *SignOn) { so.Rules.AdminPrincipals = []string{"zoe"} })
	long, short := f.idToken("sub-zoe", nil), f.idToken("sub-zoe", map[string]any{"exp": f.clock.Now().Add(5 * time.Minute).Unix()})
	for _, token := range []string{long, short} {
		boss, err := f.use(token)
		must(t, err)
		must(t, f.Keep(f.ctx, boss, "Bearer "+token))
	}
	f.SetSignOn(&SignOn{Provider: "basic", Basic: true})
	f.clock.Advance(5 * time.Minute)
	_, err := f.use(short)
	wantCode(t, err, CodeIssuer)
	_, err = f.use(long)
	must(t, err)
	f.SetSignOn(&SignOn{Provider: "basic", Basic: true}) // a later change keeps nobody longer
	f.clock.Advance(5 * time.Minute)
	_, err = f.use(long)
	wantCode(t, err, CodeIssuer)
}

// TestOnlyAdminsWhoSignedInAreKept: nobody else changes how people sign in.
func TestOnlyAdminsWhoSignedInAreKept(t *testing.T) {
	f := newSignOn(t)
	f.public()
	token := f.idToken("sub-zoe", nil)
	p, err := f.use(token)
	must(t, err)
	must(t, f.Keep(f.ctx, p, "Bearer "+token))
	must(t, f.Keep(f.ctx, entity.Principal{TokenType: TypePersonal, IsAdmin: true}, "Bearer x"))
	if n := f.records(kindKept); n != 0 {
		t.Errorf("%d tokens are kept", n)
	}
	f.SetSignOn(&SignOn{Provider: "basic", Basic: true})
	_, err = f.use(token)
	wantCode(t, err, CodeIssuer)
}

// TestKeptSessionStaysAway: a session that outlives its provider is never renewed at
// another one, which would get the refresh token of the former, and gives tokens for as
// long as it is kept.
func TestKeptSessionStaysAway(t *testing.T) {
	f := newSignOn(t)
	f.confidential(func(so *SignOn) { so.Rules.AdminPrincipals = []string{"zoe"} })
	f.renews()
	session := f.signedIn().Session
	tokens, err := f.token(session)
	must(t, err)
	boss, err := f.use(tokens.AccessToken)
	must(t, err)
	f.clock.Advance(29 * time.Minute)
	must(t, f.Keep(f.ctx, boss, ""))
	f.confidential(func(so *SignOn) { so.Identity = "another" })
	f.clock.Advance(9 * time.Minute) // the former provider would be asked by now
	kept, err := f.token(session)
	must(t, err)
	if n := f.provider.count(); n != 0 {
		t.Errorf("the other provider was asked %d times, with %q", n, f.provider.renewals)
	}
	if left := f.lives(kept); left != time.Minute {
		t.Errorf("the token lives %v, the session is kept for another minute", left)
	}
	f.clock.Advance(time.Minute)
	_, err = f.SessionToken(f.ctx, session)
	wantCode(t, err, CodeRefresh)
	f.confidential() // taken back: it goes on, and is renewed where it belongs
	_, err = f.token(session)
	must(t, err)
	if f.provider.count() != 1 {
		t.Errorf("renewed %d times", f.provider.count())
	}
}
