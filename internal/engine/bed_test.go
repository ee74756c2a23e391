package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/seed"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
	"github.com/catalpa-metadata/catalpa/schema"
)

// types is the registry, which takes a moment to build and does not change.
var types = sync.OnceValues(func() (*registry.Registry, error) {
	set, err := jsonschema.Load(schema.Files)
	if err != nil {
		return nil, err
	}
	return registry.New(set)
})

// bed is an engine on a fresh database with the seed data, and some callers.
type bed struct {
	t      *testing.T
	e      *engine.Engine
	store  store.Store
	path   string // of the database
	sealer *secret.Sealer

	admin, bot, plain entity.Principal
}

// seeded is a database file with the seed data, made once for all tests.
var seeded = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "engine-seed")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	path := filepath.Join(dir, "seed.db")
	st, err := sqlite.Open(context.Background(), path, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	reg, err := types()
	if err != nil {
		return nil, err
	}
	e, err := engine.New(engine.Options{Store: st, Schemas: reg.Schemas(), Registry: reg, Sealer: noSealer{}, IsSealed: secret.IsSealed})
	if err != nil {
		return nil, err
	}
	if _, err := seed.Load(context.Background(), seedWriter{e: e}); err != nil {
		return nil, err
	}
	w := seedWriter{e: e}
	for _, user := range []string{
		`{"name":"root","email":"root@example.com","isAdmin":true}`,
		`{"name":"plain","email":"plain@example.com"}`,
	} {
		if _, err := w.EnsureAll(context.Background(), "user", [][]byte{[]byte(user)}); err != nil {
			return nil, err
		}
	}
	if err := st.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})

// noSealer stands in while there is nothing to seal.
type noSealer struct{}

func (noSealer) Seal(plain, _ string) (string, error)  { return plain, nil }
func (noSealer) Open(sealed, _ string) (string, error) { return sealed, nil }

func newBed(t *testing.T) *bed {
	t.Helper()
	db, err := seeded()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "catalpa.db")
	if err := os.WriteFile(path, db, 0o600); err != nil {
		t.Fatal(err)
	}
	st, err := sqlite.Open(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	sealer, _, err := secret.OpenDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{t: t, store: st, path: path, sealer: sealer}
	b.e = b.fresh()
	b.admin, b.bot, b.plain = b.caller("root"), b.caller("ingestion-bot"), b.caller("plain")
	return b
}

// fresh returns another engine on the same store, with empty caches.
func (b *bed) fresh() *engine.Engine {
	b.t.Helper()
	reg, err := types()
	if err != nil {
		b.t.Fatal(err)
	}
	clock := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var mu sync.Mutex
	e, err := engine.New(engine.Options{
		Store: b.store, Schemas: reg.Schemas(), Registry: reg, Sealer: b.sealer, IsSealed: secret.IsSealed,
		Clock: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			clock = clock.Add(time.Millisecond)
			return clock
		},
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return e
}

// caller returns the principal of a user.
func (b *bed) caller(name string) entity.Principal {
	b.t.Helper()
	var p entity.Principal
	err := b.store.View(b.t.Context(), func(r store.Reader) error {
		row, err := r.EntityByFQN(b.t.Context(), store.Key{Type: "user", FQN: name})
		if err != nil {
			return err
		}
		ent, err := engine.Decode(row)
		if err != nil {
			return err
		}
		p = entity.Principal{
			UserID: row.ID, Name: row.Name, TokenType: "OM_USER",
			IsAdmin: string(ent.Rest["isAdmin"]) == "true", IsBot: string(ent.Rest["isBot"]) == "true",
		}
		return nil
	})
	if err != nil {
		b.t.Fatalf("caller %s: %v", name, err)
	}
	return p
}

func (b *bed) typ(name string) *registry.Type {
	b.t.Helper()
	t, ok := b.e.Registry().ByName(name)
	if !ok {
		b.t.Fatalf("there is no type %s", name)
	}
	return t
}

// create makes an entity as the administrator; it must work.
func (b *bed) create(typ, body string) *entity.Entity {
	b.t.Helper()
	got, err := b.e.Create(b.t.Context(), b.admin, b.typ(typ), []byte(body), engine.View{})
	if err != nil {
		b.t.Fatalf("creating %s %s: %v", typ, body, err)
	}
	return got.Entity
}

func (b *bed) put(by entity.Principal, typ, body string) (engine.Result, error) {
	return b.e.Put(b.t.Context(), by, b.typ(typ), []byte(body), engine.View{})
}

func (b *bed) mustPut(by entity.Principal, typ, body string) engine.Result {
	b.t.Helper()
	got, err := b.put(by, typ, body)
	if err != nil {
		b.t.Fatalf("PUT %s %s: %v", typ, body, err)
	}
	return got
}

func (b *bed) patch(by entity.Principal, typ string, id entity.ID, patch string) (engine.Result, error) {
	return b.e.Patch(b.t.Context(), by, b.typ(typ), engine.ByID(id), []byte(patch), 0, engine.View{})
}

func (b *bed) mustPatch(by entity.Principal, typ string, id entity.ID, patch string) engine.Result {
	b.t.Helper()
	got, err := b.patch(by, typ, id, patch)
	if err != nil {
		b.t.Fatalf("PATCH %s %s: %v", typ, patch, err)
	}
	return got
}

// get reads an entity with the fields.
func (b *bed) get(by entity.Principal, typ, fqn, fields string) *entity.Entity {
	b.t.Helper()
	t := b.typ(typ)
	f, err := b.e.ParseFields(t, fields)
	if err != nil {
		b.t.Fatal(err)
	}
	ent, err := b.e.Get(b.t.Context(), by, t, engine.ByFQN(fqn), engine.View{Fields: f})
	if err != nil {
		b.t.Fatalf("reading %s %s: %v", typ, fqn, err)
	}
	return ent
}

// wantKind checks that a call was refused in the right way.
func wantKind(t *testing.T, err error, kind entity.Kind, part string) {
	t.Helper()
	if err == nil || entity.KindOf(err) != kind || !strings.Contains(err.Error(), part) {
		t.Errorf("got error %v, want one of kind %d that tells of %q", err, kind, part)
	}
}

// asJSON returns the entity as clients see it.
func asJSON(t *testing.T, ent *entity.Entity) string {
	t.Helper()
	raw, err := engine.Encode(ent)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// tableBed is a bed with a schema svc.db.sales to put tables into.
func tableBed(t *testing.T) *bed {
	t.Helper()
	b := newBed(t)
	b.create("databaseService", `{"name":"svc","serviceType":"Postgres"}`)
	b.create("database", `{"name":"db","service":"svc"}`)
	b.create("databaseSchema", `{"name":"sales","database":"svc.db"}`)
	return b
}

// seedWriter brings the seed data in.
type seedWriter struct{ e *engine.Engine }

func (w seedWriter) ensure(ctx context.Context, typ string, bodies [][]byte, whole bool) (int, error) {
	t, ok := w.e.Registry().ByName(typ)
	if !ok {
		return 0, entity.BadRequest("no type %s", typ)
	}
	return w.e.Ensure(ctx, t, bodies, whole)
}

func (w seedWriter) EnsureAll(ctx context.Context, typ string, requests [][]byte) (int, error) {
	return w.ensure(ctx, typ, requests, false)
}

func (w seedWriter) EnsureDocuments(ctx context.Context, typ string, documents [][]byte) (int, error) {
	return w.ensure(ctx, typ, documents, true)
}

func (w seedWriter) EnsureSettings(context.Context, []seed.Setting) (int, error) { return 0, nil }
func (w seedWriter) EnsureLineage(context.Context, [][]byte) (int, error)        { return 0, nil }

func (w seedWriter) Lookup(ctx context.Context, typ string, fqns []string) (map[string]string, error) {
	out := map[string]string{}
	err := w.e.Store().View(ctx, func(r store.Reader) error {
		for _, fqn := range fqns {
			row, err := r.EntityByFQN(ctx, store.Key{Type: typ, FQN: entity.CanonicalFQN(fqn)})
			if err != nil {
				return err
			}
			out[fqn] = row.ID.String()
		}
		return nil
	})
	return out, err
}

func unmarshal(t *testing.T, raw jsontext.Value, v any) {
	t.Helper()
	if err := json.Unmarshal(raw, v); err != nil {
		t.Fatalf("%v: %s", err, raw)
	}
}
