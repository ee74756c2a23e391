package conformance

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// TestContract runs every check against one server.
func TestContract(t *testing.T) {
	c := server(t)
	w := newWorld(t)
	t.Run("entities", func(t *testing.T) {
		for _, typ := range w.registry.All() {
			if typ.Create == "" || !typ.Supports.PostAllowed {
				continue
			}
			t.Run(typ.Name, func(t *testing.T) {
				t.Parallel()
				newTrial(t, w, c, typ).run(t)
			})
		}
	})
	t.Run("read-only types", func(t *testing.T) {
		t.Parallel()
		readOnlyTypes(t, w, c)
	})
	t.Run("input", func(t *testing.T) {
		for name, check := range inputChecks() {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				check(t, w.maker(c, "input_"+strings.ReplaceAll(name, " ", "_")))
			})
		}
	})
}

// trial takes one entity type through its life.
type trial struct {
	*maker
	typ   *registry.Type
	base  string // of the collection
	name  string // of the entity
	began int64

	asked   map[string]any // what it was created with
	id, fqn string
	version float64
}

func newTrial(t *testing.T, w *world, c *client, typ *registry.Type) *trial {
	t.Helper()
	return &trial{maker: w.maker(c, "ct_"+typ.Name), typ: typ, base: "/api" + typ.Collection, name: "ct_" + typ.Name + "_one", began: time.Now().UnixMilli()}
}

// run goes through the checks in order; each builds on what the ones before left.
func (tr *trial) run(t *testing.T) {
	if !t.Run("create", tr.create) {
		return
	}
	for _, step := range []struct {
		name  string
		check func(*testing.T)
		run   bool
	}{
		{"read", tr.read, true},
		{"fields", tr.fields, true},
		{"list", tr.list, true},
		{"put", tr.put, tr.typ.Supports.PutAllowed},
		{"patch text", tr.patchText, tr.schemas.Has(tr.typ.Schema, "description")},
		{"patch owners", tr.patchOwners, tr.typ.Supports.Owners},
		{"patch tags", tr.patchTags, tr.typ.Supports.Tags},
		{"patch refused", tr.patchRefused, true},
		{"versions", tr.versions, tr.typ.Supports.Versions},
		{"followers", tr.followers, tr.typ.Supports.FollowersRoute},
		{"votes", tr.votes, tr.typ.Supports.VoteRoute},
		{"search", tr.search, true},
		{"events", tr.events, true},
		{"soft delete", tr.softDelete, tr.typ.Supports.SoftDelete},
		{"hard delete", tr.hardDelete, true},
	} {
		if step.run {
			t.Run(step.name, step.check)
		}
	}
}

// checked returns the entity of an answer after making sure that clients can read
// it: every member, at every level, is one that the schema of the type knows.
func (tr *trial) checked(t *testing.T, a *answer) map[string]any {
	t.Helper()
	tr.conforms(t, a.what, a.body)
	return a.object(t)
}

func (tr *trial) conforms(t *testing.T, what string, doc []byte) {
	t.Helper()
	if err := tr.schemas.Validate(tr.typ.Schema, doc); err != nil {
		t.Errorf("%s: the answer is not what clients of %s can read: %v\n%s", what, tr.typ.Name, err, shorten(doc))
	}
}

// again reads the entity with all its fields.
func (tr *trial) again(t *testing.T) map[string]any {
	t.Helper()
	return tr.checked(t, tr.c.get(t, tr.base+"/"+tr.id+"?fields=*").want(t, http.StatusOK))
}

func (tr *trial) create(t *testing.T) {
	tr.asked = tr.request(t, tr.typ, tr.name)
	got := tr.c.send(t, http.MethodPost, tr.base, tr.asked).want(t, http.StatusCreated)
	ent := tr.checked(t, got)
	tr.id, _ = ent["id"].(string)
	tr.fqn, _ = ent["fullyQualifiedName"].(string)
	if tr.fqn == "" && !tr.schemas.Has(tr.typ.Schema, "fullyQualifiedName") {
		tr.fqn, _ = ent["name"].(string)
	}
	tr.version, _ = ent["version"].(float64)
	if _, err := entity.ParseID(tr.id); err != nil || tr.fqn == "" {
		t.Fatalf("id %q, name %q", tr.id, tr.fqn)
	}
	if tr.schemas.Has(tr.typ.Schema, "version") && tr.version != 0.1 {
		t.Errorf("the first version is %v", tr.version)
	}
	if location := got.header.Get("Location"); !strings.HasSuffix(location, tr.base+"/"+tr.id) {
		t.Errorf("Location is %q", location)
	}
	if href, ok := ent["href"].(string); tr.schemas.Has(tr.typ.Schema, "href") && (!ok || href != tr.c.base+tr.base+"/"+tr.id) {
		t.Errorf("href is %q", href)
	}
	tr.c.send(t, http.MethodPost, tr.base, tr.asked).refused(t, http.StatusConflict, "already exists")
	unknown := map[string]any{"frobnicate": 1}
	for member, value := range tr.asked {
		unknown[member] = value
	}
	tr.c.send(t, http.MethodPost, tr.base, unknown).refused(t, http.StatusBadRequest, "frobnicate")
}

func (tr *trial) read(t *testing.T) {
	for _, path := range []string{"/" + tr.id, "/name/" + url.PathEscape(tr.fqn), "/" + strings.ToUpper(tr.id)} {
		got := tr.c.get(t, tr.base+path).want(t, http.StatusOK)
		ent := tr.checked(t, got)
		if ent["id"] != tr.id || ent["name"] != tr.wantName() {
			t.Errorf("%s answers %v %v", got.what, ent["id"], ent["name"])
		}
	}
	tr.c.get(t, tr.base+"/name/"+url.PathEscape(tr.fqn+"_none")).refused(t, http.StatusNotFound, tr.typ.Name+" instance for", "not found")
	tr.c.get(t, tr.base+"/00000000-0000-4000-8000-00000000ffff").refused(t, http.StatusNotFound, "not found")
	tr.c.get(t, tr.base+"/no-uuid").refused(t, http.StatusBadRequest)
}

func (tr *trial) wantName() any {
	if tr.typ.Name == "testSuite" || tr.asked["name"] == nil {
		return tr.name
	}
	return tr.asked["name"]
}

func (tr *trial) fields(t *testing.T) {
	path := tr.base + "/name/" + url.PathEscape(tr.fqn)
	all := tr.checked(t, tr.c.get(t, path+"?fields=*").want(t, http.StatusOK))
	for _, field := range tr.typ.Expand {
		one := tr.checked(t, tr.c.get(t, path+"?fields="+field).want(t, http.StatusOK))
		if _, in := one[field]; !in && all[field] != nil {
			t.Errorf("fields=%s leaves out what fields=* shows: %v", field, all[field])
		}
	}
	every := strings.Join(tr.typ.Expand, ",")
	tr.checked(t, tr.c.get(t, path+"?fields="+url.QueryEscape(every)).want(t, http.StatusOK))
	tr.checked(t, tr.c.get(t, path+"?fields=description,%20name").want(t, http.StatusOK))
	tr.c.get(t, path+"?fields=bogus").refused(t, http.StatusBadRequest, "Invalid field name bogus")
	tr.c.get(t, tr.base+"?fields=bogus").refused(t, http.StatusBadRequest, "Invalid field name bogus")
	tr.c.get(t, path+"?include=bogus").refused(t, http.StatusBadRequest, "include must be one of")
	page := tr.c.get(t, tr.base+"?limit=20&fields=*").page(t)
	for _, item := range page.Data {
		tr.conforms(t, "a list with fields=*", item)
	}
}

// siblings is how many entities the list is paged over, besides the first.
const siblings = 4

func (tr *trial) list(t *testing.T) {
	mine := map[string]bool{tr.id: true}
	for _, suffix := range []string{"two", "three.x", "four", "five"}[:siblings] {
		if tr.typ.Name == "type" {
			suffix = strings.ReplaceAll(suffix, ".", "") // its names are words
		}
		got := tr.c.send(t, http.MethodPost, tr.base, tr.request(t, tr.typ, tr.prefix+"_"+suffix)).want(t, http.StatusCreated)
		mine[tr.checked(t, got)["id"].(string)] = true
	}
	forward, before, back := tr.walk(t, "", "after", mine)
	if len(forward) != len(mine) {
		t.Errorf("paging forward showed %d of %d entities", len(forward), len(mine))
	}
	backward, _, _ := tr.walk(t, back, "before", mine)
	want := slices.Clone(forward[:before])
	slices.Reverse(want)
	if !slices.Equal(backward, want) {
		t.Errorf("paging backward from the last page showed %v, want %v", backward, want)
	}
	if page := tr.c.get(t, tr.base+"?limit=0").page(t); len(page.Data) != 0 || *page.Paging.Total < len(mine) {
		t.Errorf("limit=0 answers %d entities of %d", len(page.Data), *page.Paging.Total)
	}
	tr.c.get(t, tr.base+"?limit=-1").refused(t, http.StatusBadRequest, "greater than or equal to 0")
	tr.c.get(t, tr.base+"?limit=1000001").refused(t, http.StatusBadRequest, "less than or equal to 1000000")
	tr.c.get(t, tr.base+"?limit=abc").refused(t, http.StatusBadRequest)
	tr.c.get(t, tr.base+"?after=%25%25%25").refused(t, http.StatusBadRequest)
	tr.c.get(t, tr.base+"?after=YQ&before=YQ").refused(t, http.StatusBadRequest, "Only one of before or after")
}

// walk pages in one direction to the end. It returns those of the wanted entities
// that it met, in order, how many of them it met before the last page, and the
// cursor with which the way back from the last page begins.
func (tr *trial) walk(t *testing.T, cursor, direction string, wanted map[string]bool) (met []string, before int, back string) {
	t.Helper()
	seen := map[string]bool{}
	for pages := 0; ; pages++ {
		if pages > 2000 {
			t.Fatalf("%s: no end of pages", direction)
		}
		path := tr.base + "?limit=2"
		if cursor != "" {
			path += "&" + direction + "=" + cursor
		}
		p := tr.c.get(t, path).page(t)
		var ids []string
		for _, item := range p.Data {
			tr.conforms(t, path, item)
			ids = append(ids, idOf(t, item))
		}
		if len(ids) > 2 {
			t.Fatalf("%s: %d entities on a page of 2", path, len(ids))
		}
		if direction == "before" {
			slices.Reverse(ids)
		}
		before = len(met)
		for _, id := range ids {
			if seen[id] {
				t.Fatalf("%s: %s came twice", path, id)
			}
			seen[id] = true
			if wanted[id] {
				met = append(met, id)
			}
		}
		next := p.Paging.After
		if direction == "before" {
			next = p.Paging.Before
		}
		if next == "" {
			return met, before, p.Paging.Before
		}
		cursor = next
	}
}

func idOf(t *testing.T, doc jsontext.Value) string {
	t.Helper()
	var v struct {
		ID string `json:"id"`
	}
	decode(t, doc, &v)
	return v.ID
}
