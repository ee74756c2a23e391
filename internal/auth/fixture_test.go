package auth

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/crypto/bcrypt"

	"github.com/catalpa-metadata/catalpa/internal/auth/key"
	"github.com/catalpa-metadata/catalpa/internal/auth/password"
	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
)

const (
	goodPassword = "Correct-Horse-7-Battery"
	nextPassword = "Other-Staple-9-Wagon"
)

// sharedKeys spares most tests the making of a key.
var sharedKeys = sync.OnceValues(func() (*key.Ring, error) {
	dir, err := os.MkdirTemp("", "auth-keys")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	ring, err := key.Open(dir, key.Options{})
	if err != nil {
		return nil, err
	}
	// The note of an endless token is written once, while there is a file.
	_, _, err = ring.EndlessSigner()
	return ring, err
})

// testClock is a clock that the test sets.
type testClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *testClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *testClock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// testUsers keeps users in memory.
type testUsers struct {
	mu    sync.Mutex
	byID  map[entity.ID]User
	reads int
}

func (u *testUsers) find(match func(User) bool) (User, error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.reads++
	for _, user := range u.byID {
		if match(user) {
			return user, nil
		}
	}
	return User{}, entity.NotFound("user", "?")
}

func (u *testUsers) ByID(_ context.Context, id entity.ID) (User, error) {
	return u.find(func(user User) bool { return user.ID == id })
}

func (u *testUsers) ByName(_ context.Context, name string) (User, error) {
	return u.find(func(user User) bool { return user.Name == name })
}

func (u *testUsers) ByEmail(_ context.Context, email string) (User, error) {
	return u.find(func(user User) bool { return strings.EqualFold(user.Email, email) })
}

// fixture is a service with a database, two people and a bot.
type fixture struct {
	*Service
	t       testing.TB
	ctx     context.Context
	db      store.Store
	dir     string
	clock   *testClock
	users   *testUsers
	logs    *lockedBuffer
	admin   User
	ann     User
	bot     User
	options Options
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func newFixture(t testing.TB, adjust ...func(*Options)) *fixture {
	t.Helper()
	ctx := t.Context()
	dir := t.TempDir()
	db, err := sqlite.Open(ctx, filepath.Join(dir, "catalpa.db"), sqlite.Options{})
	must(t, err)
	t.Cleanup(func() { _ = db.Close() })
	ring, err := sharedKeys()
	must(t, err)
	sealer, _, err := secret.OpenDir(dir)
	must(t, err)
	hasher, err := password.NewHasher(bcrypt.MinCost)
	must(t, err)
	f := &fixture{
		t: t, ctx: ctx, db: db, dir: dir, logs: new(lockedBuffer),
		clock: &testClock{now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)},
		admin: User{ID: entity.NewID(), Name: "admin", Email: "admin@example.org", IsAdmin: true},
		ann:   User{ID: entity.NewID(), Name: "ann", Email: "ann@example.org"},
		bot:   User{ID: entity.NewID(), Name: "ingestion-bot", Email: "ingestion-bot@example.org", IsBot: true, Bot: entity.NewID()},
	}
	f.users = &testUsers{byID: map[entity.ID]User{f.admin.ID: f.admin, f.ann.ID: f.ann, f.bot.ID: f.bot}}
	f.options = Options{
		Store: db, Users: f.users, Keys: ring, Sealer: sealer, DataDir: dir, Hasher: hasher, Clock: f.clock.Now,
		Log: slog.New(slog.NewTextHandler(f.logs, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	for _, a := range adjust {
		a(&f.options)
	}
	f.Service, err = New(ctx, f.options)
	must(t, err)
	t.Cleanup(func() { _ = f.Close(context.WithoutCancel(ctx)) })
	must(t, f.SetPassword(ctx, entity.System(), f.ann.ID, goodPassword, false))
	return f
}

// ownKeys gives a fixture keys that the test may change.
func ownKeys(t testing.TB) func(*Options) {
	return func(o *Options) {
		ring, err := key.Open(filepath.Join(t.TempDir(), "keys"), key.Options{Clock: o.Clock})
		must(t, err)
		o.Keys = ring
	}
}

// setUser changes a user the way the engine does: with a commit that names it.
func (f *fixture) setUser(user User, touched entity.ID) {
	f.t.Helper()
	f.users.mu.Lock()
	f.users.byID[user.ID] = user
	f.users.mu.Unlock()
	f.touch(touched)
}

// touch commits a change of an entity with the id.
func (f *fixture) touch(id entity.ID) {
	f.t.Helper()
	must(f.t, f.db.Update(f.ctx, func(tx store.Tx) error {
		row := store.Row{ID: id, Type: "user", Name: id.String(), FQN: id.String(), Doc: []byte(`{}`)}
		err := tx.Replace(f.ctx, row)
		if isNotFound(err) {
			return tx.Insert(f.ctx, row)
		}
		return err
	}))
}

func (f *fixture) removeUser(user User) {
	f.t.Helper()
	f.touch(user.ID)
	f.users.mu.Lock()
	delete(f.users.byID, user.ID)
	f.users.mu.Unlock()
	must(f.t, f.db.Update(f.ctx, func(tx store.Tx) error { return tx.Delete(f.ctx, []entity.ID{user.ID}) }))
}

func (f *fixture) login(name, plain, address string) (Tokens, error) {
	return f.Login(f.ctx, LoginRequest{Name: name, Password: base64.StdEncoding.EncodeToString([]byte(plain)), Address: address})
}

func (f *fixture) mustLogin() Tokens {
	f.t.Helper()
	tokens, err := f.login("ann", goodPassword, "192.0.2.1")
	must(f.t, err)
	return tokens
}

func (f *fixture) botToken() IssuedToken {
	f.t.Helper()
	issued, err := f.AddBotToken(f.ctx, entity.System(), f.bot.ID, ExpireOneHour)
	must(f.t, err)
	return issued
}

func (f *fixture) use(token string) (entity.Principal, error) {
	return f.Authenticate(f.ctx, "Bearer "+token)
}

// forge makes a token from any header and payload text, signed with our own key.
func (f *fixture) forge(header, payload string) string {
	f.t.Helper()
	_, private := f.options.Keys.Signer()
	return signWith(f.t, jwt.SigningMethodRS256, private, header, payload)
}

func signWith(t testing.TB, method jwt.SigningMethod, with any, header, payload string) string {
	t.Helper()
	signed := base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + base64.RawURLEncoding.EncodeToString([]byte(payload))
	signature, err := method.Sign(signed, with)
	must(t, err)
	return signed + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// header is the one of our own tokens.
func (f *fixture) header() string {
	id, _ := f.options.Keys.Signer()
	return `{"alg":"RS256","typ":"JWT","kid":"` + id + `"}`
}

// payload takes the claims of a token and changes some; a nil value removes one.
func (f *fixture) payload(token string, changes map[string]any) string {
	f.t.Helper()
	members := map[string]any{}
	data, err := base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1])
	must(f.t, err)
	must(f.t, json.Unmarshal(data, &members))
	for name, value := range changes {
		if value == nil {
			delete(members, name)
			continue
		}
		members[name] = value
	}
	data, err = json.Marshal(members)
	must(f.t, err)
	return string(data)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	var e *entity.Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("got %v, want code %s", err, code)
	}
	if e.Message == "" || e.Hint == "" {
		t.Errorf("%s: message %q, hint %q: both must speak", code, e.Message, e.Hint)
	}
}

// memoryTrail is a store that takes records and nothing else.
type memoryTrail struct {
	store.Store
	store.Tx
	records []store.Record
}

func (m *memoryTrail) Update(_ context.Context, fn func(store.Tx) error) error { return fn(m) }

func (m *memoryTrail) PutRecord(_ context.Context, records ...store.Record) error {
	m.records = append(m.records, records...)
	return nil
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
