package sight_test

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/search/enginetest"
	"github.com/catalpa-metadata/catalpa/internal/sight"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
	"github.com/catalpa-metadata/catalpa/schema"
)

type plainSealer struct{}

func (plainSealer) Seal(plain, _ string) (string, error)  { return plain, nil }
func (plainSealer) Open(sealed, _ string) (string, error) { return sealed, nil }

// bed is a catalog of random rights with its index.
type bed struct {
	*testing.T
	e       *engine.Engine
	index   search.Index
	indexer *search.Indexer
	catalog *search.Catalog
	rnd     *rand.Rand

	users                  []string
	teams, domains, policy []string
}

func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

// TestMain ends the search engine that the tests share, if they do.
func TestMain(m *testing.M) {
	code := m.Run()
	enginetest.End()
	os.Exit(code)
}

func newBed(t *testing.T, seed uint64) *bed {
	t.Helper()
	b := &bed{T: t, rnd: rand.New(rand.NewPCG(seed, 1))}
	dir := t.TempDir()
	db, err := sqlite.Open(t.Context(), filepath.Join(dir, "catalpa.db"), sqlite.Options{})
	b.must(err)
	t.Cleanup(func() { b.must(db.Close()) })
	schemas, err := jsonschema.Load(schema.Files)
	b.must(err)
	types, err := registry.New(schemas)
	b.must(err)
	b.e, err = engine.New(engine.Options{Store: db, Schemas: schemas, Registry: types, Sealer: plainSealer{}, IsSealed: secret.IsSealed, Log: slog.New(slog.DiscardHandler)})
	b.must(err)
	b.index, err = enginetest.Open(t.Context(), dir)
	b.must(err)
	t.Cleanup(func() { b.must(b.index.Close()) })
	var names []string
	for _, typ := range types.All() {
		names = append(names, typ.Name)
	}
	b.catalog = search.NewCatalog(names)
	b.indexer = search.NewIndexer(b.index, db, sight.Source{Engine: b.e}, names, slog.New(slog.DiscardHandler))
	db.OnCommit(func(store.Commit) { b.indexer.Wake() })
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = b.indexer.Run(ctx) // ends with the context
	}()
	t.Cleanup(func() { cancel(); <-ended })
	b.e.UseFinder(sight.NewFinder(b.index, b.indexer, b.catalog, time.Minute))
	return b
}

// add creates entities of a type from create requests.
func (b *bed) add(typ string, requests ...string) {
	b.Helper()
	t, ok := b.e.Registry().ByName(typ)
	if !ok {
		b.Fatalf("there is no type %s", typ)
	}
	for chunk := range slices.Chunk(requests, 500) {
		raw := make([][]byte, len(chunk))
		for i, request := range chunk {
			raw[i] = []byte(request)
		}
		_, err := b.e.Ensure(b.Context(), t, raw, false)
		b.must(err)
	}
}

func (b *bed) chance(percent int) bool   { return b.rnd.IntN(100) < percent }
func (b *bed) pick(list []string) string { return list[b.rnd.IntN(len(list))] }
func (b *bed) ref(typ, name string) string {
	return fmt.Sprintf(`{"id":%q,"type":%q}`, b.id(typ, name), typ)
}

func (b *bed) id(typ, fqn string) entity.ID {
	b.Helper()
	var id entity.ID
	b.must(b.e.Store().View(b.Context(), func(r store.Reader) error {
		row, err := r.EntityByFQN(b.Context(), store.Key{Type: typ, FQN: fqn})
		id = row.ID
		return err
	}))
	return id
}

func (b *bed) principal(name string) entity.Principal {
	return entity.Principal{UserID: b.id("user", name), Name: name}
}

func list[T any](items []T) string {
	raw, err := json.Marshal(items)
	if err != nil {
		panic(err) // strings and the like only
	}
	return string(raw)
}

// populate fills the catalog: teams in a tree with policies on them, roles,
// domains and tags, users, and assets in containers that are owned themselves.
func (b *bed) populate(users, tables int) {
	b.add("team", `{"name":"Organization","teamType":"Organization"}`)
	b.domains = []string{"d1", "d2", "d3"}
	for _, d := range b.domains {
		b.add("domain", fmt.Sprintf(`{"name":%q,"domainType":"Aggregate","description":""}`, d))
	}
	b.add("classification", `{"name":"C","description":""}`)
	b.add("tag", `{"name":"a","classification":"C","description":""}`, `{"name":"b","classification":"C","description":""}`)
	for i := range 12 {
		name := fmt.Sprintf("p%d", i)
		b.policy = append(b.policy, name)
		b.add("policy", fmt.Sprintf(`{"name":%q,"enabled":%v,"rules":[%s]}`, name, b.chance(90), b.rules()))
	}
	for i := range 8 {
		b.add("role", fmt.Sprintf(`{"name":"r%d","policies":%s}`, i, list([]string{b.pick(b.policy)})))
	}
	b.addTeams()
	b.addUsers(users)
	b.addAssets(tables)
}

func (b *bed) rules() string {
	conditions := []string{
		"", "", "isOwner()", "isOwner() || noOwner()", "hasDomain()", "!hasDomain() && noDomain()", "matchAnyTag('C.a')", "!matchAnyTag('C.b')",
		"matchAllTags('C.a','C.b')", "matchTeam()", "inAnyTeam('t1','t5')", "hasAnyRole('r1') || isReviewer()", "noDomain()",
	}
	resources := [][]string{{"All"}, {"table"}, {"table", "databaseSchema"}, {"database"}, {"user"}, {"testCase"}}
	operations := [][]string{{"ViewBasic"}, {"ViewAll"}, {"ViewBasic", "EditTags"}, {"All"}, {"EditAll"}}
	var rules []string
	for i := range 1 + b.rnd.IntN(3) {
		effect := "allow"
		if b.chance(25) {
			effect = "deny"
		}
		rule := fmt.Sprintf(`{"name":"r%d","effect":%q,"resources":%s,"operations":%s`, i, effect,
			list(resources[b.rnd.IntN(len(resources))]), list(operations[b.rnd.IntN(len(operations))]))
		if condition := b.pick(conditions); condition != "" {
			rule += fmt.Sprintf(`,"condition":%q`, condition)
		}
		rules = append(rules, rule+"}")
	}
	return strings.Join(rules, ",")
}

func (b *bed) addTeams() {
	for i := range 10 {
		parent, kind := "Organization", "Department"
		if i >= 4 {
			parent, kind = fmt.Sprintf("t%d", b.rnd.IntN(4)), "Group"
		}
		team := fmt.Sprintf(`{"name":"t%d","teamType":%q,"parents":[%q]`, i, kind, b.id("team", parent))
		if b.chance(40) {
			team += fmt.Sprintf(`,"policies":[%q]`, b.id("policy", b.pick(b.policy)))
		}
		if b.chance(40) {
			team += fmt.Sprintf(`,"defaultRoles":[%q]`, b.id("role", fmt.Sprintf("r%d", b.rnd.IntN(8))))
		}
		if b.chance(30) {
			team += fmt.Sprintf(`,"domains":[%q]`, b.pick(b.domains))
		}
		b.add("team", team+"}")
		b.teams = append(b.teams, fmt.Sprintf("t%d", i))
	}
}

func (b *bed) addUsers(users int) {
	for i := range users {
		name := fmt.Sprintf("u%d", i)
		user := fmt.Sprintf(`{"name":%q,"email":"%s@example.com","isAdmin":%v,"isBot":%v`, name, name, i == 0, i == 1)
		if b.chance(70) {
			user += fmt.Sprintf(`,"teams":[%q]`, b.id("team", b.pick(b.teams)))
		}
		if b.chance(60) {
			user += fmt.Sprintf(`,"roles":[%q]`, b.id("role", fmt.Sprintf("r%d", b.rnd.IntN(8))))
		}
		if b.chance(50) {
			user += fmt.Sprintf(`,"domains":[%q]`, b.pick(b.domains))
		}
		b.add("user", user+"}")
		b.users = append(b.users, name)
	}
}

// facets are the random owners, domains and tags of an asset.
func (b *bed) facets(percent int) string {
	out := ""
	if b.chance(percent) {
		owner := b.ref("team", b.pick(b.teams))
		if b.chance(50) {
			owner = b.ref("user", b.pick(b.users))
		}
		out += `,"owners":[` + owner + `]`
	}
	if b.chance(percent) {
		out += fmt.Sprintf(`,"domains":[%q]`, b.pick(b.domains))
	}
	return out
}

func (b *bed) addAssets(tables int) {
	var schemas []string
	for s := range 3 {
		service := fmt.Sprintf("s%d", s)
		b.add("databaseService", fmt.Sprintf(`{"name":%q,"serviceType":"Postgres"%s}`, service, b.facets(30)))
		for d := range 3 {
			database := fmt.Sprintf("%s.d%d", service, d)
			b.add("database", fmt.Sprintf(`{"name":"d%d","service":%q%s}`, d, service, b.facets(30)))
			for c := range 3 {
				b.add("databaseSchema", fmt.Sprintf(`{"name":"c%d","database":%q%s}`, c, database, b.facets(30)))
				schemas = append(schemas, fmt.Sprintf("%s.c%d", database, c))
			}
		}
	}
	requests := make([]string, tables)
	for i := range requests {
		column := ""
		if b.chance(15) {
			column = `,"tags":[{"tagFQN":"C.a","source":"Classification","labelType":"Manual","state":"Confirmed"}]`
		}
		table := fmt.Sprintf(`{"name":"T%d","databaseSchema":%q,"columns":[{"name":"id","dataType":"INT"%s}]%s`, i, b.pick(schemas), column, b.facets(25))
		var tags []string
		for _, tag := range []string{"C.a", "C.b"} {
			if b.chance(30) {
				tags = append(tags, fmt.Sprintf(`{"tagFQN":%q,"source":"Classification","labelType":"Manual","state":"Confirmed"}`, tag))
			}
		}
		requests[i] = table + `,"tags":[` + strings.Join(tags, ",") + `]}`
	}
	b.add("table", requests...)
	b.addTests(schemas[0])
}

// addTests makes tests of the tables in a schema: whoever may not see the table sees
// none of them.
func (b *bed) addTests(schema string) {
	b.add("testDefinition", `{"name":"rows","description":"","entityType":"TABLE","testPlatforms":["OpenMetadata"]}`)
	var tables []string
	b.must(b.e.Store().View(b.Context(), func(r store.Reader) error {
		rows, err := r.List(b.Context(), store.ListQuery{Type: "table", Under: schema, Limit: 40})
		for _, row := range rows {
			tables = append(tables, row.FQN)
		}
		return err
	}))
	for _, table := range tables {
		b.add("testCase", fmt.Sprintf(`{"name":"t","entityLink":"<#E::table::%s>","testDefinition":"rows"}`, table))
	}
}
