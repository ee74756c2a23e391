package csvio

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// TestRowsArePlaced: what a row is about follows from its cells and from what the
// file is imported into, and never lies outside of that.
func TestRowsArePlaced(t *testing.T) {
	asset := func(typ, fqn, name string) map[string]string {
		return map[string]string{"entityType": typ, "fullyQualifiedName": fqn, "name": name}
	}
	for name, tc := range map[string]struct {
		kind, under string
		cells       map[string]string
		want        string // type and name
		refused     string
	}{
		"by its name alone":        {"databaseSchema", "a.b.c", asset("", "", "t"), "table a.b.c.t", ""},
		"a name with a dot":        {"databaseSchema", "a.b.c", asset("", "", "x.y"), `table a.b.c."x.y"`, ""},
		"a name that is quoted":    {"databaseSchema", "a.b.c", asset("table", `a.b.c."x.y"`, "x.y"), `table a.b.c."x.y"`, ""},
		"quotes without need":      {"databaseSchema", "a.b.c", asset("table", `a."b".c.t`, "t"), "table a.b.c.t", ""},
		"a schema":                 {"databaseService", "a", asset("databaseSchema", "a.b.c", "c"), "databaseSchema a.b.c", ""},
		"another schema":           {"databaseSchema", "a.b.c", asset("table", "a.b.d.t", "t"), "", "a.b.d.t does not lie below a.b.c"},
		"a schema alike":           {"databaseSchema", "a.b.c", asset("table", "a.b.cc.t", "t"), "", "does not lie below a.b.c"},
		"too few levels":           {"databaseService", "a", asset("table", "a.b.t", "t"), "", "the name of a table has 4 parts, not 3"},
		"another name":             {"databaseService", "a", asset("table", "a.b.c.t", "u"), "", "the name u and the fullyQualifiedName a.b.c.t do not agree"},
		"a table without its name": {"databaseService", "a", asset("table", "", "t"), "", "a table needs its fullyQualifiedName"},
		"a chart":                  {"databaseService", "a", asset("chart", "a.t", "t"), "", `entityType is one of`},
		"an open quote":            {"databaseSchema", "a.b.c", asset("table", `a.b.c."t`, "t"), "", ""},
		"a column by its name":     {"table", "a.b.c.t", map[string]string{"entityType": "column", "column.name": "x"}, "column a.b.c.t.x", ""},
		"a part of a column":       {"table", "a.b.c.t", map[string]string{"entityType": "column", "column.name": "x.y"}, "column a.b.c.t.x.y", ""},
		"a column in full":         {"table", "a.b.c.t", map[string]string{"entityType": "column", "column.name": "a.b.c.t.x"}, "column a.b.c.t.x", ""},
		"the table as a column":    {"table", "a.b.c.t", asset("column", "a.b.c.t", "t"), "", "a.b.c.t is no column below a.b.c.t"},
		"a column elsewhere":       {"table", "a.b.c.t", asset("column", "a.b.c.u.x", "x"), "", "a.b.c.u.x is no column below a.b.c.t"},
		"a term":                   {"glossary", "G", map[string]string{"name": "t"}, "glossaryTerm G.t", ""},
		"a term below another":     {"glossary", "G", map[string]string{"parent": "G.a", "name": "t.u"}, `glossaryTerm G.a."t.u"`, ""},
		"a term elsewhere":         {"glossary", "G", map[string]string{"parent": "GG", "name": "t"}, "", "the parent GG does not lie below G"},
		"a case of a table":        {"testCase", "a.b.c.t", map[string]string{"entityFQN": "a.b.c.t", "name": "n"}, "testCase a.b.c.t.n", ""},
		"a case of a column":       {"testCase", "a.b.c.t", map[string]string{"entityFQN": "a.b.c.t.x", "name": "n"}, "testCase a.b.c.t.x.n", ""},
		"a case elsewhere":         {"testCase", "a.b.c.t", map[string]string{"entityFQN": "a.b.c.u.x", "name": "n"}, "", "a.b.c.u.x does not lie below a.b.c.t"},
		"a case of a schema":       {"testCase", "a.b.c.t", map[string]string{"entityFQN": "a.b.c", "name": "n"}, "", "a.b.c names neither a table nor a column"},
		"a directory":              {"driveService", "d", map[string]string{"name": "x"}, "directory d.x", ""},
		"a directory elsewhere":    {"driveService", "d", map[string]string{"name": "x", "fullyQualifiedName": "e.x"}, "", "e.x does not lie below d"},
		"a directory's end":        {"driveService", "d", map[string]string{"name": "x", "fullyQualifiedName": "d.ax"}, "", "do not agree"},
	} {
		t.Run(name, func(t *testing.T) {
			kind := tc.kind
			if kind == "testCase" {
				kind = "table" // what cases are imported into
			}
			in := &change{under: &container{sheet: sheetOf(tc.kind, true), kind: kind, fqn: tc.under}, cells: tc.cells}
			err := in.under.sheet.place(in)
			if tc.want == "" {
				if err == nil || entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(engine.Public(err), tc.refused) {
					t.Errorf("the row is about %s %s, error %v, want a bad request that says %q", in.typ, in.fqn, err, tc.refused)
				}
				return
			}
			if got := in.typ + " " + in.fqn; err != nil || got != tc.want {
				t.Errorf("the row is about %s (%v), want %s", got, err, tc.want)
			}
		})
	}
}

func TestHeadersAreFound(t *testing.T) {
	s := sheetOf("databaseSchema", false)
	for header, want := range map[string]string{
		"name": "name", "name*": "name", " NAME* ": "name", "displayname": "displayName", "colour": "", "": "", "*": "",
	} {
		got := ""
		if f := s.find(header); f != nil {
			got = f.name
		}
		if got != want {
			t.Errorf("the header %q is found as %q, want %q", header, got, want)
		}
	}
}

// TestAFieldOfAnEntity sets cells and reads them back.
func TestAFieldOfAnEntity(t *testing.T) {
	for name, tc := range map[string]struct {
		field   field
		before  string // the member; "" when there is none
		member  string
		cell    string
		want    string
		refused string
	}{
		"a flag":                    {flagMember("f", ""), "", "f", "TRUE", "true", ""},
		"an empty flag stays":       {flagMember("f", ""), "true", "f", "", "true", ""},
		"a word for a flag":         {flagMember("f", ""), "true", "f", "yes", "true", `"yes" is neither true nor false`},
		"a text":                    {textMember("f", "", ""), "", "f", `say "x"`, `"say \"x\""`, ""},
		"an empty text goes":        {textMember("f", "", ""), `"old"`, "f", "", "", ""},
		"one member of the style":   {styleField("color", "", ""), `{"color":"#fff","iconURL":"x"}`, "style", "#000", `{"color":"#000","iconURL":"x"}`, ""},
		"the last of the style":     {styleField("color", "", ""), `{"color":"#fff"}`, "style", "", "", ""},
		"synonyms":                  {synonymsField(), "", "synonyms", `a; b;"c;d"`, `["a","b","c;d"]`, ""},
		"no synonyms any more":      {synonymsField(), `["a"]`, "synonyms", "", "", ""},
		"references":                {referencesField(), "", "references", "x;https://x.example", `[{"endpoint":"https://x.example","name":"x"}]`, ""},
		"half a reference":          {referencesField(), `[{"name":"x"}]`, "references", "x;y;z", `[{"name":"x"}]`, "pairs of a name and an address"},
		"parameters":                {parametersField(), "", "parameterValues", `{"name":"a","value":1}`, `[{"name":"a","value":"1"}]`, ""},
		"parameters without a name": {parametersField(), "", "parameterValues", `{"value":1}`, "", "is not a JSON object with a name and a value"},
	} {
		t.Run(name, func(t *testing.T) {
			in := &change{subject: subject{ent: &entity.Entity{Rest: map[string]jsontext.Value{}}}}
			if tc.before != "" {
				in.ent.Rest[tc.member] = jsontext.Value(tc.before)
			}
			err := tc.field.set(in, tc.cell)
			if tc.refused == "" && err != nil || tc.refused != "" && (err == nil || !strings.Contains(engine.Public(err), tc.refused)) {
				t.Errorf("the error is %v, want %q", err, tc.refused)
			}
			raw := in.ent.Rest[tc.member].Clone()
			if raw != nil && raw.Canonicalize() != nil {
				t.Fatalf("%s is not JSON", raw)
			}
			if string(raw) != tc.want {
				t.Errorf("the member is %s, want %s", raw, tc.want)
			}
		})
	}
}

func TestLengthsOfColumns(t *testing.T) {
	f := sheetOf("table", false).find("column.dataLength")
	for cell, want := range map[string]string{"36": "36", "0": "0", "007": "7", "": "9", "-1": "9", "1.5": "9", "ten": "9", "9223372036854775808": "9"} {
		in := &change{subject: subject{col: &column{Rest: map[string]jsontext.Value{"dataLength": jsontext.Value("9")}}}}
		err := f.set(in, cell)
		if got := f.show(&in.subject); got != want || (err != nil) != (want == "9" && cell != "") {
			t.Errorf("%q makes the length %s (%v), want %s", cell, got, err, want)
		}
	}
}

// TestColumnsAreFoundWhileTheyGrow: whatever was put is found under its name, in
// the order it came, and nothing else is.
func TestColumnsAreFoundWhileTheyGrow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		tree, err := newColumnTree("s.d.c.t", nil)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]string{}
		for range rapid.IntRange(0, 60).Draw(t, "puts") {
			parts := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c.d", "e"}), 1, 3).Draw(t, "path")
			fqn := tree.table
			for _, part := range parts {
				fqn = entity.JoinFQN(fqn, part)
			}
			above := entity.ParentFQN(fqn)
			text := rapid.StringN(0, 4, 8).Draw(t, "text")
			err := tree.put(fqn, column{Name: parts[len(parts)-1], Description: text, Children: childrenOf(tree, fqn)})
			if _, ok := want[above]; !ok && above != tree.table {
				if entity.KindOf(err) != entity.KindNotFound {
					t.Fatalf("%s was put below nothing: %v", fqn, err)
				}
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			want[fqn] = text
		}
		got := map[string]string{}
		if err := eachColumn(tree.columns, tree.table, func(c *column, fqn string) error {
			got[fqn] = c.Description
			if tree.byFQN[fqn] != c {
				t.Fatalf("%s is found elsewhere", fqn)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("columns (-put +found):\n%s", diff)
		}
	})
}

// childrenOf keeps the children of a column that is replaced, as an import does.
func childrenOf(tree *columnTree, fqn string) []column {
	if c := tree.byFQN[fqn]; c != nil {
		return c.Children
	}
	return nil
}

// TestReferencesKeepTheirOrder when a cell names the same ones, and inherited
// ones are never taken over.
func TestReferencesKeepTheirOrder(t *testing.T) {
	a, b, c := entity.Ref{ID: entity.NewID(), Type: "user"}, entity.Ref{ID: entity.NewID(), Type: "user"}, entity.Ref{ID: entity.NewID(), Type: "user"}
	inherited := c
	inherited.Inherited = true
	for name, tc := range map[string]struct{ before, given, want []entity.Ref }{
		"the same":             {[]entity.Ref{a, b}, []entity.Ref{a, b}, []entity.Ref{a, b}},
		"another order":        {[]entity.Ref{a, b}, []entity.Ref{b, a}, []entity.Ref{a, b}},
		"named twice":          {[]entity.Ref{a}, []entity.Ref{a, a}, []entity.Ref{a}},
		"one less":             {[]entity.Ref{a, b}, []entity.Ref{b}, []entity.Ref{b}},
		"one other":            {[]entity.Ref{a, b}, []entity.Ref{a, c}, []entity.Ref{a, c}},
		"none":                 {[]entity.Ref{a}, nil, []entity.Ref{}},
		"inherited stays so":   {[]entity.Ref{inherited}, nil, []entity.Ref{inherited}},
		"inherited made own":   {[]entity.Ref{inherited}, []entity.Ref{c}, []entity.Ref{c}},
		"inherited is covered": {[]entity.Ref{inherited}, []entity.Ref{a}, []entity.Ref{a}},
	} {
		got := slices.Clone(tc.before)
		setRefs(&got, tc.given)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
