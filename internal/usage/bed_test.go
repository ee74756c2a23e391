package usage

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

// bed is a service over an engine on a fresh database, at a time that tests set.
type bed struct {
	*testing.T
	e   *engine.Engine
	s   *Service
	by  entity.Principal
	now time.Time
}

// noon of the first day of a test.
func noon() time.Time { return time.Date(2026, 3, 31, 12, 0, 0, 0, time.UTC) }

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
	b := &bed{T: t, e: e, by: entity.System(), now: noon()}
	b.s = New(e, func() time.Time { return b.now })
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

// ago is the day some days before the first.
func ago(days int) string { return noon().AddDate(0, 0, -days).Format(dateFormat) }

// used reports a count.
func (b *bed) used(table entity.ID, date string, count int64, add bool) {
	b.Helper()
	if _, err := b.s.Record(b.Context(), b.by, "table", engine.ByID(table), Report{Date: date, Count: count}, add); err != nil {
		b.Fatal(err)
	}
}

// usage returns the usage of a table on the days up to one.
func (b *bed) usage(fqn, date string, days int) []Details {
	b.Helper()
	got, err := b.s.Usage(b.Context(), b.by, "table", engine.ByFQN(fqn), date, days, "")
	if err != nil {
		b.Fatal(err)
	}
	return got.Usage
}

// shown returns what reads of an entity show as one of its members.
func (b *bed) shown(typ, fqn, member string, into any) {
	b.Helper()
	t, _ := b.e.Registry().ByName(typ)
	fields, err := b.e.ParseFields(t, member)
	if err != nil {
		b.Fatal(err)
	}
	ent, err := b.e.Get(b.Context(), b.by, t, engine.ByFQN(fqn), engine.View{Fields: fields})
	if err != nil {
		b.Fatal(err)
	}
	if raw := ent.Rest[member]; raw != nil {
		if err := json.Unmarshal(raw, into); err != nil {
			b.Fatal(err)
		}
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
