package auth

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

func TestLoginRefusalsAreAlike(t *testing.T) {
	f := newFixture(t)
	gone := User{ID: entity.NewID(), Name: "gone", Email: "gone@example.org"}
	f.setUser(gone, gone.ID)
	must(t, f.SetPassword(f.ctx, entity.System(), gone.ID, goodPassword, false))
	gone.Deleted = true
	f.setUser(gone, gone.ID)
	want := *Refuse(CodeLogin)
	for i, c := range []struct{ name, plain string }{
		{"ann", "wrong"}, {"ann@example.org", "wrong"}, {"nobody", goodPassword}, {"nobody@example.org", goodPassword},
		{"gone", goodPassword}, {"ingestion-bot", goodPassword}, {"admin", goodPassword}, {"admin", ""}, {"", goodPassword},
		{strings.Repeat("n", 400), goodPassword}, {"\xff", goodPassword},
	} {
		_, err := f.login(c.name, c.plain, fmt.Sprint("address ", i))
		var e *entity.Error
		if !errors.As(err, &e) || *e != want {
			t.Errorf("%.20q: %+v, want %+v", c.name, err, want)
		}
	}
}

func TestLoginNeedsBase64(t *testing.T) {
	f := newFixture(t)
	for _, encoded := range []string{"admin!", "a", "====", base64.StdEncoding.EncodeToString([]byte{0xff, 0xfe}), strings.Repeat("A", 2000)} {
		_, err := f.Login(f.ctx, LoginRequest{Name: "ann", Password: encoded})
		if entity.KindOf(err) != entity.KindBadRequest {
			t.Errorf("%.20q: %v", encoded, err)
		}
	}
	_, err := f.Login(f.ctx, LoginRequest{Name: "ann", Password: "no base64!"})
	if messageOf(err) != "Password need to be encoded in Base-64." {
		t.Errorf("message %q", messageOf(err))
	}
	raw := base64.RawStdEncoding.EncodeToString([]byte(goodPassword))
	if _, err := f.Login(f.ctx, LoginRequest{Name: "ann", Password: raw}); err != nil {
		t.Errorf("without padding: %v", err)
	}
}

func TestThrottle(t *testing.T) {
	for _, name := range []string{"ann", "nobody"} { // an unknown name looks the same
		f := newFixture(t)
		const evil, home = "203.0.113.7", "192.0.2.1"
		for range 3 {
			_, err := f.login(name, "wrong", evil)
			wantCode(t, err, CodeLogin)
		}
		_, err := f.login(name, "wrong", evil)
		wantCode(t, err, CodeThrottled)
		_, err = f.login(name+"@example.org", "wrong", evil)
		wantCode(t, err, CodeThrottled)
		_, err = f.login(name, goodPassword, evil)
		wantCode(t, err, CodeThrottled)
		if name == "ann" {
			if _, err = f.login(name, goodPassword, home); err != nil {
				t.Errorf("the owner is locked out: %v", err)
			}
		}
		_, err = f.login(name, "wrong", evil) // the owner's success frees nobody else
		wantCode(t, err, CodeThrottled)
		f.clock.Advance(30 * time.Second)
		_, err = f.login(name, "wrong", evil)
		wantCode(t, err, CodeLogin)
		f.clock.Advance(59 * time.Second)
		_, err = f.login(name, "wrong", evil)
		wantCode(t, err, CodeThrottled) // the delay has doubled
		f.clock.Advance(time.Second)
		_, err = f.login(name, "wrong", evil)
		wantCode(t, err, CodeLogin)
	}
}

// TestGuessesAnHour tries every second for an hour from one address.
func TestGuessesAnHour(t *testing.T) {
	f := newFixture(t)
	evaluated := 0
	for range 3600 {
		_, err := f.login("ann", "wrong", "203.0.113.7")
		if codeOf(err) == CodeLogin {
			evaluated++
		}
		f.clock.Advance(time.Second)
	}
	if evaluated > 30 || evaluated < 4 {
		t.Errorf("%d guesses evaluated in an hour, want at most 30", evaluated)
	}
}

func TestVolleyOfGuesses(t *testing.T) {
	f := newFixture(t)
	var mu sync.Mutex
	codes := map[string]int{}
	var wg sync.WaitGroup
	for range 30 {
		wg.Go(func() {
			_, err := f.login("ann", "wrong", "203.0.113.7")
			mu.Lock()
			defer mu.Unlock()
			codes[codeOf(err)]++
		})
	}
	wg.Wait()
	if codes[CodeLogin] != 3 || codes[CodeThrottled] != 27 {
		t.Errorf("outcomes %v, want 3 evaluated", codes)
	}
}

func TestManyAddressesCannotLockOut(t *testing.T) {
	f := newFixture(t)
	for i := range accountCeiling {
		_, err := f.login("ann", "wrong", fmt.Sprint("203.0.113.", i))
		wantCode(t, err, CodeLogin)
	}
	// Beyond the ceiling each address has one try.
	_, err := f.login("ann", "wrong", "203.0.113.7")
	wantCode(t, err, CodeThrottled)
	_, err = f.login("ann", goodPassword, "192.0.2.1")
	must(t, err)
}

func TestAddressCeiling(t *testing.T) {
	f := newFixture(t)
	for i := range addressCeiling {
		_, err := f.login(fmt.Sprint("user", i), "wrong", "203.0.113.7")
		wantCode(t, err, CodeLogin)
	}
	_, err := f.login("another", "wrong", "203.0.113.7")
	wantCode(t, err, CodeThrottled)
}

func TestThrottleSurvivesARestartAndIsPruned(t *testing.T) {
	f := newFixture(t)
	for range 3 {
		_, err := f.login("ann", "wrong", "203.0.113.7")
		wantCode(t, err, CodeLogin)
	}
	again, err := New(f.ctx, f.options)
	must(t, err)
	_, err = again.Login(f.ctx, LoginRequest{Name: "ann", Password: base64.StdEncoding.EncodeToString([]byte(goodPassword)), Address: "203.0.113.7"})
	wantCode(t, err, CodeThrottled)
	f.clock.Advance(time.Hour)
	_, err = f.login("ann", "wrong", "203.0.113.8")
	wantCode(t, err, CodeLogin)
	must(t, f.db.View(f.ctx, func(r store.Reader) error {
		n, err := r.CountRecords(f.ctx, store.RecordQuery{Kind: kindThrottle, Any: true})
		if n != 3 {
			t.Errorf("%d counters kept, want the 3 of the last try", n)
		}
		return err
	}))
}

func TestChangePassword(t *testing.T) {
	f := newFixture(t)
	mine, other := f.mustLogin(), f.mustLogin()
	p, err := f.use(mine.AccessToken)
	must(t, err)
	for name, c := range map[string]struct{ old, fresh string }{
		"wrong old": {"wrong", nextPassword}, "weak": {goodPassword, "weak"}, "same": {goodPassword, goodPassword},
	} {
		if err := f.ChangePassword(f.ctx, p, c.old, c.fresh); entity.KindOf(err) != entity.KindBadRequest {
			t.Errorf("%s: %v", name, err)
		}
	}
	must(t, f.ChangePassword(f.ctx, p, goodPassword, nextPassword))
	_, err = f.use(mine.AccessToken)
	must(t, err)
	_, err = f.use(other.AccessToken)
	wantCode(t, err, CodeRevoked)
	_, err = f.Refresh(f.ctx, other.RefreshToken)
	wantCode(t, err, CodeRefresh)
	_, err = f.login("ann", goodPassword, "a")
	wantCode(t, err, CodeLogin)
	_, err = f.login("ann", nextPassword, "a")
	must(t, err)
	// A stolen session is no way to guess.
	for range 3 {
		_ = f.ChangePassword(f.ctx, p, "wrong", goodPassword)
	}
	err = f.ChangePassword(f.ctx, p, nextPassword, goodPassword)
	wantCode(t, err, CodeThrottled)
	_, err = f.login("ann", nextPassword, "a")
	must(t, err)
}

func TestResetPassword(t *testing.T) {
	f := newFixture(t)
	tokens := f.mustLogin()
	for range 3 {
		_, err := f.login("ann@example.org", "wrong", "203.0.113.7")
		wantCode(t, err, CodeLogin)
	}
	user, plain, err := f.ResetPassword(f.ctx, entity.System(), "ANN@example.org")
	must(t, err)
	if user.ID != f.ann.ID || len(plain) < 20 {
		t.Errorf("user %v, password of %d characters", user.Name, len(plain))
	}
	_, err = f.use(tokens.AccessToken)
	wantCode(t, err, CodeRevoked)
	fresh, err := f.login("ann", plain, "203.0.113.7") // the delay is lifted
	must(t, err)
	if !fresh.MustChangePassword {
		t.Error("a password somebody else made must be changed")
	}
	for _, name := range []string{"nobody", "ingestion-bot", ""} {
		if _, _, err := f.ResetPassword(f.ctx, entity.System(), name); err == nil {
			t.Errorf("%q has a new password", name)
		}
	}
}

func TestFirstPassword(t *testing.T) {
	f := newFixture(t)
	plain, err := f.FirstPassword(f.ctx, f.admin.ID, "")
	must(t, err)
	if len(plain) < 20 {
		t.Errorf("%d characters", len(plain))
	}
	path := filepath.Join(f.dir, FirstPasswordFile)
	info, err := os.Stat(path)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	data, err := os.ReadFile(path)
	must(t, err)
	if string(data) != "admin\n"+plain+"\n" {
		t.Errorf("content %q", data)
	}
	again, err := f.FirstPassword(f.ctx, f.admin.ID, "")
	must(t, err)
	if again != "" {
		t.Error("a second start made a second password")
	}
	f.searchForSecrets(plain)
	tokens, err := f.login("admin", plain, "a")
	must(t, err)
	if !tokens.MustChangePassword {
		t.Error("the first password need not be changed")
	}
	p, err := f.use(tokens.AccessToken)
	must(t, err)
	must(t, f.ChangePassword(f.ctx, p, plain, nextPassword))
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the file stays after the change: %v", err)
	}
}

func TestFirstPasswordOfTheOperator(t *testing.T) {
	f := newFixture(t)
	if _, err := f.FirstPassword(f.ctx, f.admin.ID, "admin"); entity.KindOf(err) != entity.KindBadRequest {
		t.Errorf("the classic pair: %v", err)
	}
	generated, err := f.FirstPassword(f.ctx, f.admin.ID, goodPassword)
	must(t, err)
	if generated != "" {
		t.Error("the operator's own password was given out")
	}
	tokens, err := f.login("admin", goodPassword, "a")
	must(t, err)
	if tokens.MustChangePassword {
		t.Error("the operator's own choice must be changed")
	}
}

func TestImportedHashIsRenewed(t *testing.T) {
	f := newFixture(t)
	hash, err := bcrypt.GenerateFromPassword([]byte(goodPassword), bcrypt.MinCost)
	must(t, err)
	must(t, f.db.Update(f.ctx, func(tx store.Tx) error {
		return putPassword(f.ctx, tx, f.ann.ID, passwordDoc{Hash: string(hash), Changed: 1})
	}))
	f.mustLogin()
	stored, err := f.passwordOf(f.ctx, f.ann.ID)
	must(t, err)
	if stored.Hash == string(hash) {
		t.Error("the imported hash was kept")
	}
	f.mustLogin()
}

func TestLoginGivesUpWithItsCaller(t *testing.T) {
	f := newFixture(t)
	ctx, cancel := context.WithCancel(f.ctx)
	cancel()
	_, err := f.Login(ctx, LoginRequest{Name: "ann", Password: base64.StdEncoding.EncodeToString([]byte(goodPassword))})
	if err == nil || entity.KindOf(err) == entity.KindUnauthorized {
		t.Errorf("a cancelled sign-in: %v", err)
	}
}
