package auth

import (
	"context"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
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
