package auth

import (
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// TestBriefTokens opens a browser's session and asks for tokens of a minute.
func TestBriefTokens(t *testing.T) {
	f := newFixture(t)
	grant := Grant{Identity: Identity{Issuer: "https://id.example/", Subject: "ann"}, Expires: f.clock.Now().Add(90 * time.Second)}
	cookie, _, err := f.openBrowser(f.ctx, f.inForce.Load(), f.ann, grant, "192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	lifeOf := func(asked time.Duration) time.Duration {
		t.Helper()
		got, err := f.BriefToken(f.ctx, cookie.String(), asked)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]string{f.ann.Name, f.ann.Email}, []string{got.Name, got.Email}); d != "" {
			t.Error(d)
		}
		if _, err := f.use(got.Token); err != nil {
			t.Errorf("the token is refused: %v", err)
		}
		claims := jwt.MapClaims{}
		if _, _, err := jwt.NewParser().ParseUnverified(got.Token, claims); err != nil {
			t.Fatal(err)
		}
		end, err := claims.GetExpirationTime()
		if err != nil {
			t.Fatal(err)
		}
		return end.Sub(f.clock.Now()).Round(time.Second)
	}
	if got := lifeOf(time.Minute); got != time.Minute {
		t.Errorf("a token of a minute works for %v", got)
	}
	if got := lifeOf(time.Hour); got != 90*time.Second {
		t.Errorf("a token outlives its session: %v", got)
	}
	other := strings.Repeat("A", len(cookie.String()))
	for name, value := range map[string]string{"nothing": "", "nonsense": "abc", "another session": other} {
		if _, err := f.BriefToken(f.ctx, value, time.Minute); err == nil {
			t.Errorf("%s gives a token", name)
		}
	}
	if _, err := f.BriefToken(f.ctx, cookie.String(), 0); err == nil {
		t.Error("a token without end is given")
	}
	if _, err := f.EndSessions(f.ctx, entity.Principal{UserID: f.admin.ID, Name: "admin", IsAdmin: true, TokenType: TypeUser}, f.ann.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := f.BriefToken(f.ctx, cookie.String(), time.Minute); err == nil {
		t.Error("a session that is over gives a token")
	}
}
