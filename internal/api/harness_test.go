package api

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/crypto/bcrypt"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/key"
	"github.com/catalpa-metadata/catalpa/internal/auth/password"
	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/doctor"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/internal/notify"
	"github.com/catalpa-metadata/catalpa/internal/outbound"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/search/enginetest"
	"github.com/catalpa-metadata/catalpa/internal/seed"
	"github.com/catalpa-metadata/catalpa/internal/signon"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
	"github.com/catalpa-metadata/catalpa/schema"
)

// shared are the parts that tests need not make anew: they do not change.
type shared struct {
	schemas *jsonschema.Set
	types   *registry.Registry
	keys    *key.Ring
	seeded  string // a database that holds the seed data
}

var sharedParts = sync.OnceValues(func() (*shared, error) {
	dir, err := os.MkdirTemp("", "api-test")
	if err != nil {
		return nil, err
	}
	s := &shared{seeded: filepath.Join(dir, "catalpa.db")}
	if s.schemas, err = jsonschema.Load(schema.Files); err != nil {
		return nil, err
	}
	if s.types, err = registry.New(s.schemas); err != nil {
		return nil, err
	}
	if s.keys, err = key.Open(filepath.Join(dir, "keys"), key.Options{}); err != nil {
		return nil, err
	}
	db, err := sqlite.Open(context.Background(), s.seeded, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	e, err := engine.New(engine.Options{Store: db, Schemas: s.schemas, Registry: s.types, Sealer: plainSealer{}, IsSealed: secret.IsSealed})
	if err != nil {
		return nil, err
	}
	if _, err := seed.Load(context.Background(), testSeed{e}); err != nil {
		return nil, err
	}
	return s, db.Close()
})

// TestMain removes what the tests share.
func TestMain(m *testing.M) {
	code := m.Run()
	enginetest.End()
	if s, err := sharedParts(); err == nil {
		_ = os.RemoveAll(filepath.Dir(s.seeded))
	}
	os.Exit(code)
}

// plainSealer stands in where nothing is sealed.
type plainSealer struct{}

func (plainSealer) Seal(plain, _ string) (string, error)  { return plain, nil }
func (plainSealer) Open(sealed, _ string) (string, error) { return sealed, nil }

// testSeed brings seed data into a test's catalog; it needs neither settings nor
// lineage.
type testSeed struct{ engine *engine.Engine }

func (w testSeed) EnsureAll(ctx context.Context, typ string, requests [][]byte) (int, error) {
	t, _ := w.engine.Registry().ByName(typ)
	return w.engine.Ensure(ctx, t, requests, false)
}

func (w testSeed) EnsureDocuments(ctx context.Context, typ string, documents [][]byte) (int, error) {
	t, _ := w.engine.Registry().ByName(typ)
	return w.engine.Ensure(ctx, t, documents, true)
}

func (testSeed) EnsureSettings(context.Context, []seed.Setting) (int, error) { return 0, nil }

func (testSeed) EnsureLineage(context.Context, [][]byte) (int, error) { return 0, nil }

func (w testSeed) Lookup(ctx context.Context, typ string, fqns []string) (map[string]string, error) {
	out := map[string]string{}
	err := w.engine.Store().View(ctx, func(r store.Reader) error {
		for _, fqn := range fqns {
			row, err := r.EntityByFQN(ctx, store.Key{Type: typ, FQN: fqn})
			if err != nil {
				return err
			}
			out[fqn] = row.ID.String()
		}
		return nil
	})
	return out, err
}

// testUsers finds users among the entities.
type testUsers struct{ store store.Store }

func (u testUsers) find(ctx context.Context, read func(store.Reader) (store.Row, error)) (auth.User, error) {
	var user auth.User
	err := u.store.View(ctx, func(r store.Reader) error {
		row, err := read(r)
		if err != nil {
			return err
		}
		var doc struct {
			Email   string `json:"email"`
			IsAdmin bool   `json:"isAdmin"`
			IsBot   bool   `json:"isBot"`
			Acting  bool   `json:"allowImpersonation"`
		}
		if err := json.Unmarshal(row.Doc, &doc); err != nil {
			return err
		}
		user = auth.User{ID: row.ID, Name: row.Name, Email: doc.Email, IsAdmin: doc.IsAdmin, IsBot: doc.IsBot, Deleted: row.Deleted, AllowImpersonation: doc.Acting}
		bots, err := r.RelationsFrom(ctx, []entity.ID{row.ID}, "botUser")
		if err == nil && len(bots) > 0 {
			user.Bot = bots[0].To
		}
		return err
	})
	return user, err
}

func (u testUsers) ByID(ctx context.Context, id entity.ID) (auth.User, error) {
	return u.find(ctx, func(r store.Reader) (store.Row, error) { return r.Entity(ctx, id) })
}

func (u testUsers) ByName(ctx context.Context, name string) (auth.User, error) {
	return u.find(ctx, func(r store.Reader) (store.Row, error) {
		return r.EntityByFQN(ctx, store.Key{Type: "user", FQN: name})
	})
}

func (u testUsers) ByEmail(ctx context.Context, email string) (auth.User, error) {
	return u.find(ctx, func(r store.Reader) (store.Row, error) {
		rows, err := r.List(ctx, store.ListQuery{Type: "user", Members: map[string]string{"email": email}, Limit: 1})
		if err == nil && len(rows) == 0 {
			err = entity.NotFound("user", email)
		}
		if err != nil {
			return store.Row{}, err
		}
		return rows[0], nil
	})
}

// idleIndexer stands in for the indexer where tests do not search.
type idleIndexer struct{}

func (idleIndexer) Trouble() error                         { return nil }
func (idleIndexer) Behind(context.Context) (uint64, error) { return 0, nil }

func (idleIndexer) CatchUp(context.Context, time.Duration) (bool, error) { return false, nil }
func (idleIndexer) Rebuild(context.Context, func(done, total int)) error { return nil }
func (idleIndexer) Rebuilding() search.Progress                          { return search.Progress{} }
func (idleIndexer) Failures() []search.Failure                           { return nil }
func (idleIndexer) Reindex(context.Context, []entity.ID) error           { return nil }
func (idleIndexer) StartCheck(bool) error                                { return nil }
func (idleIndexer) Checked() search.Check                                { return search.Check{} }
func (idleIndexer) Drop(context.Context, string) error                   { return nil }

// harness is a server behind httptest with the seed data, and callers.
type harness struct {
	t      testing.TB
	api    *API
	url    string
	file   string // the database
	engine *engine.Engine
	store  store.Store
	admin  caller
	nobody caller        // may do what everybody may
	ahead  *atomic.Int64 // of the clock that signing in goes by, in nanoseconds
	watch  *atomic.Pointer[answerWatch]
	mails  *mailbox // what alerts have mailed

	options Options // of the API
}

// answerWatch is shown an answer and what was asked.
type answerWatch func(r *http.Request, header http.Header, body []byte)

// watched shows every answer to h.watch, if that is set.
func (h *harness) watched(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		watch := h.watch.Load()
		if watch == nil {
			next.ServeHTTP(w, r)
			return
		}
		seen := httptest.NewRecorder()
		next.ServeHTTP(seen, r)
		(*watch)(r, seen.Header(), seen.Body.Bytes())
		maps.Copy(w.Header(), seen.Header())
		w.WriteHeader(seen.Code)
		_, _ = w.Write(seen.Body.Bytes())
	})
}

// pass lets time go by for what signing in goes by.
func (h *harness) pass(d time.Duration) { h.ahead.Add(int64(d)) }

// caller is somebody with a token.
type caller struct {
	id    entity.ID
	name  string
	token string
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func newHarness(t testing.TB) *harness {
	t.Helper()
	return newHarnessWith(t, slog.DiscardHandler)
}

// newHarnessWith also says where the log goes.
func newHarnessWith(t testing.TB, logs slog.Handler) *harness {
	t.Helper()
	s, err := sharedParts()
	check(t, err)
	dir := t.TempDir()
	path := filepath.Join(dir, "catalpa.db")
	raw, err := os.ReadFile(s.seeded)
	check(t, err)
	check(t, os.WriteFile(path, raw, 0o600))
	ctx := t.Context()
	db, err := sqlite.Open(ctx, path, sqlite.Options{})
	check(t, err)
	t.Cleanup(func() { _ = db.Close() })
	sealer, _, err := secret.OpenDir(dir)
	check(t, err)
	log := slog.New(logs)
	e, err := engine.New(engine.Options{Store: db, Schemas: s.schemas, Registry: s.types, Sealer: sealer, IsSealed: secret.IsSealed, Log: log})
	check(t, err)
	hasher, err := password.NewHasher(bcrypt.MinCost)
	check(t, err)
	ahead := new(atomic.Int64)
	clock := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	var security *signon.Manager
	service, err := auth.New(ctx, auth.Options{
		Store: db, Users: testUsers{db}, Keys: s.keys, Sealer: sealer, DataDir: dir, Hasher: hasher, Log: log, Issuer: "catalpa.example.org", Route: RouteOf, Address: AddressOf, Headers: HeadersOf, Clock: clock,
		TestSignOn: func(ctx context.Context, doc []byte) (*auth.SignOn, error) { return security.TestSignOn(ctx, doc) },
	})
	check(t, err)
	t.Cleanup(func() { _ = service.Close(context.Background()) })
	index, err := enginetest.Open(ctx, dir)
	check(t, err)
	t.Cleanup(func() { _ = index.Close() })
	security, err = signon.Open(ctx, signon.Options{
		Store: db, Sealer: sealer, Auth: service, Users: testUsers{db}, Log: log, Clock: clock,
		Load: func(saved []byte) (*config.Config, config.Findings, error) {
			return config.Load(config.Options{Saved: saved, LookupEnv: func(string) (string, bool) { return "", false }})
		},
	})
	check(t, err)
	t.Cleanup(security.Close)
	mails := &mailbox{changed: make(chan struct{}, 1)}
	alerts := notify.New(notify.Options{
		Mailer: mails, Engine: e, Client: outbound.New(outbound.Options{Development: true, NoRedirects: true}), Base: "http://catalog.example.org/api", Pause: time.Millisecond, Log: log,
	})
	limits := DefaultLimits()
	limits.SearchDelay = max(limits.SearchDelay, enginetest.Patience)
	options := Options{
		Alerts: alerts, Security: security, Checkup: func(ctx context.Context, areas ...string) doctor.Report {
			return doctor.Examine(ctx, doctor.Patient{Config: security.Config(), Findings: security.Findings(), Settings: security, Keys: s.keys}, areas...)
		},
		Engine: e, Auth: service, Index: index, Indexer: idleIndexer{}, Limits: limits, Version: "test", Wire: "1.12.14",
		Settings: Settings{ClusterName: "test", Provider: "basic", AccessLifetime: time.Hour}, Log: log, Clock: clock, Defaults: seed.DefaultSetting,
	}
	a := New(options)
	t.Cleanup(func() { _ = a.Close(context.Background()) })
	h := &harness{t: t, api: a, file: path, engine: e, store: db, ahead: ahead, watch: new(atomic.Pointer[answerWatch]), mails: mails, options: options}
	server := httptest.NewServer(h.watched(a))
	t.Cleanup(server.Close)
	h.url = server.URL
	h.admin = h.user(service, "admin", true)
	h.nobody = h.user(service, "somebody", false)
	return h
}

// user makes sure that there is a user and signs in as that user.
func (h *harness) user(service *auth.Service, name string, admin bool) caller {
	h.t.Helper()
	ctx := h.t.Context()
	t, _ := h.engine.Registry().ByName("user")
	body := fmt.Appendf(nil, `{"name":%q,"email":"%s@example.org","isAdmin":%t}`, name, name, admin)
	_, err := h.engine.Ensure(ctx, t, [][]byte{body}, false)
	check(h.t, err)
	user, err := testUsers{h.store}.ByName(ctx, name)
	check(h.t, err)
	p := entity.Principal{UserID: user.ID, Name: user.Name, IsAdmin: user.IsAdmin, TokenType: auth.TypeUser}
	token, err := service.CreatePersonalToken(ctx, p, "test", auth.ExpireOneHour)
	check(h.t, err)
	return caller{id: user.ID, name: name, token: token.Token}
}

// answer is what a call got.
type answer struct {
	t      testing.TB
	what   string
	status int
	header http.Header
	body   []byte
}

// as sends a request for a caller. body is nil, text, or a value to encode.
func (h *harness) as(who caller, method, path string, body any) answer {
	h.t.Helper()
	var reader io.Reader
	media := "application/json"
	switch b := body.(type) {
	case nil:
	case string:
		reader = bytes.NewReader([]byte(b))
	default:
		raw, err := json.Marshal(b)
		check(h.t, err)
		reader = bytes.NewReader(raw)
	}
	if method == http.MethodPatch {
		media = "application/json-patch+json"
	}
	req, err := http.NewRequestWithContext(h.t.Context(), method, h.url+"/api/v1"+path, reader)
	check(h.t, err)
	req.Header.Set("Authorization", "Bearer "+who.token)
	if body != nil {
		req.Header.Set("Content-Type", media)
	}
	resp, err := http.DefaultClient.Do(req)
	check(h.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	check(h.t, err)
	return answer{t: h.t, what: method + " " + path, status: resp.StatusCode, header: resp.Header, body: raw}
}

// do sends a request as the administrator and wants one of the statuses.
func (h *harness) do(method, path string, body any, want ...int) answer {
	h.t.Helper()
	return h.as(h.admin, method, path, body).want(want...)
}

// want fails the test unless the status is one of these.
func (a answer) want(statuses ...int) answer {
	a.t.Helper()
	for _, status := range statuses {
		if a.status == status {
			return a
		}
	}
	a.t.Fatalf("%s answered %d, want %v: %s", a.what, a.status, statuses, a.body)
	return a
}

// into decodes the answer.
func (a answer) into(v any) {
	a.t.Helper()
	if err := json.Unmarshal(a.body, v); err != nil {
		a.t.Fatalf("%s: %v in %s", a.what, err, a.body)
	}
}

// member returns a member of the answer, by the names on the way to it.
func (a answer) member(path ...string) jsontext.Value {
	a.t.Helper()
	raw := jsontext.Value(a.body)
	for _, name := range path {
		var members map[string]jsontext.Value
		if err := json.Unmarshal(raw, &members); err != nil {
			a.t.Fatalf("%s: %v in %s", a.what, err, a.body)
		}
		raw = members[name]
	}
	return raw
}

// id returns the id of the entity that was answered.
func (a answer) id() string {
	a.t.Helper()
	var ent struct {
		ID string `json:"id"`
	}
	a.into(&ent)
	return ent.ID
}

// schema makes a database service, a database and a schema, and returns the FQN
// of the schema.
func (h *harness) schema() string {
	h.t.Helper()
	h.do("PUT", "/services/databaseServices", map[string]any{"name": "shop", "serviceType": "Mysql"}, 200, 201)
	h.do("PUT", "/databases", map[string]any{"name": "db", "service": "shop"}, 200, 201)
	h.do("PUT", "/databaseSchemas", map[string]any{"name": "public", "database": "shop.db"}, 200, 201)
	return "shop.db.public"
}

// table makes a table with columns of type INT and returns its id.
func (h *harness) table(schema, name string, columns ...string) string {
	h.t.Helper()
	list := make([]map[string]any, len(columns))
	for i, column := range columns {
		list[i] = map[string]any{"name": column, "dataType": "INT"}
	}
	return h.do("PUT", "/tables", map[string]any{"name": name, "databaseSchema": schema, "columns": list}, 200, 201).id()
}
