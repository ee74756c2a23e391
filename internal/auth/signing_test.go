package auth

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth/key"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// keyRig is a service and, beside it, what the command line has: a ring of its own
// on the same directory.
type keyRig struct {
	*fixture
	command *key.Ring
	bots    []User
	tokens  []string
}

func newKeyRig(t testing.TB, bots int) *keyRig {
	t.Helper()
	rig := new(keyRig)
	rig.fixture = newFixture(t, func(o *Options) {
		dir := filepath.Join(t.TempDir(), "keys")
		for _, ring := range []**key.Ring{&o.Keys, &rig.command} {
			var err error
			*ring, err = key.Open(dir, key.Options{Clock: o.Clock})
			must(t, err)
		}
	})
	for i := range bots {
		bot := User{ID: entity.NewID(), Name: fmt.Sprintf("bot-%03d", i), Email: "bot@example.org", IsBot: true, Bot: entity.NewID()}
		rig.users.byID[bot.ID] = bot
		rig.bots = append(rig.bots, bot)
	}
	rig.tokens = rig.issue()
	return rig
}

// issue makes a token for each bot.
func (r *keyRig) issue() []string {
	r.t.Helper()
	tokens := make([]string, len(r.bots))
	for i, bot := range r.bots {
		issued, err := r.AddBotToken(r.ctx, entity.System(), bot.ID, ExpireNinetyDays)
		must(r.t, err)
		tokens[i] = issued.Token
	}
	return tokens
}

// refusals uses each token once and counts the codes of those refused.
func (r *keyRig) refusals(tokens []string) map[string]int {
	codes := make(map[string]int)
	for _, token := range tokens {
		if _, err := r.use(token); err != nil {
			codes[entity.AsError(err).Code]++
		}
	}
	return codes
}

// waitRefused waits, for no more than a second, until all tokens are refused for
// their key's sake.
func (r *keyRig) waitRefused(tokens []string) {
	r.t.Helper()
	deadline := time.Now().Add(time.Second)
	for {
		codes := r.refusals(tokens)
		if len(codes) == 1 && codes[CodeKeyRotated] == len(tokens) {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("a second after the key was retired, of %d tokens are refused: %v", len(tokens), codes)
		}
		runtime.Gosched()
	}
}

// TestT63RotationUnderLoad has 200 bots calling while another process rotates the
// keys in both ways: nobody is refused. After the old key is retired everybody with
// a token of it is, and so again when a key is given up as compromised.
func TestT63RotationUnderLoad(t *testing.T) {
	rig := newKeyRig(t, 200)
	first, _ := rig.options.Keys.Signer()
	var tokens atomic.Pointer[[]string]
	tokens.Store(&rig.tokens)
	ctx, stop := context.WithCancel(t.Context())
	var calls, wrong atomic.Int64
	var wg sync.WaitGroup
	for worker := range 4 {
		wg.Go(func() {
			for i := worker; ctx.Err() == nil; i++ {
				all := *tokens.Load()
				calls.Add(1)
				if _, err := rig.use(all[i%len(all)]); err != nil {
					wrong.Add(1)
					t.Errorf("a bot is refused: %v", err)
					return
				}
			}
		})
	}
	next, err := rig.command.Announce()
	must(t, err)
	for deadline := time.Now().Add(time.Second); !bytes.Contains(rig.JWKS(), []byte(next.ID)); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("the next key is not published within a second")
		}
	}
	rig.clock.Advance(key.Lead)
	second := rig.issue()
	both := append(append([]string(nil), rig.tokens...), second...)
	tokens.Store(&both)
	third, err := rig.command.Rotate()
	must(t, err)
	before := calls.Load()
	for calls.Load() < before+int64(2*len(both)) {
		runtime.Gosched()
	}
	stop()
	wg.Wait()
	if wrong.Load() != 0 {
		t.Fatalf("%d of %d calls were refused wrongly", wrong.Load(), calls.Load())
	}
	for token, want := range map[string]string{rig.tokens[0]: first, second[0]: next.ID} {
		if parsed, err := parse(token); err != nil || parsed.header.KeyID != want {
			t.Errorf("signed by another key than %s: %v", want, err)
		}
	}

	must(t, rig.command.Retire(first))
	rig.waitRefused(rig.tokens)
	if codes := rig.refusals(second); len(codes) != 0 {
		t.Errorf("tokens of the keys that remain are refused: %v", codes)
	}
	fresh := rig.issue()
	_, err = rig.command.Compromise(third.ID)
	must(t, err)
	rig.waitRefused(fresh)
	if codes := rig.refusals(second); len(codes) != 0 {
		t.Errorf("tokens of the keys that remain are refused: %v", codes)
	}
	t.Logf("%d calls during the rotations", calls.Load())
}

// TestReissue retires a compromised key and gives new tokens to those bots, and only
// those, that had some of it.
func TestReissue(t *testing.T) {
	rig := newKeyRig(t, 3)
	first, _ := rig.options.Keys.Signer()
	personal, err := rig.CreatePersonalToken(rig.ctx, entity.Principal{UserID: rig.ann.ID, Name: "ann", TokenType: TypeUser}, "script", ExpireThirtyDays)
	must(t, err)
	rig.clock.Advance(time.Second)
	short, err := rig.AddBotToken(rig.ctx, entity.System(), rig.bots[1].ID, ExpireOneHour)
	must(t, err)
	_, err = rig.RotateKey(rig.ctx, entity.System(), true)
	must(t, err)
	later, err := rig.AddBotToken(rig.ctx, entity.System(), rig.bots[2].ID, ExpireOneDay)
	must(t, err)
	signer, err := rig.RetireKey(rig.ctx, entity.System(), first, true)
	must(t, err)
	if id, _ := rig.options.Keys.Signer(); id != signer.ID || id == first {
		t.Errorf("%s signs, %s was told", id, signer.ID)
	}
	holders, err := rig.HoldersOf(rig.ctx, first)
	must(t, err)
	var got []string
	for _, h := range holders {
		got = append(got, fmt.Sprintf("%s %t %d %s", h.Name, h.IsBot, h.Tokens, h.Expiry))
	}
	if text := strings.Join(got, ", "); text != "bot-000 true 1 90, bot-001 true 2 OneHour, bot-002 true 1 90, ann false 1 30" {
		t.Errorf("holders: %s", text)
	}
	for _, h := range holders {
		if !h.IsBot {
			if _, err := rig.ReissueBotToken(rig.ctx, entity.System(), h); err == nil {
				t.Error("a person was given a bot's token")
			}
			continue
		}
		issued, err := rig.ReissueBotToken(rig.ctx, entity.System(), h)
		must(t, err)
		if issued.Expiry != h.Expiry {
			t.Errorf("%s: %s instead of %s", h.Name, issued.Expiry, h.Expiry)
		}
		if _, err := rig.use(issued.Token); err != nil {
			t.Errorf("the new token of %s: %v", h.Name, err)
		}
	}
	if _, err := rig.use(later.Token); err != nil {
		t.Errorf("a token of the other key went, too: %v", err)
	}
	for _, token := range []string{rig.tokens[0], short.Token, personal.Token} {
		_, err := rig.use(token)
		wantCode(t, err, CodeKeyRotated)
	}
	if left, err := rig.HoldersOf(rig.ctx, first); err != nil || len(left) != 1 || left[0].Name != "ann" {
		t.Errorf("still %+v, %v", left, err)
	}
	var actions []string
	entries, err := rig.Audit(rig.ctx, 100)
	must(t, err)
	for _, e := range entries {
		if strings.HasPrefix(e.Action, "key") {
			actions = append(actions, e.Action)
		}
	}
	slices.Sort(actions)
	if text := strings.Join(actions, " "); text != "keyCompromised keyRotated" {
		t.Errorf("the trail tells of %s", text)
	}
}

// TestHoldersOfAnotherServersKey does not count tokens of our own whose key is not on
// record: they must not be replaced for it.
func TestHoldersOfAnotherServersKey(t *testing.T) {
	rig := newLegacyRig(t)
	issued := rig.botToken()
	must(t, rig.change(rig.ctx, rig.bot.ID, func(tx store.Tx) error {
		c, err := readCredential(rig.ctx, tx, rig.bot.ID, prefixBot+issued.ID)
		if err != nil {
			return err
		}
		c.KeyID = "" // as the first release wrote it
		return putCredential(rig.ctx, tx, rig.bot.ID, prefixBot+issued.ID, c)
	}))
	own, _ := rig.options.Keys.Signer()
	for _, retired := range []bool{false, true} {
		if holders, err := rig.HoldersOf(rig.ctx, key.PublishedID); err != nil || len(holders) != 0 {
			t.Errorf("another server's, retired %t: %+v, %v", retired, holders, err)
		}
		if holders, err := rig.HoldersOf(rig.ctx, own); err != nil || len(holders) != 1 {
			t.Errorf("our own: %+v, %v", holders, err)
		}
		if !retired {
			_, err := rig.RetireKey(rig.ctx, entity.System(), key.PublishedID, false)
			must(t, err)
		}
	}
}

// TestKeyChangesThatFail change nothing, and the trail tells only of the keys that
// somebody tried to bring.
func TestKeyChangesThatFail(t *testing.T) {
	f := newFixture(t, ownKeys(t))
	by := entity.System()
	_, retire := f.RetireKey(f.ctx, by, "unknown", false)
	_, burn := f.RetireKey(f.ctx, by, "unknown", true)
	_, bring := f.ImportKey(f.ctx, by, key.Import{PrivateFile: "missing"})
	_, verify := f.ImportVerifyOnlyKey(f.ctx, by, key.VerifyOnlyImport{})
	for i, err := range []error{retire, burn, bring, verify} {
		if err == nil {
			t.Errorf("change %d succeeded", i)
		}
	}
	entries, err := f.Audit(f.ctx, 100)
	must(t, err)
	refused := 0
	for _, e := range entries {
		switch {
		case e.Action == "keyImportRefused" && e.By == by.Name:
			refused++
		case strings.HasPrefix(e.Action, "key"):
			t.Errorf("%+v", e)
		}
	}
	if refused != 2 || len(f.options.Keys.List()) != 1 {
		t.Errorf("%d refused imports in the trail, want 2; %d keys, want 1", refused, len(f.options.Keys.List()))
	}
}

// BenchmarkBearerSignature is L01 at its worst, a token that did not come before: the
// whole pipeline with the signature of an RSA-3072 key. BenchmarkAuthenticateParallel
// is the usual case.
func BenchmarkBearerSignature(b *testing.B) {
	f := newFixture(b)
	token := f.botToken().Token
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			v, _, err := f.verifyToken(b.Context(), token, f.clock.Now())
			if err == nil {
				_, _, err = f.check(b.Context(), v, digest(token), f.clock.Now())
			}
			if err != nil {
				b.Error(errors.Join(err, b.Context().Err()))
				return
			}
		}
	})
}
