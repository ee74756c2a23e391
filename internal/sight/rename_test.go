package sight_test

import (
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// TestRenameReachesTheIndex renames a classification and a domain: what carries
// the tag, and what is in the domain, is found under the new names alone.
func TestRenameReachesTheIndex(t *testing.T) {
	b := newBed(t, 1)
	b.add("classification", `{"name":"Secrecy","description":"-"}`)
	b.add("tag", `{"name":"High","classification":"Secrecy","description":"-"}`)
	b.add("domain", `{"name":"Retail","domainType":"Aggregate","description":"-"}`)
	b.add("domain", `{"name":"Shops","parent":"Retail","domainType":"Aggregate","description":"-"}`)
	b.add("databaseService", `{"name":"svc","serviceType":"Postgres"}`)
	b.add("database", `{"name":"db","service":"svc"}`)
	b.add("databaseSchema", `{"name":"sales","database":"svc.db"}`)
	const label = `"tags":[{"tagFQN":"Secrecy.High","source":"Classification","labelType":"Manual","state":"Confirmed"}]`
	b.add("table",
		`{"name":"tagged","databaseSchema":"svc.db.sales","columns":[{"name":"id","dataType":"INT"}],`+label+`}`,
		`{"name":"column","databaseSchema":"svc.db.sales","columns":[{"name":"id","dataType":"INT",`+label+`}]}`,
		`{"name":"placed","databaseSchema":"svc.db.sales","columns":[{"name":"id","dataType":"INT"}],"domains":["Retail.Shops"]}`)
	count := func(field, value string) int {
		t.Helper()
		b.caughtUp()
		found, err := b.index.Search(t.Context(), search.Request{
			Indexes: []string{"table_search_index"}, Filter: search.Term{Field: field, Value: value}, NoSource: true,
		})
		b.must(err)
		return found.Total
	}
	rename := func(typ, fqn, name string) {
		t.Helper()
		admin := entity.System()
		_, err := b.e.Patch(t.Context(), admin, b.typ(typ), engine.ByFQN(fqn), []byte(`[{"op":"replace","path":"/name","value":"`+name+`"}]`), 0, engine.View{})
		b.must(err)
	}
	want := func(field, value string, n int) {
		t.Helper()
		if got := count(field, value); got != n {
			t.Errorf("%s %q finds %d tables, want %d", field, value, got, n)
		}
	}
	want("tags.tagFQN", "Secrecy.High", 1)
	want("columns.tags.tagFQN", "Secrecy.High", 1)
	want("domains.fullyQualifiedName", "Retail.Shops", 1)
	rename("classification", "Secrecy", "Privacy")
	rename("domain", "Retail", "Commerce")
	want("tags.tagFQN", "Secrecy.High", 0)
	want("tags.tagFQN", "Privacy.High", 1)
	want("columns.tags.tagFQN", "Privacy.High", 1)
	want("domains.fullyQualifiedName", "Retail.Shops", 0)
	want("domains.fullyQualifiedName", "Commerce.Shops", 1)
}
