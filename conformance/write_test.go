package conformance

import (
	"math"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
)

func decode(t *testing.T, doc []byte, v any) {
	t.Helper()
	if err := json.Unmarshal(doc, v); err != nil {
		t.Fatalf("%v: %s", err, shorten(doc))
	}
}

// change is a change description as clients read it.
type change struct {
	FieldsAdded     []fieldChange `json:"fieldsAdded"`
	FieldsUpdated   []fieldChange `json:"fieldsUpdated"`
	FieldsDeleted   []fieldChange `json:"fieldsDeleted"`
	PreviousVersion float64       `json:"previousVersion"`
}

type fieldChange struct {
	Name     string `json:"name"`
	OldValue any    `json:"oldValue"`
	NewValue any    `json:"newValue"`
}

// names returns the changed fields as +added, ~updated and -deleted.
func (c change) names() string {
	var out []string
	for mark, list := range map[string][]fieldChange{"+": c.FieldsAdded, "~": c.FieldsUpdated, "-": c.FieldsDeleted} {
		for _, f := range list {
			out = append(out, mark+f.Name)
		}
	}
	return strings.Join(out, " ")
}

// stepped checks that a write made the next version and says so, and returns the
// entity. names is what change.names has to answer.
func (tr *trial) stepped(t *testing.T, a *answer, names string) map[string]any {
	t.Helper()
	a.want(t, http.StatusOK)
	ent := tr.checked(t, a)
	if ent["id"] != tr.id {
		t.Errorf("%s: id %v instead of %s", a.what, ent["id"], tr.id)
	}
	if !tr.schemas.Has(tr.typ.Schema, "version") {
		return ent
	}
	before := tr.version
	tr.version, _ = ent["version"].(float64)
	if math.Abs(tr.version-before-0.1) > 1e-9 {
		t.Errorf("%s: version %v after %v", a.what, tr.version, before)
	}
	if got := a.header.Get("X-OpenMetadata-Change"); got != "entityUpdated" {
		t.Errorf("%s: X-OpenMetadata-Change is %q", a.what, got)
	}
	if !tr.schemas.Has(tr.typ.Schema, "changeDescription") {
		return ent
	}
	var v struct {
		Change change `json:"changeDescription"`
	}
	decode(t, a.body, &v)
	if got := v.Change.names(); got != names || v.Change.PreviousVersion != before {
		t.Errorf("%s: the change is %q after %v, want %q after %v", a.what, got, v.Change.PreviousVersion, names, before)
	}
	return ent
}

// unchanged checks that a write made no version.
func (tr *trial) unchanged(t *testing.T, a *answer) {
	t.Helper()
	a.want(t, http.StatusOK)
	ent := tr.checked(t, a)
	if got := a.header.Get("X-OpenMetadata-Change"); got != "entityNoChange" {
		t.Errorf("%s: X-OpenMetadata-Change is %q: %s", a.what, got, shorten(a.body))
	}
	if v, _ := ent["version"].(float64); tr.schemas.Has(tr.typ.Schema, "version") && v != tr.version {
		t.Errorf("%s: version %v instead of %v", a.what, v, tr.version)
		tr.version = v
	}
}

func (tr *trial) put(t *testing.T) {
	tr.unchanged(t, tr.c.send(t, http.MethodPut, tr.base, tr.asked))
	if !tr.schemas.Has(tr.typ.Create, "description") || !tr.schemas.Has(tr.typ.Schema, "description") {
		return
	}
	changed := map[string]any{}
	for member, value := range tr.asked {
		changed[member] = value
	}
	mark := "+"
	if changed["description"] != nil {
		mark = "~"
	}
	changed["description"] = "Put by the suite"
	ent := tr.stepped(t, tr.c.send(t, http.MethodPut, tr.base, changed), mark+"description")
	if ent["description"] != "Put by the suite" {
		t.Errorf("description is %v", ent["description"])
	}
	tr.asked = changed
	tr.unchanged(t, tr.c.send(t, http.MethodPut, tr.base, changed))
	if now := tr.again(t); now["description"] != "Put by the suite" {
		t.Errorf("read again, description is %v", now["description"])
	}
}

// op is one operation of a JSON Patch.
func op(name, path string, value any) map[string]any {
	return map[string]any{"op": name, "path": path, "value": value}
}

func (tr *trial) patch(t *testing.T, ops ...any) *answer {
	t.Helper()
	return tr.c.send(t, http.MethodPatch, tr.base+"/"+tr.id, ops)
}

func (tr *trial) patchText(t *testing.T) {
	mark := "+"
	if tr.again(t)["description"] != nil {
		mark = "~"
	}
	tr.stepped(t, tr.patch(t, op("add", "/description", "Patched")), mark+"description")
	tr.unchanged(t, tr.patch(t, op("replace", "/description", "Patched")))
	tr.unchanged(t, tr.patch(t, op("test", "/description", "Patched")))
	if tr.schemas.Has(tr.typ.Schema, "displayName") {
		mark = "+"
		if tr.again(t)["displayName"] != nil {
			mark = "~"
		}
		tr.stepped(t, tr.patch(t, op("replace", "/displayName", "Shown")), mark+"displayName")
	}
	if tr.typ.Supports.PatchByName {
		path := tr.base + "/name/" + url.PathEscape(tr.fqn)
		tr.stepped(t, tr.c.send(t, http.MethodPatch, path, []any{op("replace", "/description", "By name")}), "~description")
	}
	// Identity and bookkeeping are the server's.
	tr.unchanged(t, tr.patch(t, op("replace", "/id", "6dd7029b-4e5f-467f-9ea0-c88c4935b1a6")))
	tr.unchanged(t, tr.patch(t, op("add", "/version", 7.5), op("add", "/updatedBy", "somebody")))
	tr.unchanged(t, tr.patch(t))
}

func (tr *trial) patchOwners(t *testing.T) {
	first, second := tr.need(t, "user"), tr.makeUser(t, "second")
	ref := func(u map[string]any) map[string]any { return map[string]any{"id": u["id"], "type": "user"} }
	ent := tr.stepped(t, tr.patch(t, op("add", "/owners", []any{ref(first)})), "+owners")
	tr.wantRefs(t, ent, "owners", first)
	tr.stepped(t, tr.patch(t, op("add", "/owners/0", ref(second))), "+owners")
	tr.wantRefs(t, tr.again(t), "owners", first, second)
	// Clients drop list items by writing null over them first.
	tr.stepped(t, tr.patch(t, op("replace", "/owners/0", nil), map[string]any{"op": "remove", "path": "/owners/0"}), "-owners")
	tr.stepped(t, tr.patch(t, map[string]any{"op": "remove", "path": "/owners"}), "-owners")
	tr.wantRefs(t, tr.again(t), "owners")
	missing := map[string]any{"id": "00000000-0000-4000-8000-00000000ffff", "type": "user"}
	tr.patch(t, op("add", "/owners", []any{missing})).refused(t, http.StatusNotFound, "user instance for", "not found")
}

// makeUser makes one more user.
func (m *maker) makeUser(t *testing.T, suffix string) map[string]any {
	t.Helper()
	typ := m.typ(t, "user")
	return m.c.send(t, http.MethodPost, "/api/v1/users", m.request(t, typ, m.prefix+"_"+suffix)).want(t, http.StatusCreated).object(t)
}

// wantRefs checks which entities a list refers to, and that each has a name.
func (tr *trial) wantRefs(t *testing.T, ent map[string]any, field string, wanted ...map[string]any) {
	t.Helper()
	list, _ := ent[field].([]any)
	got := map[any]bool{}
	for _, item := range list {
		ref := item.(map[string]any)
		got[ref["id"]] = true
		if name, _ := ref["name"].(string); name == "" {
			t.Errorf("%s: a reference without a name: %v", field, ref)
		}
	}
	for _, w := range wanted {
		if !got[w["id"]] {
			t.Errorf("%s lacks %v: %v", field, w["name"], list)
		}
	}
	if len(list) != len(wanted) {
		t.Errorf("%s has %d references, want %d: %v", field, len(list), len(wanted), list)
	}
}

func (tr *trial) patchTags(t *testing.T) {
	tag := tr.need(t, "tag")
	label := map[string]any{"tagFQN": tag["fullyQualifiedName"], "source": "Classification", "labelType": "Manual", "state": "Confirmed"}
	// The list was never shown to the client, which adds to it all the same.
	ent := tr.stepped(t, tr.patch(t, op("add", "/tags/0", label)), "+tags")
	if labels, _ := ent["tags"].([]any); len(labels) != 1 || labels[0].(map[string]any)["name"] != tag["name"] {
		t.Errorf("tags are %v", ent["tags"])
	}
	tr.unchanged(t, tr.patch(t, op("add", "/tags/1", label)))
	if tr.typ.Supports.PutAllowed {
		tr.put2(t)
		if labels, _ := tr.again(t)["tags"].([]any); len(labels) != 1 {
			t.Errorf("after a PUT that does not name them, tags are %v", labels)
		}
	}
	tr.stepped(t, tr.patch(t, op("replace", "/tags/0", nil), map[string]any{"op": "remove", "path": "/tags/0"}), "-tags")
	if labels, _ := tr.again(t)["tags"].([]any); len(labels) != 0 {
		t.Errorf("tags are %v", labels)
	}
	label["tagFQN"] = "Nothing.Known"
	tr.patch(t, op("add", "/tags", []any{label})).refused(t, http.StatusNotFound, "tag instance for Nothing.Known not found")
}

// put2 sends the create request once more and keeps the books.
func (tr *trial) put2(t *testing.T) {
	t.Helper()
	ent := tr.checked(t, tr.c.send(t, http.MethodPut, tr.base, tr.asked).want(t, http.StatusOK))
	tr.version, _ = ent["version"].(float64)
}

func (tr *trial) patchRefused(t *testing.T) {
	for name, patch := range map[string]string{
		"test fails":   `[{"op":"test","path":"/name","value":"other"}]`,
		"missing path": `[{"op":"remove","path":"/nothing"}]`,
		"unknown op":   `[{"op":"frob","path":"/description","value":"x"}]`,
		"unknown":      `[{"op":"add","path":"/frobnicate","value":1}]`,
		"wrong type":   `[{"op":"add","path":"/displayName","value":{"a":1}}]`,
		"no array":     `{"op":"add","path":"/description","value":"x"}`,
		"malformed":    `[{"op":"add","path":"/description","value":"x"`,
		"trailing":     `[] x`,
		"empty":        ``,
	} {
		got := tr.c.send(t, http.MethodPatch, tr.base+"/"+tr.id, patch)
		if got.status < 400 || got.status > 499 {
			t.Errorf("%s: status %d: %s", name, got.status, shorten(got.body))
			continue
		}
		got.problem(t)
	}
	tr.c.send(t, http.MethodPatch, tr.base+"/"+tr.id, `[]`, "Content-Type", "text/plain").refused(t, http.StatusUnsupportedMediaType)
	tr.c.send(t, http.MethodPatch, tr.base+"/00000000-0000-4000-8000-00000000ffff", `[]`).refused(t, http.StatusNotFound)
	if v, _ := tr.again(t)["version"].(float64); v != tr.version && tr.schemas.Has(tr.typ.Schema, "version") {
		t.Errorf("refused patches made version %v out of %v", v, tr.version)
	}
}
