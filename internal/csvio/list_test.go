package csvio

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSplitList(t *testing.T) {
	for cell, want := range map[string][]string{
		"":                           nil,
		" ; ;":                       nil,
		"a":                          {"a"},
		"a;b; c ":                    {"a", "b", "c"},
		`"a;b";c`:                    {"a;b", "c"},
		`"a.b".c;d`:                  {`"a.b".c`, "d"},
		`x."a;b".c;d`:                {`x."a;b".c`, "d"},
		`"""a.b"".c";d`:              {`"a.b".c`, "d"},
		`user:jane;team:"data;team"`: {"user:jane", `team:"data;team"`},
		`it"s;fine`:                  {`it"s`, "fine"},
	} {
		if diff := cmp.Diff(want, splitList(cell)); diff != "" {
			t.Errorf("%q is taken apart wrongly (-want +got):\n%s", cell, diff)
		}
	}
}

func TestListsSurviveTheRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		items := rapid.SliceOfN(cellText(), 0, 6).Draw(t, "items")
		if got := splitList(joinList(items)); !slices.Equal(got, items) {
			t.Fatalf("%q came back as %q by way of %q", items, got, joinList(items))
		}
	})
}

func TestReadExtension(t *testing.T) {
	for cell, want := range map[string]string{
		"":                                     "",
		"a:b":                                  `{"a":"b"}`,
		"cost:12;checked:true;note: some text": `{"checked":true,"cost":12,"note":"some text"}`,
		`a:"12"`:                               `{"a":"12"}`,
		`"a:[1,2]";b:user:jane`:                `{"a":[1,2],"b":"user:jane"}`,
		`"query:select 1; select 2"`:           `{"query":"select 1; select 2"}`,
	} {
		got, err := readExtension(cell)
		if err != nil {
			t.Errorf("%q: %v", cell, err)
		}
		if string(got) != want {
			t.Errorf("%q is read as %s, want %s", cell, got, want)
		}
	}
	for _, cell := range []string{"a", ":b", "a:1;a:2"} {
		if got, err := readExtension(cell); err == nil {
			t.Errorf("%q is read as %s", cell, got)
		}
	}
}

func TestExtensionsSurviveTheRoundTrip(t *testing.T) {
	value := rapid.Custom(func(t *rapid.T) any {
		switch rapid.IntRange(0, 4).Draw(t, "kind") {
		case 0:
			return rapid.IntRange(-1000, 1000).Draw(t, "number")
		case 1:
			return rapid.Bool().Draw(t, "flag")
		case 2:
			return rapid.SliceOfN(cellText(), 0, 3).Draw(t, "list")
		case 3:
			return map[string]any{"id": cellText().Draw(t, "id")}
		}
		return cellText().Draw(t, "text")
	})
	rapid.Check(t, func(t *rapid.T) {
		names := rapid.SliceOfNDistinct(cellText().Filter(func(s string) bool { return strings.TrimSpace(s) != "" }), 0, 4, rapid.ID[string]).Draw(t, "names")
		members := map[string]any{}
		for _, name := range names {
			members[name] = value.Draw(t, "value")
		}
		want, err := json.Marshal(members, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		cell := showExtension(want)
		got, err := readExtension(cell)
		if err != nil {
			t.Fatalf("%v in %q", err, cell)
		}
		if len(members) == 0 {
			want = nil
		}
		if diff := cmp.Diff(canonical(t, want), canonical(t, got)); diff != "" {
			t.Fatalf("%q (-written +read):\n%s", cell, diff)
		}
	})
}

func canonical(t *rapid.T, raw jsontext.Value) string {
	raw = raw.Clone()
	if raw == nil {
		return ""
	}
	if err := raw.Canonicalize(); err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestReadParameters(t *testing.T) {
	got, err := readParameters(`{"name":"min","value":100}; {"name":"columns","value":["a;b"]};{"name":"text","value":"x"};{"name":"none"}`)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(got)
	if err != nil {
		t.Fatal(err)
	}
	if want := `[{"name":"min","value":"100"},{"name":"columns","value":"[\"a;b\"]"},{"name":"text","value":"x"},{"name":"none"}]`; string(raw) != want {
		t.Errorf("the parameters are %s, want %s", raw, want)
	}
	for _, text := range []string{"min=1", `{"value":1}`, `{"name":"a"`, `[1]`} {
		if _, err := readParameters(text); err == nil {
			t.Errorf("%q is read", text)
		}
	}
}

func TestDocumentationFitsTheSheets(t *testing.T) {
	for _, kind := range Kinds() {
		doc, err := Document(kind)
		if err != nil {
			t.Fatal(err)
		}
		if doc.Summary == "" || len(doc.Headers) == 0 {
			t.Errorf("%s is not described", kind)
		}
		for i, h := range doc.Headers {
			f := &sheetOf(kind, false).fields[i]
			if h.Name != f.name || h.Required != f.required || h.Description == "" || h.Examples == nil {
				t.Errorf("%s: the header %s is described as %+v", kind, f.name, h)
			}
			for _, recursive := range []bool{false, true} {
				if found := sheetOf(kind, recursive).find(f.header()); found == nil || found.name != f.name {
					t.Errorf("%s: an import does not know the header %s", kind, f.header())
				}
			}
		}
	}
	if _, err := Document("chart"); err == nil {
		t.Error("charts are described")
	}
}
