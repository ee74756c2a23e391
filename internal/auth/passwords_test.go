package auth

import (
	"context"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// passwordsOf is a directory that checks passwords by a function.
type passwordsOf func(name, password string) (Identity, error)

func (p passwordsOf) Check(_ context.Context, name, password string) (Identity, error) {
	return p(name, password)
}

// ldap puts a directory in force that knows one person.
func (f *signOnFixture) ldap() *int {
	asked := new(int)
	f.SetSignOn(&SignOn{Provider: "ldap", Rules: defaultRules(), Password: passwordsOf(func(name, password string) (Identity, error) {
		*asked++
		if name == "down" {
			return Identity{}, Refuse(CodeDirectory)
		}
		if password != goodPassword {
			return Identity{}, Refuse(CodeLogin)
		}
		id := f.identity("uid="+name, map[string]any{"email": name + "@example.org"})
		id.Issuer = "ldap:dc=example"
		return id, nil
	})})
	return asked
}

func TestPasswordsElsewhere(t *testing.T) {
	f := newSignOn(t)
	asked := f.ldap()
	tokens, err := f.login("zoe", goodPassword, "192.0.2.1")
	must(t, err)
	p, err := f.use(tokens.AccessToken)
	must(t, err)
	if p.Name != "zoe" || tokens.RefreshToken == "" || p.SignedIn == 0 {
		t.Errorf("%+v", p)
	}
	_, err = f.Refresh(f.ctx, tokens.RefreshToken)
	must(t, err)
	// Our own password of ann counts no more, and one that is empty is none.
	*asked = 0
	_, err = f.login("zoe", "", "192.0.2.1")
	wantCode(t, err, CodeLogin)
	if *asked != 0 {
		t.Error("the directory was asked with an empty password")
	}
	_, err = f.login("down", goodPassword, "192.0.2.1")
	wantCode(t, err, CodeDirectory)
	_, err = f.login("ingestion-bot", goodPassword, "192.0.2.1")
	wantCode(t, err, CodeUserRelink)
}

func TestThrottleHoldsElsewhere(t *testing.T) {
	f := newSignOn(t)
	asked := f.ldap()
	for range 20 {
		_, err := f.login("zoe", "wrong", "192.0.2.1")
		if err == nil || !strings.Contains("SEC-LOGIN-FAILED SEC-LOGIN-THROTTLED", codeOf(err)) {
			t.Fatal(err)
		}
	}
	if *asked > 3 {
		t.Errorf("the directory was asked %d times", *asked)
	}
	if _, err := f.login("zoe", goodPassword, "192.0.2.2"); err != nil {
		t.Errorf("the owner is locked out: %v", err)
	}
}

func TestPasswordsOff(t *testing.T) {
	f := newSignOn(t)
	f.public()
	_, err := f.login("ann", goodPassword, "192.0.2.1")
	wantCode(t, err, CodeBasicOff)
	p, err := f.person("sub-1", nil)
	must(t, err)
	wantCode(t, f.ChangePassword(f.ctx, p, goodPassword, nextPassword), CodeBasicOff)
	if entity.KindOf(Refuse(CodeBasicOff)) != entity.KindNotFound {
		t.Error("not a 404")
	}
}

// TestMustChangeOnlyHere: whoever signs in elsewhere has no password to change.
func TestMustChangeOnlyHere(t *testing.T) {
	f := newSignOn(t)
	must(t, f.SetPassword(f.ctx, entity.System(), f.ann.ID, goodPassword, true))
	f.public()
	p, err := f.person("sub-ann", map[string]any{"email": "ann@example.org"})
	must(t, err)
	if p.MustChangePassword {
		t.Error("a password has to be changed that nobody can use")
	}
}

// TestPasswordsAreWipedAfterASignInElsewhere: an administrator who has signed in at the
// provider in force, and asks for it, makes everybody's password go; nobody else does.
func TestPasswordsAreWipedAfterASignInElsewhere(t *testing.T) {
	f := newSignOn(t)
	must(t, f.SetPassword(f.ctx, entity.System(), f.admin.ID, goodPassword, false))
	tokens, err := f.login("admin", goodPassword, "192.0.2.1")
	must(t, err)
	boss, err := f.use(tokens.AccessToken)
	must(t, err)
	refused := func(by entity.Principal, kind entity.Kind) {
		t.Helper()
		if _, err := f.WipePasswords(f.ctx, by); entity.KindOf(err) != kind {
			t.Errorf("%s: %v", by.TokenID, err)
		}
		if n := f.records(kindPassword); n != 2 {
			t.Fatalf("%d passwords are left, want 2", n)
		}
	}
	refused(boss, entity.KindBadRequest) // people sign in with them
	must(t, f.Keep(f.ctx, boss, ""))
	admins := func(so *SignOn) { so.Rules.AdminPrincipals = []string{"zoe"} }
	f.confidential(admins)
	boss, err = f.use(tokens.AccessToken)
	must(t, err)
	refused(boss, entity.KindBadRequest) // the session is of a password
	f.public(admins)
	token := f.idToken("sub-zoe", nil)
	zoe, err := f.use(token)
	must(t, err)
	must(t, f.Keep(f.ctx, zoe, "Bearer "+token))
	personal, err := f.CreatePersonalToken(f.ctx, zoe, "script", ExpireOneDay)
	must(t, err)
	f.public(func(so *SignOn) { so.Trust.Issuer, so.Identity = "https://other.example/", "other" })
	for _, text := range []string{token, personal.Token} {
		p, err := f.use(text)
		must(t, err)
		refused(p, entity.KindBadRequest) // of the provider before, or of no sign-in at all
	}
	refused(entity.Principal{TokenType: TypeBot, IsAdmin: true, IsBot: true}, entity.KindForbidden)
	refused(entity.Principal{TokenType: TypeUser}, entity.KindForbidden)

	f.confidential(admins)
	access, err := f.token(f.signedIn().Session)
	must(t, err)
	zoe, err = f.use(access.AccessToken)
	must(t, err)
	must(t, f.db.Update(f.ctx, func(tx store.Tx) error {
		return tx.PutRecord(f.ctx, store.Record{Kind: kindReset, Owner: f.ann.ID.String(), Doc: []byte(`{}`)})
	}))
	n, err := f.WipePasswords(f.ctx, zoe)
	must(t, err)
	if n != 2 || f.records(kindPassword)+f.records(kindReset) != 0 || f.audited("passwordsWiped") != 1 {
		t.Errorf("%d wiped, %d passwords and %d links left", n, f.records(kindPassword), f.records(kindReset))
	}
	f.SetSignOn(&SignOn{Provider: "basic", Basic: true})
	_, err = f.login("admin", goodPassword, "192.0.2.2")
	wantCode(t, err, CodeLogin)
}
