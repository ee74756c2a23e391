package auth

import (
	"encoding/base64"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

func TestLoginAnswer(t *testing.T) {
	f := newFixture(t)
	tokens := f.mustLogin()
	end := f.clock.Now().Add(time.Hour).UnixMilli()
	want := Tokens{AccessToken: tokens.AccessToken, RefreshToken: tokens.RefreshToken, TokenType: "Bearer", ExpiryDuration: end}
	if diff := cmp.Diff(want, tokens); diff != "" {
		t.Error(diff)
	}
	payload := f.payload(tokens.AccessToken, map[string]any{"jti": nil})
	if wantPayload := `"sub":"ann"`; !strings.Contains(payload, wantPayload) {
		t.Errorf("payload %s lacks %s", payload, wantPayload)
	}
	for _, name := range []string{"ann", "ANN@example.org", " Ann "} {
		if _, err := f.login(name, goodPassword, "a"); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
}

func TestRefreshRotates(t *testing.T) {
	f := newFixture(t)
	first := f.mustLogin()
	second, err := f.Refresh(f.ctx, first.RefreshToken)
	must(t, err)
	if second.RefreshToken == first.RefreshToken || second.AccessToken == first.AccessToken {
		t.Error("nothing changed")
	}
	for _, token := range []string{first.AccessToken, second.AccessToken} {
		_, err := f.use(token)
		must(t, err)
	}
	// Another tab with the same token, a moment later, gets the same successor.
	f.clock.Advance(10 * time.Second)
	again, err := f.Refresh(f.ctx, first.RefreshToken)
	must(t, err)
	if again.RefreshToken != second.RefreshToken {
		t.Error("the grace gave another refresh token")
	}
	third, err := f.Refresh(f.ctx, second.RefreshToken)
	must(t, err)

	// Later it is a replay: the family ends, the rightful holder's part as well.
	f.clock.Advance(11 * time.Second)
	_, err = f.Refresh(f.ctx, second.RefreshToken)
	wantCode(t, err, CodeRefresh)
	if !strings.HasPrefix(messageOf(err), "Invalid Request Token. Please check your Token") {
		t.Errorf("message %q", messageOf(err))
	}
	_, err = f.Refresh(f.ctx, third.RefreshToken)
	wantCode(t, err, CodeRefresh)
	_, err = f.use(third.AccessToken)
	wantCode(t, err, CodeRevoked)
}

func TestRefreshTokensOlderThanTheLastEndTheFamily(t *testing.T) {
	f := newFixture(t)
	first := f.mustLogin()
	second, err := f.Refresh(f.ctx, first.RefreshToken)
	must(t, err)
	third, err := f.Refresh(f.ctx, second.RefreshToken)
	must(t, err)
	_, err = f.Refresh(f.ctx, first.RefreshToken) // within the grace, but two turns old
	wantCode(t, err, CodeRefresh)
	_, err = f.Refresh(f.ctx, third.RefreshToken)
	wantCode(t, err, CodeRefresh)
}

// TestForgedRefreshTokenEndsNothing: the ids in a token that leaked are not enough
// to sign its owner out.
func TestForgedRefreshTokenEndsNothing(t *testing.T) {
	f := newFixture(t)
	tokens := f.mustLogin()
	real, ok := parseRefresh(tokens.RefreshToken)
	if !ok {
		t.Fatal("our own refresh token does not parse")
	}
	if real.String() != tokens.RefreshToken {
		t.Error("the token has two spellings")
	}
	forged := real
	forged.family, forged.secret = [16]byte{1}, [32]byte{2}
	for _, text := range []string{
		forged.String(), "", "x", tokens.RefreshToken[1:], tokens.RefreshToken + "A", tokens.AccessToken,
		strings.Repeat("!", len(tokens.RefreshToken)), strings.Repeat("A", len(tokens.RefreshToken)),
	} {
		_, err := f.Refresh(f.ctx, text)
		wantCode(t, err, CodeRefresh)
	}
	_, err := f.Refresh(f.ctx, tokens.RefreshToken)
	must(t, err)
	// Nor does a refresh token open a door by itself.
	_, err = f.use(tokens.RefreshToken)
	wantCode(t, err, CodeFormat)
}

func TestManyRefreshAtOnce(t *testing.T) {
	f := newFixture(t)
	tokens := f.mustLogin()
	var wg sync.WaitGroup
	results := make([]Tokens, 20)
	for i := range results {
		wg.Go(func() {
			var err error
			if results[i], err = f.Refresh(f.ctx, tokens.RefreshToken); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	for _, r := range results {
		if r.RefreshToken != results[0].RefreshToken {
			t.Fatal("the session forked")
		}
		if _, err := f.use(r.AccessToken); err != nil {
			t.Error(err)
		}
	}
}

func TestLogout(t *testing.T) {
	f := newFixture(t)
	here, there := f.mustLogin(), f.mustLogin()
	next, err := f.Refresh(f.ctx, here.RefreshToken)
	must(t, err)
	p, err := f.use(next.AccessToken)
	must(t, err)
	must(t, f.Logout(f.ctx, p))
	for _, token := range []string{here.AccessToken, next.AccessToken} {
		_, err = f.use(token)
		wantCode(t, err, CodeRevoked)
	}
	_, err = f.Refresh(f.ctx, next.RefreshToken)
	wantCode(t, err, CodeRefresh)
	_, err = f.use(there.AccessToken)
	must(t, err)
	ended, err := f.EndSessions(f.ctx, entity.System(), f.ann.ID)
	must(t, err)
	if ended != 1 {
		t.Errorf("%d sessions ended, want 1", ended)
	}
	_, err = f.use(there.AccessToken)
	wantCode(t, err, CodeRevoked)
}

func TestSessionEndsByTime(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.SessionLifetime = 90 * time.Minute })
	tokens := f.mustLogin()
	start := f.clock.Now()
	f.clock.Advance(time.Hour)
	tokens, err := f.Refresh(f.ctx, tokens.RefreshToken)
	must(t, err)
	if want := start.Add(90 * time.Minute).UnixMilli(); tokens.ExpiryDuration != want {
		t.Errorf("the access token outlives its session: %d, want %d", tokens.ExpiryDuration, want)
	}
	f.clock.Advance(30 * time.Minute)
	_, err = f.Refresh(f.ctx, tokens.RefreshToken)
	wantCode(t, err, CodeRefresh)
	_, err = f.use(tokens.AccessToken)
	wantCode(t, err, CodeRevoked)
}

func TestRefreshOfADeletedUser(t *testing.T) {
	f := newFixture(t)
	tokens := f.mustLogin()
	ann := f.ann
	ann.Deleted = true
	f.setUser(ann, ann.ID)
	_, err := f.Refresh(f.ctx, tokens.RefreshToken)
	wantCode(t, err, CodeRefresh)
	f.removeUser(ann)
	_, err = f.Refresh(f.ctx, tokens.RefreshToken)
	wantCode(t, err, CodeRefresh)
}

func TestSessionsAreBounded(t *testing.T) {
	f := newFixture(t)
	first := f.mustLogin()
	f.clock.Advance(time.Second)
	must(t, f.db.Update(f.ctx, func(tx store.Tx) error {
		for range maxCredentials - 1 {
			c := &credential{Created: f.clock.Now().UnixMilli()}
			if err := putCredential(f.ctx, tx, f.ann.ID, prefixSession+randomID(), c); err != nil {
				return err
			}
		}
		return nil
	}))
	f.mustLogin()
	_, err := f.use(first.AccessToken)
	wantCode(t, err, CodeRevoked)
	live, err := f.liveCredentials(f.ctx, f.ann.ID, prefixSession)
	must(t, err)
	if len(live) != maxCredentials {
		t.Errorf("%d sessions, want %d", len(live), maxCredentials)
	}
}

func FuzzParseRefresh(fz *testing.F) {
	fz.Add("")
	fz.Add(refreshToken{}.String())
	fz.Add(base64.RawURLEncoding.EncodeToString(make([]byte, refreshSize-1)))
	fz.Fuzz(func(t *testing.T, text string) {
		if parsed, ok := parseRefresh(text); ok && parsed.String() != text {
			t.Errorf("%q has a second spelling", text)
		}
	})
}
