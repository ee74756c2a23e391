package api

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// rightsCallers are the columns of the matrix:
//   - nobody has no credential;
//   - consumer is a person who holds what the organization gives everybody;
//   - steward holds the role DataSteward besides;
//   - other is in a team that owns nothing;
//   - member is in the team that owns what is asked about, together with
//   - owner, who is named as an owner;
//   - bare is a bot without a role, bot is the ingestion bot;
//   - admin is an administrator who has just signed in.
var rightsCallers = []string{"nobody", "consumer", "steward", "other", "member", "owner", "bare", "bot", "admin"}

// rightsWorld is the server that the matrix is about, its callers, and one entity
// of each type that others can refer to. Everything that can be owned is owned by
// the owner and by the team of the member.
type rightsWorld struct {
	*harness
	callers map[string]caller
	vars    map[string]string // what requests may name: see scene.expand
	owners  string            // as JSON
	count   atomic.Int64
	// prefixes are what comes before the name in full names of a type; all are known
	// before calls run side by side.
	prefixes map[string]string
	promises *promises
}

func newRightsWorld(t *testing.T) *rightsWorld {
	t.Helper()
	return newRightsWorldOn(t, newHarness(t))
}

func newRightsWorldOn(t *testing.T, h *harness) *rightsWorld {
	t.Helper()
	w := &rightsWorld{harness: h, promises: newPromises(h.api), vars: map[string]string{}, prefixes: map[string]string{}, callers: map[string]caller{"nobody": {name: "nobody"}}}
	for _, name := range []string{"consumer", "steward", "other", "member", "owner", "chief"} {
		w.callers[name] = w.person(name)
	}
	w.callers["bare"], w.callers["bot"] = w.botCaller(t, "bare"), w.bot()
	w.callers["admin"] = w.callers["chief"]
	delete(w.callers, "chief")
	w.do("PATCH", "/users/"+w.callers["admin"].id.String(), `[{"op":"add","path":"/isAdmin","value":true}]`, 200)
	role := w.do("GET", "/roles/name/DataSteward", nil, 200).id()
	w.do("PATCH", "/users/"+w.callers["steward"].id.String(), `[{"op":"add","path":"/roles","value":[{"id":"`+role+`","type":"role"}]}]`, 200)
	growers := w.do("POST", "/teams", map[string]any{"name": "growers", "teamType": "Group", "users": []string{w.callers["member"].id.String()}}, 201).id()
	w.do("POST", "/teams", map[string]any{"name": "others", "teamType": "Group", "users": []string{w.callers["other"].id.String()}}, 201)
	w.owners = fmt.Sprintf(`[{"id":%q,"type":"user"},{"id":%q,"type":"team"}]`, w.callers["owner"].id, growers)
	w.vars["nobody"] = w.callers["nobody"].id.String()
	w.makeBases(t)
	w.makeMore(growers)
	return w
}

// makeMore makes what some calls are about besides.
func (w *rightsWorld) makeMore(growers string) {
	w.t.Helper()
	victim := w.person("victim").id.String()
	w.person("patsy")
	w.do("PATCH", "/users/"+victim, `[{"op":"add","path":"/teams","value":[{"id":"`+growers+`","type":"team"}]}]`, 200)
	w.vars["today"] = daysAgo(0)
	w.vars["harness_admin"] = w.admin.id.String()
	w.vars["type_string"], w.vars["type_table"] = w.typeID("string"), w.typeID("table")
	garden := w.do("POST", "/teams", `{"name":"garden","teamType":"Department","owners":`+w.owners+`}`, 201).id()
	w.do("POST", "/teams", `{"name":"sprouts","teamType":"Group","parents":["`+garden+`"],"owners":`+w.owners+`}`, 201)
	w.do("POST", "/glossaryTerms", `{"name":"narrower","description":"d","glossary":"glossary","parent":"glossary.glossaryTerm","owners":`+w.owners+`}`, 201)
	w.do("POST", "/drives/directories", `{"name":"deeper","service":"driveService","parent":"driveService.directory","owners":`+w.owners+`}`, 201)
	findable := w.do("POST", "/tables", `{"name":"findable","databaseSchema":"databaseService.database.databaseSchema","sourceUrl":"http://findable","columns":[{"name":"findme","dataType":"INT"}]}`, 201).id()
	w.vars["findable"] = findable
	w.indexed("table", "/tables/"+findable)
}

// baseNames are the names of the entities that others refer to, where it is not
// the name of their type.
var baseNames = map[string]string{"dataInsightChart": "number_of_data_asset_with_owner_kpi", "bot": "basebot"}

var baseNamed = regexp.MustCompile(`\$(base_\w+)`)

// makeBases makes one entity of each type; types that refer to others wait for
// those.
func (w *rightsWorld) makeBases(t *testing.T) {
	t.Helper()
	waiting := w.engine.Registry().All()
	for len(waiting) > 0 {
		var left []*registry.Type
		var problem error
		for _, typ := range waiting {
			name := baseNames[typ.Name]
			if name == "" {
				name = typ.Name
			}
			vars, err := w.specimen(t, typ, name)
			if err != nil {
				left, problem = append(left, typ), err
				continue
			}
			w.vars["base_"+typ.Name] = vars["id"]
			if prefix, ok := strings.CutSuffix(vars["fqn"], name); ok {
				w.prefixes[typ.Name] = prefix
			}
		}
		if len(left) == len(waiting) {
			t.Fatalf("%s: %v", left[0].Name, problem)
		}
		waiting = left
	}
}

// createRequest is what makes an entity of a type; owned or not.
func (w *rightsWorld) createRequest(t *registry.Type, more string) string {
	body := `{"name":"$name"`
	if members := rightsTypes[t.Name].body; members != "" {
		body += "," + members
	}
	if s, _ := sharedParts(); s.schemas.Has(createSchema(t), "owners") {
		body += `,"owners":` + w.owners
	}
	return body + more + "}"
}

// seededType is of entities that nobody makes: they are there from the beginning.
const seededType = "testConnectionDefinition"

// createSchema is the schema that a new entity is checked against.
func createSchema(t *registry.Type) string {
	if t.Create == "" {
		return t.Schema
	}
	return t.Create
}

// specimen makes sure that there is an entity of a type with a name, as the server
// itself would, and returns what requests about it may name.
func (w *rightsWorld) specimen(t *testing.T, typ *registry.Type, name string) (map[string]string, error) {
	t.Helper()
	vars := map[string]string{"name": name}
	known, ok := rightsTypes[typ.Name]
	if !ok {
		t.Fatalf("rightsTypes lacks %s: say there how one is made", typ.Name)
	}
	if err := w.prepare(t, known.needs, name); err != nil {
		return nil, err
	}
	if base := baseNamed.FindStringSubmatch(known.body); base != nil && w.vars[base[1]] == "" {
		return nil, entity.NotFound(typ.Name, base[1])
	}
	if typ.Name == seededType {
		vars["name"] = "Mysql.testConnectionDefinition"
	} else {
		body := w.expand(t, w.createRequest(typ, ""), vars)
		if _, err := w.engine.Ensure(t.Context(), typ, [][]byte{[]byte(body)}, typ.Create == ""); err != nil {
			return nil, err
		}
	}
	var err error
	vars["id"], vars["fqn"], err = w.find(t, typ, vars["name"])
	return vars, err
}

// prepare makes what an entity needs under the same name.
func (w *rightsWorld) prepare(t *testing.T, what, name string) error {
	t.Helper()
	switch what {
	case "":
		return nil
	case "botUser":
		typ, _ := w.engine.Registry().ByName("user")
		_, err := w.engine.Ensure(t.Context(), typ, [][]byte{fmt.Appendf(nil, `{"name":%q,"email":"%s@example.org","isBot":true}`, name, name)}, false)
		return err
	}
	typ, _ := w.engine.Registry().ByName(what)
	_, err := w.specimen(t, typ, name)
	return err
}

// find returns the id and the full name of the entity of a type with a name. Names
// of siblings differ in their last part only, so that one that was found in a list
// leads to the others.
func (w *rightsWorld) find(t *testing.T, typ *registry.Type, name string) (id, fqn string, err error) {
	t.Helper()
	err = w.store.View(t.Context(), func(r store.Reader) error {
		var row store.Row
		if prefix, ok := w.prefixes[typ.Name]; ok {
			if row, err = r.EntityByFQN(t.Context(), store.Key{Type: typ.Name, FQN: prefix + name}); err != nil {
				return err
			}
		} else {
			rows, err := r.List(t.Context(), store.ListQuery{Type: typ.Name, Members: map[string]string{"name": name}, Include: store.All, Limit: 1})
			if err != nil {
				return err
			}
			if len(rows) == 0 {
				return entity.NotFound(typ.Name, name)
			}
			row = rows[0]
		}
		id, fqn = row.ID.String(), row.FQN
		return nil
	})
	return id, fqn, err
}

// expand fills in the $names of a text: those of vars, then those of the world, and
// $n for a number that was not there before.
func (w *rightsWorld) expand(t *testing.T, text string, vars map[string]string) string {
	t.Helper()
	return os.Expand(text, func(name string) string {
		if value, ok := vars[name]; ok {
			return value
		}
		if value, ok := w.vars[name]; ok {
			return value
		}
		if name == "n" {
			return w.next()
		}
		if vars["me"] == w.vars["nobody"] { // for whom nothing was prepared
			return anyID
		}
		t.Errorf("%.300s names $%s, which nothing sets", text, name)
		return ""
	})
}

// anyID is an id that nothing has.
const anyID = "6dd7029b-4e5f-467f-9ea0-c88c4935b1a6"

// next is a text that was not there before.
func (w *rightsWorld) next() string { return "n" + strconv.FormatInt(w.count.Add(1), 10) }

// call sends a request. path is the whole path.
func (w *rightsWorld) call(t *testing.T, who caller, method, path, media, body string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, w.url+path, bytes.NewReader([]byte(body)))
	check(t, err)
	if who.token != "" {
		req.Header.Set("Authorization", "Bearer "+who.token)
	}
	if body != "" {
		req.Header.Set("Content-Type", media)
	}
	return unfollowed(t, method+" "+path, req)
}
