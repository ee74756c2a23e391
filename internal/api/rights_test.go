package api

import (
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

const rightsPage = "testdata/rights.txt"

// TestT40RightsMatrix calls every route as every kind of caller and compares who gets
// past the decision about rights with the reviewed table in testdata/rights.txt. A
// route that is added needs a line there, and a try in rightsTries unless it is one
// that all types have.
func TestT40RightsMatrix(t *testing.T) {
	w := newRightsWorld(t)
	for key := range rightsTries() {
		method, path, _ := strings.Cut(key, " ")
		if !w.api.routes.has(method, "/api/v1"+path) && !w.api.routes.has(method, path) {
			t.Errorf("rightsTries says how to call %s, which is no route", key)
		}
	}
	got := &rightsResults{rows: map[rightsKey]rightsRow{}}
	t.Run("calls", func(t *testing.T) {
		t.Run("unbuilt", func(t *testing.T) {
			t.Parallel()
			w.runUnbuilt(t, got)
		})
		for _, u := range w.units() {
			t.Run(u.name, func(t *testing.T) {
				t.Parallel()
				w.run(t, u, got)
			})
		}
	})
	if t.Failed() {
		return // what was not called as it should be says nothing about rights
	}
	if *update {
		check(t, os.WriteFile(rightsPage, writeRights(w.engine.Registry(), got.rows), 0o644))
	}
	text, err := os.ReadFile(rightsPage)
	check(t, err)
	want, err := readRights(w.engine.Registry(), string(text))
	check(t, err)
	compareRights(t, want, got.rows)
}

// rightsKey names a row of the matrix.
type rightsKey struct{ method, path, variant string }

func (k rightsKey) String() string {
	return strings.TrimSpace(k.method + " " + k.path + " " + k.variant)
}

// rightsRow is what a call came to, by caller.
type rightsRow struct {
	cells []string
	notes []string // what was answered, for messages
	why   string
}

type rightsResults struct {
	mu   sync.Mutex
	rows map[rightsKey]rightsRow
}

// rightsUnit are routes that are called one after the other: those of an entity type
// or of another part of the API.
type rightsUnit struct {
	name   string
	typ    *registry.Type // what the calls are about
	base   string         // of the type's collection; "" when the unit is not one
	routes []Route
}

// units are all routes, those of a type together.
func (w *rightsWorld) units() []*rightsUnit {
	table, _ := w.engine.Registry().ByName("table")
	byName := map[string]*rightsUnit{}
	var list []*rightsUnit
	for _, r := range w.api.Routes() {
		u := rightsUnit{typ: table, name: groupOf(r.Path)}
		for _, t := range w.engine.Registry().All() {
			base := "/api" + t.Collection
			if (r.Path == base || strings.HasPrefix(r.Path, base+"/")) && len(base) > len(u.base) {
				u = rightsUnit{typ: t, name: t.Name, base: base}
			}
		}
		if byName[u.name] == nil {
			byName[u.name] = &u
			list = append(list, &u)
		}
		byName[u.name].routes = append(byName[u.name].routes, r)
	}
	return list
}

// run calls the routes of a unit.
func (w *rightsWorld) run(t *testing.T, u *rightsUnit, got *rightsResults) {
	began := strconv.FormatInt(millis(), 10)
	if u.typ.Name == seededType {
		began = "1"
	}
	scenes := make([]*scene, len(rightsCallers))
	for i, name := range rightsCallers {
		own := "x_" + name
		if rightsTypes[u.typ.Name].needs != "" { // units run at the same time: what is needed must be nobody else's
			own = u.typ.Name + "_" + own
		}
		if u.base == "" {
			own = strings.Trim(strings.NewReplacer("/", "_", ".", "_").Replace(u.name), "_") + "_" + name
		}
		vars, err := w.specimen(t, u.typ, own)
		check(t, err)
		vars["me"], vars["myname"], vars["began"] = w.callers[name].id.String(), w.callers[name].name, began
		scenes[i] = &scene{t: t, w: w, typ: u.typ, who: w.callers[name], vars: vars}
	}
	for _, r := range u.routes {
		tries, ok := triesOf(r.Method, r.Path)
		if !ok && u.base != "" {
			tries = w.genericTries(u.typ, r.Method, strings.TrimPrefix(r.Path, u.base))
		}
		if len(tries) == 0 {
			t.Errorf("rightsTries does not say how to call %s %s", r.Method, r.Path)
		}
		for _, try := range tries {
			key := rightsKey{r.Method, r.Path, try.variant}
			row := rightsRow{why: try.why}
			for _, s := range scenes {
				cell, note := s.call(r, try)
				row.cells, row.notes = append(row.cells, cell), append(row.notes, note)
				if !slices.Contains([]string{cellStranger, cellRefused, cellPast, cellNothing}, cell) && try.why == "" {
					t.Errorf("%s as %s does not show the decision about rights; mend the try or say why: %s", key, s.who.name, note)
				}
			}
			got.mu.Lock()
			got.rows[key] = row
			got.mu.Unlock()
		}
	}
}

// runUnbuilt calls what is part of the API and not built: one row for all of it, each
// route as nobody and as one of the others in turn.
func (w *rightsWorld) runUnbuilt(t *testing.T, got *rightsResults) {
	row := rightsRow{cells: make([]string, len(rightsCallers)), notes: make([]string, len(rightsCallers)), why: "part of the API, not built yet"}
	for n, r := range ContractRoutes() {
		if w.api.routes.has(r.Method, r.Path) {
			continue
		}
		path := routeParam.ReplaceAllString(r.Path, anyID)
		for _, i := range []int{0, 1 + n%(len(rightsCallers)-1)} {
			a := w.call(t, w.callers[rightsCallers[i]], r.Method, path, "application/json", "")
			cell := classOf(a)
			if row.cells[i] == "" {
				row.cells[i], row.notes[i] = cell, a.what
			}
			if cell != row.cells[i] {
				t.Errorf("%s as %s is %s, but %s is %s", a.what, rightsCallers[i], cell, row.notes[i], row.cells[i])
			}
		}
	}
	got.mu.Lock()
	defer got.mu.Unlock()
	got.rows[rightsKey{method: "any", path: "unbuilt"}] = row
}

// call tries a route and tells what came of it.
func (s *scene) call(r Route, try rightsTry) (cell, note string) {
	s.t.Helper()
	s.set("fresh", s.w.next())
	if try.before != nil && (r.Access == Public || !s.stranger()) {
		try.before(s)
	}
	path := routeParam.ReplaceAllStringFunc(r.Path, func(param string) string {
		name := strings.Trim(param, "{}")
		if value, ok := try.params[name]; ok {
			return url.PathEscape(s.expand(value))
		}
		return url.PathEscape(s.expand("$" + name))
	})
	if try.query != "" {
		path += "?" + s.expand(try.query)
	}
	media := try.media
	switch {
	case media != "":
	case r.Method == http.MethodPatch:
		media = patchTypes
	default:
		media = "application/json"
	}
	who := s.who
	if try.as != nil {
		who = try.as(s)
	}
	if strings.Contains(try.body, "$newRequest") {
		s.set("newRequest", s.expand(s.w.newRequest(s.typ)))
	}
	got := s.w.call(s.t, who, r.Method, path, media, s.expand(try.body))
	if err := s.w.promises.kept(r, got); err != nil && who.token != "" {
		s.t.Errorf("%s as %s answers %d %s\n%.600s\nbut %v; mend the answer, or the line of the route in contract_routes.txt or own_routes.txt", got.what, s.who.name, got.status, got.header.Get("Content-Type"), got.body, err)
	}
	cell = classOf(got)
	if try.class != nil {
		cell = try.class(s, got)
	}
	if got.status >= 500 && got.status != http.StatusNotImplemented && got.status != http.StatusServiceUnavailable {
		s.t.Errorf("%s as %s answers %d: %s", got.what, s.who.name, got.status, got.body)
	}
	if cell == cellPast && try.after != nil {
		try.after(s)
	}
	if try.always != nil && !s.stranger() {
		try.always(s)
	}
	return cell, fmt.Sprintf("%s answers %d: %s", got.what, got.status, entity.Shorten(string(got.body), 300))
}

// What a cell of the matrix says, besides the number of another status.
const (
	cellStranger = "-"    // wants a credential: 401
	cellRefused  = "no"   // lacks the right: 403
	cellPast     = "ok"   // was done
	cellNothing  = "none" // was done, and shows nothing of what there is
)

func classOf(a answer) string { return classOfStatus(a.status) }

func classOfStatus(status int) string {
	switch {
	case status == http.StatusUnauthorized:
		return cellStranger
	case status == http.StatusForbidden:
		return cellRefused
	case status < 400:
		return cellPast
	}
	return fmt.Sprint(status)
}

// classOfList tells lists that show something from those that do not.
func classOfList(_ *scene, a answer) string {
	if a.status != http.StatusOK {
		return classOf(a)
	}
	var list page[any]
	a.into(&list)
	if list.Paging.Total == 0 {
		return cellNothing
	}
	return cellPast
}

// classOfRows looks at the rows of a bulk call, of which each is decided on by
// itself.
func classOfRows(_ *scene, a answer) string {
	if a.status != http.StatusOK {
		return classOf(a)
	}
	var result engine.BulkResult
	a.into(&result)
	for _, row := range result.FailedRequest {
		return classOfStatus(row.Status)
	}
	return cellPast
}

// compareRights fails for every row and cell that is not as reviewed.
func compareRights(t *testing.T, want, got map[rightsKey]rightsRow) {
	t.Helper()
	for _, key := range sortedKeys(got) {
		reviewed, ok := want[key]
		if !ok {
			t.Errorf("%s has no line in %s: it is %s", key, rightsPage, strings.Join(got[key].cells, " "))
			continue
		}
		for i, name := range rightsCallers {
			if cell := got[key].cells[i]; cell != reviewed.cells[i] {
				t.Errorf("%s as %s is %s, reviewed is %s: %s", key, name, cell, reviewed.cells[i], got[key].notes[i])
			}
		}
	}
	for _, key := range sortedKeys(want) {
		if _, ok := got[key]; !ok {
			t.Errorf("%s has the line %s, but nothing is called like that", rightsPage, key)
		}
	}
}

// methodOrder is the order of lines about one path.
var methodOrder = []string{"any", http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

func sortedKeys(rows map[rightsKey]rightsRow) []rightsKey {
	keys := make([]rightsKey, 0, len(rows))
	for key := range rows {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, compareKeys)
	return keys
}
