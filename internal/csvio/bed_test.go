package csvio

import (
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/internal/registry"
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

// bed is a service over an engine on a fresh database.
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
	return &bed{T: t, e: e, s: New(e), by: entity.System()}
}

// make creates an entity from a request.
func (b *bed) make(typ, request string) {
	b.Helper()
	t, ok := b.e.Registry().ByName(typ)
	if !ok {
		b.Fatalf("there is no type %s", typ)
	}
	if _, err := b.e.Ensure(b.Context(), t, [][]byte{[]byte(request)}, false); err != nil {
		b.Fatalf("%s: %v", typ, err)
	}
}

// in imports a file and returns what became of its rows.
func (b *bed) in(kind, name string, records ...string) []string {
	b.Helper()
	result, err := b.s.Import(b.Context(), b.by, Request{Kind: kind, Name: name}, []byte(strings.Join(records, lineEnd)), false)
	if err != nil {
		b.Fatal(err)
	}
	if result.Status == "aborted" {
		b.Fatal(result.AbortReason)
	}
	rows, err := parse([]byte(result.Rows))
	if err != nil {
		b.Fatal(err)
	}
	var out []string
	for _, row := range rows[1:] {
		out = append(out, row[0]+" "+unguard(row[1]))
	}
	return out
}

// out exports what lies below an entity.
func (b *bed) out(kind, name string) string {
	b.Helper()
	var text strings.Builder
	if err := b.s.Export(b.Context(), b.by, Request{Kind: kind, Name: name}, &text); err != nil {
		b.Fatal(err)
	}
	return text.String()
}
