package engine_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// apply runs a patch on a document; neither needs a database.
func apply(doc, patch string) (string, error) {
	out, err := (*engine.Engine)(nil).ApplyPatch([]byte(doc), []byte(patch))
	if err != nil {
		return "", err
	}
	v := jsontext.Value(out)
	if err := v.Canonicalize(); err != nil {
		return "", err
	}
	return string(v), nil
}

func TestPatchesAsClientsSendThem(t *testing.T) {
	for name, c := range map[string]struct{ doc, patch, want string }{
		"add to a list that was never shown":    {`{}`, `[{"op":"add","path":"/tags/0","value":1}]`, `{"tags":[1]}`},
		"add further to such a list":            {`{}`, `[{"op":"add","path":"/tags/1","value":1}]`, `{"tags":[1]}`},
		"add inside a column without the list":  {`{"columns":[{"name":"a"}]}`, `[{"op":"add","path":"/columns/0/tags/0","value":1}]`, `{"columns":[{"name":"a","tags":[1]}]}`},
		"append":                                {`{"tags":[1]}`, `[{"op":"add","path":"/tags/-","value":2}]`, `{"tags":[1,2]}`},
		"replace what is not there":             {`{}`, `[{"op":"replace","path":"/displayName","value":"x"}]`, `{"displayName":"x"}`},
		"null over items, removed later":        {`{"c":[1,2,3,4]}`, `[{"op":"replace","path":"/c/2","value":null},{"op":"replace","path":"/c/3","value":null},{"op":"remove","path":"/c/2"},{"op":"remove","path":"/c/2"}]`, `{"c":[1,2]}`},
		"a value key that is absent means null": {`{"a":1}`, `[{"op":"add","path":"/a"}]`, `{"a":null}`},
		"escapes":                               {`{"a/b":1,"c~d":2}`, `[{"op":"replace","path":"/a~1b","value":3},{"op":"remove","path":"/c~0d"}]`, `{"a/b":3}`},
		"move and copy":                         {`{"a":{"b":1}}`, `[{"op":"copy","from":"/a/b","path":"/c"},{"op":"move","from":"/a","path":"/d"}]`, `{"c":1,"d":{"b":1}}`},
		"test that holds":                       {`{"a":{"x":1,"y":2}}`, `[{"op":"test","path":"/a","value":{"y":2,"x":1}}]`, `{"a":{"x":1,"y":2}}`},
		"a number as a name":                    {`{"extension":{}}`, `[{"op":"add","path":"/extension/202601","value":1}]`, `{"extension":{"202601":1}}`},
		"nothing":                               {`{"a":1}`, `[]`, `{"a":1}`},
	} {
		got, err := apply(c.doc, c.patch)
		if err != nil || got != c.want {
			t.Errorf("%s: %s, %v, want %s", name, got, err, c.want)
		}
	}
}

func TestPatchesThatAreRefused(t *testing.T) {
	for name, patch := range map[string]string{
		"no list": `{}`, "null": `null`, "text": `"x"`, "malformed": `[{]`, "cut off": `[{"op":"add"`, "trailing": `[]]`, "item no object": `[1]`, "null item": `[null]`,
		"no op": `[{"path":"/a"}]`, "unknown op": `[{"op":"frob","path":"/a"}]`, "no path": `[{"op":"add","value":1}]`, "relative path": `[{"op":"add","path":"a","value":1}]`,
		"whole document": `[{"op":"replace","path":"","value":{}}]`, "missing": `[{"op":"remove","path":"/zz"}]`, "test fails": `[{"op":"test","path":"/a","value":2}]`,
		"index too large": `[{"op":"add","path":"/l/9","value":1}]`, "index no number": `[{"op":"add","path":"/l/x","value":1}]`, "negative index": `[{"op":"remove","path":"/l/-9"}]`,
		"below a text": `[{"op":"add","path":"/s/x/y","value":1}]`, "move from nowhere": `[{"op":"move","from":"/zz","path":"/a"}]`, "copy without from": `[{"op":"copy","path":"/a"}]`,
		"deep path": `[{"op":"add","path":"` + strings.Repeat("/a", 60) + `","value":1}]`, "long path": `[{"op":"add","path":"/` + strings.Repeat("a", 20_000) + `","value":1}]`,
		"many":                     "[" + strings.Repeat(`{"op":"test","path":"/a","value":1},`, 10_001) + `{"op":"test","path":"/a","value":1}]`,
		"huge index in the middle": `[{"op":"add","path":"/l/999999999/x","value":1}]`, "huge index below nothing": `[{"op":"add","path":"/new/list/999999999","value":1}]`,
		"many large ones": "[" + strings.Repeat(`{"op":"add","path":"/new/list/9000/x","value":1},`, 3) + `{"op":"add","path":"/l/9/x","value":1}]`, "repeated member": `[{"op":"add","op":"remove","path":"/a"}]`,
	} {
		got, err := apply(`{"a":1,"l":[1],"s":"x"}`, patch)
		if err == nil || entity.KindOf(err) != entity.KindBadRequest {
			t.Errorf("%s: %.100s, %v, want a bad request", name, got, err)
		}
	}
}

func TestIfMatch(t *testing.T) {
	b := tableBed(t)
	table := b.create("table", tableRequest("orders", "", idColumn))
	patch := []byte(`[{"op":"add","path":"/description","value":"x"}]`)
	_, err := b.e.Patch(t.Context(), b.admin, b.typ("table"), engine.ByID(table.ID), patch, 7, engine.View{})
	wantKind(t, err, entity.KindPrecondition, "is at version 0.1, not 0.7")
	if _, err = b.e.Patch(t.Context(), b.admin, b.typ("table"), engine.ByID(table.ID), patch, 1, engine.View{}); err != nil {
		t.Fatal(err)
	}
	_, err = b.e.Patch(t.Context(), b.admin, b.typ("table"), engine.ByFQN("svc.db.sales.orders"), patch, 1, engine.View{})
	wantKind(t, err, entity.KindPrecondition, "read it again")
}

// FuzzJSONPatch: whatever the patch is, it is applied or refused, never with a
// panic, never leaving something that is no JSON, never growing without bound.
func FuzzJSONPatch(f *testing.F) {
	const doc = `{"name":"t","description":"d","tags":[{"tagFQN":"a.b"}],"columns":[{"name":"a","tags":[]},{"name":"b","children":[{"name":"c"}]}],"extension":{"x":null}}`
	for _, patch := range []string{
		`[]`, `[{"op":"add","path":"/tags/0","value":{"tagFQN":"x.y"}}]`, `[{"op":"replace","path":"/columns/1","value":null},{"op":"remove","path":"/columns/1"}]`,
		`[{"op":"test","path":"/name","value":"t"}]`, `[{"op":"move","from":"/columns","path":"/columns/0"}]`, `[{"op":"copy","from":"","path":"/a"}]`,
		`[{"op":"add","path":"/columns/-/tags/0","value":1}]`, `[{"op":"remove","path":"/columns/-1"}]`, `[{"op":"add","path":"/~2","value":1}]`, `[{"op":"add","path":"/a/b/c/0/d","value":[]}]`,
		`[{"op":"copy","from":"/columns","path":"/columns/-"},{"op":"copy","from":"/columns","path":"/columns/-"},{"op":"copy","from":"/columns","path":"/columns/-"}]`,
		`[{"op":"add","path":"/x/1000000000","value":1}]`, `[{"op":"replace","path":"/","value":1}]`, "[{\"op\":\"add\",\"path\":\"/\\u0000\",\"value\":1}]", `{"op":"add"}`, `[`,
	} {
		f.Add(doc, patch)
	}
	f.Fuzz(func(t *testing.T, doc, patch string) {
		if len(doc)+len(patch) > 1<<16 || !jsontext.Value(doc).IsValid() || jsontext.Value(doc).Kind() != '{' {
			return
		}
		out, err := (*engine.Engine)(nil).ApplyPatch([]byte(doc), []byte(patch))
		if err != nil {
			if entity.KindOf(err) != entity.KindBadRequest {
				t.Errorf("%q on %q: %v", patch, doc, err)
			}
			return
		}
		if !jsontext.Value(out).IsValid() {
			t.Errorf("%q on %q leaves %q", patch, doc, out)
		}
		if len(out) > 32<<20 {
			t.Errorf("%q makes %d bytes", patch, len(out))
		}
	})
}
