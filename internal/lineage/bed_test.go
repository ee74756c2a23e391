package lineage

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/internal/registry"
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

type noSealer struct{}

func (noSealer) Seal(plain, _ string) (string, error)  { return plain, nil }
func (noSealer) Open(sealed, _ string) (string, error) { return sealed, nil }

// bed is a service over an engine on a fresh database. Its clock moves a
// millisecond each time it is read.
type bed struct {
	*testing.T
	e  *engine.Engine
	s  *Service
	by entity.Principal
}

func newBed(t *testing.T) *bed {
	t.Helper()
	reg, err := types()
	if err != nil {
		t.Fatal(err)
	}
	st, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "catalpa.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	e, err := engine.New(engine.Options{Store: st, Schemas: reg.Schemas(), Registry: reg, Sealer: noSealer{}, IsSealed: func(string) bool { return false }})
	if err != nil {
		t.Fatal(err)
	}
	b := &bed{T: t, e: e, s: New(e), by: entity.System()}
	var mu sync.Mutex
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	b.s.clock = func() time.Time {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(time.Millisecond)
		return now
	}
	return b
}

// make creates entities from requests and returns the id of the one with the name.
func (b *bed) make(typ, fqn, request string) entity.ID {
	b.Helper()
	t, ok := b.e.Registry().ByName(typ)
	if !ok {
		b.Fatalf("there is no type %s", typ)
	}
	if _, err := b.e.Ensure(b.Context(), t, [][]byte{[]byte(request)}, false); err != nil {
		b.Fatalf("%s %s: %v", typ, fqn, err)
	}
	var id entity.ID
	err := b.e.Store().View(b.Context(), func(r store.Reader) error {
		row, err := r.EntityByFQN(b.Context(), store.Key{Type: typ, FQN: fqn})
		id = row.ID
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return id
}

// schema makes the schema shop.db.s.
func (b *bed) schema() {
	b.Helper()
	b.make("databaseService", "shop", `{"name":"shop","serviceType":"Mysql"}`)
	b.make("database", "shop.db", `{"name":"db","service":"shop"}`)
	b.make("databaseSchema", "shop.db.s", `{"name":"s","database":"shop.db"}`)
}

// table makes a table in the schema; columns are JSON objects.
func (b *bed) table(name string, columns ...string) entity.ID {
	b.Helper()
	if len(columns) == 0 {
		columns = []string{`{"name":"id","dataType":"INT"}`}
	}
	return b.make("table", "shop.db.s."+name, `{"name":"`+name+`","databaseSchema":"shop.db.s","columns":[`+strings.Join(columns, ",")+`]}`)
}

func byID(typ string, id entity.ID) End { return End{Type: typ, Selector: engine.ByID(id)} }

func tableEnd(id entity.ID) End { return byID("table", id) }

// putEdge puts an edge between two entities.
func (b *bed) putEdge(from, to entity.Ref, details map[string]any) error {
	b.Helper()
	edge := map[string]any{"fromEntity": from, "toEntity": to}
	if details != nil {
		edge["lineageDetails"] = details
	}
	body, err := json.Marshal(map[string]any{"edge": edge})
	if err != nil {
		b.Fatal(err)
	}
	return b.s.Put(b.Context(), b.by, body)
}

// link puts an edge between two tables.
func (b *bed) link(from, to entity.ID, details map[string]any) {
	b.Helper()
	if err := b.putTables(from, to, details); err != nil {
		b.Fatal(err)
	}
}

func (b *bed) putTables(from, to entity.ID, details map[string]any) error {
	b.Helper()
	return b.putEdge(entity.Ref{ID: from, Type: "table"}, entity.Ref{ID: to, Type: "table"}, details)
}

func (b *bed) edge(from, to entity.ID) Details {
	b.Helper()
	d, err := b.s.Edge(b.Context(), b.by, from, to)
	if err != nil {
		b.Fatal(err)
	}
	return d
}

func (b *bed) delete(typ string, id entity.ID, hard bool) {
	b.Helper()
	t, _ := b.e.Registry().ByName(typ)
	if _, err := b.e.Delete(b.Context(), b.by, t, engine.ByID(id), engine.DeleteOptions{Hard: hard, Recursive: true}, engine.View{}); err != nil {
		b.Fatal(err)
	}
}

func wantError(t *testing.T, err error, kind entity.Kind, message string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that says %q", message)
	}
	if entity.KindOf(err) != kind || !strings.Contains(engine.Public(err), message) {
		t.Errorf("the error is %v (kind %v), want kind %v and %q", err, entity.KindOf(err), kind, message)
	}
}
