package auth

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/store"
)

// TestSignInsByTokenAreAudited: each sign-in of a public client once, whatever number
// of requests, processes and renewals come of it.
func TestSignInsByTokenAreAudited(t *testing.T) {
	f := newSignOn(t, func(o *Options) { o.Address = func(context.Context) string { return "192.0.2.7" } })
	f.public()
	other, err := New(f.ctx, f.options)
	must(t, err)
	t.Cleanup(func() { _ = other.Close(f.ctx) })
	other.SetSignOn(f.SignOn())
	use := func(claims map[string]any) {
		t.Helper()
		token := f.idToken("sub-zoe", claims)
		for _, s := range []*Service{f.Service, other, f.Service} {
			_, err := s.Authenticate(f.ctx, "Bearer "+token)
			must(t, err)
		}
	}
	want := func(n int) {
		t.Helper()
		if got := f.audited("signIn"); got != n {
			t.Fatalf("%d sign-ins are on record, want %d", got, n)
		}
	}
	use(map[string]any{"nonce": "first", "sid": "session-1"})
	want(1)
	entries, err := f.FindAudit(f.ctx, AuditQuery{Action: "signIn", User: "zoe"})
	must(t, err)
	if e := entries[0]; e.By != "zoe" || e.Issuer != testIssuer || e.Address != "192.0.2.7" {
		t.Errorf("%+v", e)
	}
	f.clock.Advance(time.Hour)
	use(map[string]any{"sid": "session-1"}) // renewed
	f.clock.Advance(time.Hour)
	use(map[string]any{"sid": "session-1"})
	want(1)
	use(map[string]any{"nonce": "second", "sid": "session-1"}) // signed in again, in the provider's session
	want(2)
	use(map[string]any{"nonce": "third", "auth_time": f.clock.Now().Unix()})
	use(map[string]any{"auth_time": f.clock.Now().Unix(), "jti": "renewed"})
	want(3)
	use(map[string]any{"jti": "nothing else to tell it by"})
	want(4)
	for i := range 2 * maxSignIns {
		use(map[string]any{"nonce": fmt.Sprint(i)})
	}
	want(4 + 2*maxSignIns)
	person, err := readPersonIn(f.ctx, f.db, f.zoe())
	must(t, err)
	if n := len(person.SignIns); n > maxSignIns {
		t.Errorf("%d sign-ins are remembered", n)
	}
}

// TestManyFirstRequestsAreOneSignIn: a page sends several at once.
func TestManyFirstRequestsAreOneSignIn(t *testing.T) {
	f := newSignOn(t)
	f.public()
	token := f.idToken("sub-zoe", map[string]any{"nonce": "one"})
	var wg sync.WaitGroup
	for range 12 {
		wg.Go(func() {
			if _, err := f.use(token); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := f.audited("signIn"); n != 1 {
		t.Errorf("%d sign-ins are on record", n)
	}
}

func readPersonIn(ctx context.Context, db store.Store, user User) (doc personDoc, err error) {
	err = db.View(ctx, func(r store.Reader) error {
		doc, err = readPerson(ctx, r, user.ID)
		return err
	})
	return doc, err
}

// TestF12SignInByTokenOnAFullDisk: who comes with a provider's token gets in, and the
// trail has it as soon as there is space again.
func TestF12SignInByTokenOnAFullDisk(t *testing.T) {
	disk := new(fullDisk)
	f := newSignOn(t, func(o *Options) {
		disk.Store = o.Store
		o.Store = disk
	})
	f.public()
	_, err := f.person("sub-zoe", map[string]any{"nonce": "one"})
	must(t, err)
	disk.everything.Store(true)
	_, err = f.person("sub-zoe", map[string]any{"nonce": "two"})
	must(t, err)
	disk.everything.Store(false)
	if n := f.audited("signIn"); n != 2 {
		t.Errorf("%d sign-ins are on record", n)
	}
}
