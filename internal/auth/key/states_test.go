package key

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"pgregory.net/rapid"
)

// setClock is a clock that the test sets.
type setClock struct {
	mu  sync.Mutex
	now time.Time
}

func newClock() *setClock { return &setClock{now: time.UnixMilli(1_800_000_000_000)} }

func (c *setClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *setClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func open(t testing.TB, dir string, opts Options) *Ring {
	t.Helper()
	r, err := Open(dir, opts)
	must(t, err)
	return r
}

func signerOf(r *Ring) string {
	id, _ := r.Signer()
	return id
}

// states writes the ring down as "state of key" by the order of the list.
func states(r *Ring) string {
	var words []string
	for _, k := range r.List() {
		words = append(words, k.State)
	}
	return strings.Join(words, " ")
}

// eventually waits for what another process's change brings about.
func eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	deadline := time.NewTimer(time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !condition() {
		select {
		case <-deadline.C:
			t.Fatalf("not within a second: %s", what)
		case <-tick.C:
		}
	}
}

// small makes pairs quickly: tests of states do not depend on the size.
func small(t testing.TB, id string, now time.Time) kept {
	t.Helper()
	k, err := keep(newKey(t), id, now)
	must(t, err)
	return k
}

func TestAnnounceBecomesCurrent(t *testing.T) {
	dir, clock := t.TempDir(), newClock()
	r := open(t, dir, Options{Clock: clock.Now})
	other := open(t, dir, Options{Clock: clock.Now}) // a server beside
	first := signerOf(r)
	next, err := r.Announce()
	must(t, err)
	if next.State != Next || !next.Due.Equal(clock.Now().Add(time.Hour)) || states(r) != "current next" {
		t.Errorf("%+v, %s", next, states(r))
	}
	if !bytes.Contains(r.JWKS(), []byte(next.ID)) || signerOf(r) != first {
		t.Error("the next key is not published, or signs already")
	}
	if _, err := r.Announce(); err == nil || !strings.Contains(err.Error(), "--now") {
		t.Errorf("a second next key: %v", err)
	}
	clock.advance(Lead - time.Millisecond)
	if signerOf(r) != first {
		t.Error("it signs too early")
	}
	clock.advance(time.Millisecond)
	for _, ring := range []*Ring{r, other} {
		eventually(t, "the next key signs", func() bool { return signerOf(ring) == next.ID })
		if states(ring) != "current verify-only" {
			t.Error(states(ring))
		}
	}
	data, err := os.ReadFile(filepath.Join(dir, RingFile))
	must(t, err)
	if n := bytes.Count(data, []byte(`"private"`)); n != 1 {
		t.Errorf("%d private halves are kept, want that of the current key", n)
	}

	// The longest token is over: the key goes by itself, and is remembered.
	clock.advance(DefaultTokenLife + slack - time.Millisecond)
	if _, ok := other.Public(first); !ok {
		t.Error("the former key went too early")
	}
	clock.advance(time.Millisecond)
	if _, ok := other.Public(first); ok {
		t.Error("the former key verifies for ever")
	}
	if g, ok := other.Retired(first); !ok || g.Reason != ReasonEnded {
		t.Errorf("%+v", g)
	}
	if states(r) != "current" {
		t.Error(states(r))
	}
}

func TestEndlessTokensKeepTheirKey(t *testing.T) {
	dir, clock := t.TempDir(), newClock()
	r := open(t, dir, Options{Clock: clock.Now})
	id, private, err := r.EndlessSigner()
	must(t, err)
	if again, same, err := r.EndlessSigner(); err != nil || again != id || !same.Equal(private) {
		t.Errorf("%s, %v", again, err)
	}
	_, err = r.Rotate()
	must(t, err)
	clock.advance(50 * 365 * 24 * time.Hour)
	r = open(t, dir, Options{Clock: clock.Now})
	if _, ok := r.Public(id); !ok {
		t.Error("the key of a token without an end went by itself")
	}
	must(t, r.Retire(id))
	if g, ok := r.Retired(id); !ok || g.Reason != ReasonRetired {
		t.Errorf("%+v", g)
	}
}

func TestRotateTakesTheNextKey(t *testing.T) {
	r := open(t, t.TempDir(), Options{})
	next, err := r.Announce()
	must(t, err)
	now, err := r.Rotate()
	must(t, err)
	if now.ID != next.ID || states(r) != "current verify-only" {
		t.Errorf("%s signs, %s", now.ID, states(r))
	}
	next, err = r.Announce()
	must(t, err)
	must(t, r.Retire(next.ID))
	if _, ok := r.Retired(next.ID); ok || states(r) != "current verify-only" {
		t.Error("a key that never signed is remembered, or still there")
	}
}

func TestCompromise(t *testing.T) {
	r := open(t, t.TempDir(), Options{})
	former := signerOf(r)
	_, err := r.Rotate()
	must(t, err)
	signer, err := r.Compromise(former)
	must(t, err)
	if signer.ID != signerOf(r) || states(r) != "current" {
		t.Errorf("%+v, %s", signer, states(r))
	}
	next, err := r.Announce()
	must(t, err)
	fresh, err := r.Compromise(signer.ID)
	must(t, err)
	// The next key lay in the same file as the current one.
	if fresh.ID == next.ID || fresh.ID == signer.ID || states(r) != "current" {
		t.Errorf("%s signs after %s and %s, %s", fresh.ID, signer.ID, next.ID, states(r))
	}
	if g, _ := r.Retired(signer.ID); g.Reason != ReasonCompromised {
		t.Errorf("%+v", g)
	}
	if _, err := r.Compromise("unknown"); err == nil {
		t.Error("an unknown key was compromised")
	}
}

func TestCompromisedStaysOut(t *testing.T) {
	private := newKey(t)
	file := write(t, "private.der", pkcs8(t, private), 0o600)
	r := open(t, t.TempDir(), Options{})
	info, err := r.Import(Import{PrivateFile: file, KeyID: "mine"})
	must(t, err)
	if info.State != Current || !info.Imported || signerOf(r) != "mine" {
		t.Errorf("%+v", info)
	}
	_, err = r.Compromise("mine")
	must(t, err)
	for _, id := range []string{"mine", "other"} {
		if _, err := r.Import(Import{PrivateFile: file, KeyID: id}); err == nil || !strings.Contains(err.Error(), "compromised") {
			t.Errorf("as %s: %v", id, err)
		}
	}
	until := time.Now().Add(time.Hour)
	if _, err := r.ImportVerifyOnly(VerifyOnlyImport{PrivateFile: file, KeyID: "old", Until: until}); err == nil {
		t.Error("a compromised key verifies again")
	}
}

func TestFormerOwnKeyVerifiesAgain(t *testing.T) {
	clock := newClock()
	private := newKey(t)
	file := write(t, "private.der", pkcs8(t, private), 0o600)
	r := open(t, t.TempDir(), Options{Clock: clock.Now})
	_, err := r.Import(Import{PrivateFile: file, KeyID: "mine"})
	must(t, err)
	_, err = r.Rotate()
	must(t, err)
	must(t, r.Retire("mine"))
	info, err := r.ImportVerifyOnly(VerifyOnlyImport{PrivateFile: file, KeyID: "mine", Until: clock.Now().Add(24 * time.Hour)})
	must(t, err)
	if public, ok := r.Public("mine"); !ok || !public.Equal(&private.PublicKey) || info.State != VerifyOnly {
		t.Errorf("%+v", info)
	}
	if _, _, ok := r.Foreign("mine"); ok || r.HasForeign() {
		t.Error("a key of our own is another issuer's")
	}
	clock.advance(24 * time.Hour)
	if _, ok := r.Public("mine"); ok {
		t.Error("it verifies beyond its date")
	}
}

func TestForeignKey(t *testing.T) {
	dir, clock := t.TempDir(), newClock()
	server := open(t, dir, Options{Clock: clock.Now})
	command := open(t, dir, Options{Clock: clock.Now})
	private := newKey(t)
	in := VerifyOnlyImport{
		PublicFile: write(t, "public.der", spki(t, &private.PublicKey), 0o644), Issuer: LegacyIssuer, Until: clock.Now().Add(MaxVerifyOnly),
	}
	info, err := command.ImportVerifyOnly(in)
	must(t, err)
	if info.ID != PublishedID || info.Issuer != LegacyIssuer {
		t.Errorf("%+v", info)
	}
	// At once, not within a second: the id was not known.
	if public, issuer, ok := server.Foreign(PublishedID); !ok || issuer != LegacyIssuer || !public.Equal(&private.PublicKey) {
		t.Error("the server does not know the key")
	}
	if _, ok := server.Public(PublishedID); ok {
		t.Error("another issuer's key verifies our own tokens")
	}
	if bytes.Contains(server.JWKS(), []byte(PublishedID)) {
		t.Error("another issuer's key is published as ours")
	}
	if list := server.List(); len(list) != 2 || list[1].ID != PublishedID {
		t.Errorf("%+v", list)
	}
	clock.advance(MaxVerifyOnly)
	if _, _, ok := server.Foreign(PublishedID); ok {
		t.Error("it verifies beyond its date")
	}
	if g, ok := server.Retired(PublishedID); !ok || g.Issuer != LegacyIssuer || g.Reason != ReasonEnded {
		t.Errorf("%+v", g)
	}
}

func TestRefusedImports(t *testing.T) {
	clock := newClock()
	private := newKey(t)
	good := write(t, "private.der", pkcs8(t, private), 0o600)
	public := write(t, "public.der", spki(t, &private.PublicKey), 0o644)
	published := write(t, "published.der", spki(t, publishedPublic(t)), 0o644)
	soon := clock.Now().Add(time.Hour)
	r := open(t, t.TempDir(), Options{Clock: clock.Now})
	link := filepath.Join(filepath.Dir(good), "link")
	must(t, os.Symlink(good, link))
	for name, c := range map[string]struct {
		do   func() error
		want string
	}{
		"no private key": {func() error { _, err := r.Import(Import{PublicFile: public}); return err }, "private key file"},
		"published id":   {func() error { _, err := r.Import(Import{PrivateFile: good, KeyID: PublishedID}); return err }, "published"},
		"symbolic link":  {func() error { _, err := r.Import(Import{PrivateFile: link}); return err }, "cp -L"},
		"odd id":         {func() error { _, err := r.Import(Import{PrivateFile: good, KeyID: "a b"}); return err }, "visible"},
		"long id": {func() error {
			_, err := r.Import(Import{PrivateFile: good, KeyID: strings.Repeat("a", 101)})
			return err
		}, "100"},
		"id in use":           {func() error { _, err := r.Import(Import{PrivateFile: good, KeyID: signerOf(r)}); return err }, "--kid"},
		"published pair":      {verifyOnly(r, VerifyOnlyImport{PublicFile: published, Issuer: "x", Until: soon}), "anybody can sign"},
		"published id as own": {verifyOnly(r, VerifyOnlyImport{PublicFile: public, KeyID: PublishedID, Until: soon}), "published"},
		"too long":            {verifyOnly(r, VerifyOnlyImport{PublicFile: public, Until: clock.Now().Add(MaxVerifyOnly + 1)}), "90 days"},
		"over":                {verifyOnly(r, VerifyOnlyImport{PublicFile: public, Until: clock.Now()}), "future"},
		"no file":             {verifyOnly(r, VerifyOnlyImport{Until: soon}), "--public"},
		"odd issuer":          {verifyOnly(r, VerifyOnlyImport{PublicFile: public, Issuer: " x", Until: soon}), "exact"},
	} {
		if err := c.do(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	if states(r) != "current" {
		t.Error(states(r))
	}
}

func verifyOnly(r *Ring, in VerifyOnlyImport) func() error {
	return func() error {
		_, err := r.ImportVerifyOnly(in)
		return err
	}
}

func publishedPublic(t testing.TB) *rsa.PublicKey {
	t.Helper()
	n, err := base64.RawURLEncoding.DecodeString(publishedModulus)
	must(t, err)
	return &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
}

// TestOtherProcess lets two rings on one directory, which know nothing of each
// other, change it in turn: each sees what the other did.
func TestOtherProcess(t *testing.T) {
	dir := t.TempDir()
	a, b := open(t, dir, Options{}), open(t, dir, Options{})
	first := signerOf(a)
	fresh, err := b.Rotate()
	must(t, err)
	if _, ok := a.Public(fresh.ID); !ok {
		t.Error("a token of the other process's key is refused")
	}
	eventually(t, "the other process's key signs", func() bool { return signerOf(a) == fresh.ID })
	must(t, b.Retire(first))
	eventually(t, "the other process's retirement counts", func() bool { _, ok := a.Public(first); return !ok })
	if _, ok := a.Retired(first); !ok {
		t.Error("why it went is not known")
	}
}

// TestChangesAtOnce has several processes change the ring at the same time: none of
// the changes is lost.
func TestChangesAtOnce(t *testing.T) {
	dir := t.TempDir()
	ring := open(t, dir, Options{})
	until := time.Now().Add(time.Hour)
	const processes = 4
	files := make([]string, 3*processes)
	for i := range files {
		files[i] = write(t, "public.der", spki(t, &newKey(t).PublicKey), 0o644)
	}
	var wg sync.WaitGroup
	for p := range processes {
		wg.Go(func() {
			r, err := Open(dir, Options{})
			if err != nil {
				t.Error(err)
				return
			}
			for i := 3 * p; i < 3*p+3; i++ {
				in := VerifyOnlyImport{PublicFile: files[i], KeyID: fmt.Sprint("key-", i), Issuer: "theirs", Until: until}
				if err := verifyOnly(r, in)(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	eventually(t, "all keys are there", func() bool { return len(ring.List()) == 1+len(files) })
}

func TestLostFileLeavesTheKeys(t *testing.T) {
	for name, harm := range map[string]func(path string) error{
		"removed": os.Remove,
		"garbage": func(path string) error { return os.WriteFile(path, []byte("garbage"), 0o600) },
		"open":    func(path string) error { return os.Chmod(path, 0o644) },
		"no key": func(path string) error {
			return os.WriteFile(path, []byte(`{"keys":[],"brought":[{"kid":"x"}]}`), 0o600)
		},
		"bad state": func(path string) error {
			return os.WriteFile(path, []byte(`{"keys":[{"kid":"x","state":"current"}]}`), 0o600)
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir, clock := t.TempDir(), newClock()
			r := open(t, dir, Options{Clock: clock.Now})
			first := signerOf(r)
			next, err := r.Announce()
			must(t, err)
			must(t, harm(filepath.Join(dir, RingFile)))
			if _, ok := r.Public("unknown"); ok { // looks at the file
				t.Error("an unknown key is known")
			}
			if signerOf(r) != first {
				t.Error("the keys are lost")
			}
			clock.advance(Lead)
			if name != "no key" && name != "bad state" && signerOf(r) != next.ID {
				t.Error("what is due does not happen")
			}
			if err := r.Retire(first); name != "open" && name != "garbage" && name != "removed" && err == nil {
				t.Error("a damaged file was written over")
			}
		})
	}
}

// TestFirstForm reads the file of the first release, a list.
func TestFirstForm(t *testing.T) {
	dir, clock := t.TempDir(), newClock()
	list := []kept{small(t, "now", clock.Now()), small(t, "before", clock.Now().Add(-time.Hour))}
	list[1].State = VerifyOnly
	for i := range list {
		list[i].Since, list[i].Public = 0, ""
	}
	data, err := json.Marshal(list)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, RingFile), data, 0o600))
	r := open(t, dir, Options{Clock: clock.Now})
	if states(r) != "current verify-only" || signerOf(r) != "now" {
		t.Errorf("%s, %s signs", states(r), signerOf(r))
	}
	_, err = r.Rotate()
	must(t, err)
	if _, ok := open(t, dir, Options{Clock: clock.Now}).Public("now"); !ok {
		t.Error("the former key is lost")
	}
}

func TestReplacedOperatorKey(t *testing.T) {
	dir := t.TempDir()
	file := func() string { return write(t, "private.der", pkcs8(t, newKey(t)), 0o600) }
	former := signerOf(open(t, dir, Options{PrivateFile: file()}))
	r := open(t, dir, Options{PrivateFile: file()})
	if g, ok := r.Retired(former); !ok || g.Reason != ReasonReplaced {
		t.Errorf("%+v", g)
	}
	if _, ok := r.Retired(signerOf(r)); ok {
		t.Error("the key that signs is retired")
	}
	for name, do := range map[string]func() error{
		"announce": func() error { _, err := r.Announce(); return err },
		"import":   func() error { _, err := r.Import(Import{PrivateFile: file()}); return err },
		"retire":   func() error { return r.Retire(signerOf(r)) },
		"burn":     func() error { _, err := r.Compromise(signerOf(r)); return err },
	} {
		if err := do(); err == nil || !strings.Contains(err.Error(), "configuration") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLinksOfOperatorFiles(t *testing.T) {
	mount, elsewhere := t.TempDir(), t.TempDir()
	data := pkcs8(t, newKey(t))
	must(t, os.Mkdir(filepath.Join(mount, "..2026"), 0o755))
	must(t, os.WriteFile(filepath.Join(mount, "..2026", "key.der"), data, 0o400))
	must(t, os.WriteFile(filepath.Join(elsewhere, "key.der"), data, 0o600))
	// As orchestrators mount secrets.
	must(t, os.Symlink("..2026", filepath.Join(mount, "..data")))
	must(t, os.Symlink(filepath.Join("..data", "key.der"), filepath.Join(mount, "key.der")))
	open(t, t.TempDir(), Options{PrivateFile: filepath.Join(mount, "key.der")})

	out := filepath.Join(mount, "out.der")
	must(t, os.Symlink(filepath.Join(elsewhere, "key.der"), out))
	if _, err := Open(t.TempDir(), Options{PrivateFile: out}); err == nil || !strings.Contains(err.Error(), "out of its directory") {
		t.Errorf("a link that leads elsewhere: %v", err)
	}
	dangling := filepath.Join(mount, "dangling.der")
	must(t, os.Symlink("nothing", dangling))
	if _, err := Open(t.TempDir(), Options{PrivateFile: dangling}); err == nil {
		t.Error("a link to nothing was read")
	}
	// A ring that is a link itself belongs to somebody else.
	dir := t.TempDir()
	must(t, os.Symlink(filepath.Join(elsewhere, "key.der"), filepath.Join(dir, RingFile)))
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "not a link") {
		t.Errorf("a ring behind a link: %v", err)
	}
}

func TestEncryptedDER(t *testing.T) {
	// EncryptedPrivateKeyInfo: an algorithm and an octet string.
	der := []byte{0x30, 0x0f, 0x30, 0x09, 0x06, 0x05, 0x2a, 0x03, 0x04, 0x05, 0x06, 0x05, 0x00, 0x04, 0x02, 0x01, 0x02}
	if _, err := ParsePrivate(der); err == nil || !strings.Contains(err.Error(), "encrypted") {
		t.Errorf("%v", err)
	}
	if isEncrypted(x509.MarshalPKCS1PrivateKey(newKey(t))) {
		t.Error("a plain key counts as encrypted")
	}
}

// TestSettle lets time pass over any content: at most one key is current, none is
// current that was verify-only, and nothing due is left over.
func TestSettle(t *testing.T) {
	spare := small(t, "any", time.UnixMilli(1))
	rapid.Check(t, func(t *rapid.T) {
		now := time.UnixMilli(1_800_000_000_000)
		c := &content{Keys: []kept{spare}}
		for i := range rapid.IntRange(0, 6).Draw(t, "keys") {
			k := spare
			k.ID = fmt.Sprint(i)
			at := now.Add(time.Duration(rapid.IntRange(-1000, 1000).Draw(t, "at")) * time.Hour).UnixMilli()
			if rapid.Bool().Draw(t, "next") {
				k.State, k.Due = Next, at
			} else {
				k.State, k.Until, k.Private = VerifyOnly, at, ""
			}
			c.Keys = append(c.Keys, k)
		}
		for range len(c.Keys) + 1 {
			c.settle(now, DefaultTokenLife)
		}
		current := 0
		for _, k := range c.Keys {
			switch {
			case k.State == Current:
				current++
			case k.State == Next && k.Due <= now.UnixMilli(), k.ended(now.UnixMilli()):
				t.Fatalf("%s is left as %s", k.ID, k.State)
			}
			if (k.Private == "") != (k.State == VerifyOnly) {
				t.Fatalf("%s is %s; private half %t", k.ID, k.State, k.Private != "")
			}
		}
		if current != 1 {
			t.Fatalf("%d current keys", current)
		}
		if turn := c.turn(); turn != 0 && turn <= now.UnixMilli() {
			t.Fatalf("something is due still: %d", turn)
		}
	})
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"keys":[{"kid":"a","state":"current","created":1,"private":"x"}],"retired":[{"kid":"b","at":1}]}`))
	f.Add([]byte(`[{"kid":"a"}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := decode(data)
		if err != nil {
			if strings.Contains(err.Error(), "private") {
				t.Errorf("the error quotes the file: %v", err)
			}
			return
		}
		c.settle(time.UnixMilli(1), time.Hour)
		if _, err := c.encode(); err != nil {
			t.Error(err)
		}
	})
}

func BenchmarkPublic(b *testing.B) {
	r := open(b, b.TempDir(), Options{})
	id := signerOf(r)
	for b.Loop() {
		if _, ok := r.Public(id); !ok {
			b.Fatal("lost")
		}
	}
}
