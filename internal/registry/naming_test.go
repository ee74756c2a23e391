package registry_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestNamesFromElsewhere(t *testing.T) {
	svc := &entity.Entity{Name: "svc", FullyQualifiedName: "svc"}
	table := &entity.Entity{Name: "t.x", FullyQualifiedName: `s.d.p."t.x"`}
	tests := []struct {
		what, typ, name, rest string
		parent                *entity.Entity
		want                  string
	}{
		{"query by its text", "query", "", `{"query":"SELECT 1"}`, svc, "svc.0b45cb4e2f58b6b1c1f39ecf8c7b5c4e"},
		{"query with a name", "query", "daily.report", `{"query":"SELECT 1"}`, svc, `svc."daily.report"`},
		{"test case of a table", "testCase", "rows", `{"entityLink":"<#E::table::s.d.p.t>"}`, nil, "s.d.p.t.rows"},
		{"test case of a column", "testCase", "not.null", `{"entityLink":"<#E::table::s.d.p.t::columns::email>"}`, nil, `s.d.p.t.email."not.null"`},
		{"test case of a nested column", "testCase", "x", `{"entityLink":"<#E::table::s.d.p.t::columns::addr.zip>"}`, nil, "s.d.p.t.addr.zip.x"},
		{"test case of a column with a quoted dot", "testCase", "x", `{"entityLink":"<#E::table::s.d.p.t::columns::\"a.b\">"}`, nil, `s.d.p.t."a.b".x`},
		{"suite of a table", "testSuite", "whatever", `{}`, table, `s.d.p."t.x".testSuite`},
		{"suite of its own", "testSuite", "my.suite", `{}`, nil, `"my.suite"`},
		{"contract", "dataContract", "orders", `{}`, table, `s.d.p."t.x".dataContract_orders`},
		{"contract with a dot", "dataContract", "a.b", `{}`, table, `s.d.p."t.x"."dataContract_a.b"`},
		{"document", "document", "x.y", `{}`, nil, `"x.y"`},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			e := document(t, test.name, test.rest)
			got, err := typ(t, test.typ).FQN(e, test.parent)
			if err != nil {
				t.Fatal(err)
			}
			if test.what == "query by its text" {
				// The digest is checked by its properties below and against Prepare here.
				if err := typ(t, "query").Hooks.Prepare(e, svc); err != nil {
					t.Fatal(err)
				}
				if got != "svc."+e.Name || string(e.Rest["checksum"]) != `"`+e.Name+`"` || len(e.Name) != 32 {
					t.Errorf("got %s, name %s, checksum %s", got, e.Name, e.Rest["checksum"])
				}
				return
			}
			if got != test.want {
				t.Errorf("got %s, want %s", got, test.want)
			}
		})
	}
}

func TestDocumentKeepsItsName(t *testing.T) {
	e := &entity.Entity{Name: "x", FullyQualifiedName: "persona.x"}
	if got, err := typ(t, "document").FQN(e, nil); err != nil || got != "persona.x" {
		t.Errorf("%s, %v", got, err)
	}
}

func TestNamesThatCannotBe(t *testing.T) {
	expectFQN := func(name, rest, want string) {
		t.Helper()
		_, err := typ(t, name).FQN(document(t, "x", rest), nil)
		expect(t, err, want)
	}
	expectFQN("query", `{"query":"SELECT 1"}`, "[service must not be null]")
	expectFQN("dataContract", `{}`, "[entity must not be null]")
	expectFQN("testCase", `{"entityLink":"table"}`, `"table" is not an entity link such as <#E::table::service.database.schema.table>`)
	expectFQN("testCase", `{}`, `"" is not an entity link such as <#E::table::service.database.schema.table>`)
	expect(t, typ(t, "testCase").Hooks.Prepare(document(t, "x", `{"entityLink":7}`), nil), `"" is not an entity link such as <#E::table::service.database.schema.table>`)
}

// TestQueryDigest checks the MD5 of texts whose digest is well known.
func TestQueryDigest(t *testing.T) {
	for text, want := range map[string]string{
		"":    "d41d8cd98f00b204e9800998ecf8427e",
		"a":   "0cc175b9c0f1b6a831c399e269772661",
		"abc": "900150983cd24fb0d6963f7d28e17f72",
	} {
		e := document(t, "named", `{"query":"`+text+`"}`)
		if err := typ(t, "query").Hooks.Prepare(e, nil); err != nil || string(e.Rest["checksum"]) != `"`+want+`"` {
			t.Errorf("%q: %s, %v", text, e.Rest["checksum"], err)
		}
		if e.Name != "named" {
			t.Errorf("the name became %s", e.Name)
		}
	}
}

func TestTestCaseSaysWhatItTests(t *testing.T) {
	for link, want := range map[string]string{
		`<#E::table::s.d.p.t>`:                            "s.d.p.t",
		`<#E::table::s.d.p.t::columns::email>`:            "s.d.p.t.email",
		`<#E::table::\"s\".d.p.t::columns::a b>`:          "s.d.p.t.a b",
		`<#E::table::s.d.p.t::description>`:               "s.d.p.t",
		`<#E::table::s.d.p.t::columns::x::description>`:   "s.d.p.t.x",
		`<#E::table::\"s.1\".d.p.t::columns::\"c.1\">`:    `\"s.1\".d.p.t.\"c.1\"`,
		`<#E::table::s.d.p.t::columns::outer.inner.leaf>`: "s.d.p.t.outer.inner.leaf",
	} {
		e := document(t, "x", `{"entityLink":"`+link+`"}`)
		if err := typ(t, "testCase").Hooks.Prepare(e, nil); err != nil || string(e.Rest["entityFQN"]) != `"`+want+`"` {
			t.Errorf("%s: %s, %v", link, e.Rest["entityFQN"], err)
		}
	}
}

func TestSuiteOfATableIsBasic(t *testing.T) {
	prepare := typ(t, "testSuite").Hooks.Prepare
	of, alone := document(t, "x", `{}`), document(t, "x", `{}`)
	if err := prepare(of, &entity.Entity{}); err != nil || string(of.Rest["basic"]) != "true" {
		t.Errorf("%s, %v", of.Rest["basic"], err)
	}
	if err := prepare(alone, nil); err != nil || alone.Rest["basic"] != nil {
		t.Errorf("%s, %v", alone.Rest["basic"], err)
	}
}

// TestTestCaseNamesParse: whatever the names, the FQN splits into the table, the
// column and the test.
func TestTestCaseNamesParse(t *testing.T) {
	fqn := typ(t, "testCase").FQN
	word := rapid.StringOfN(rapid.RuneFrom([]rune("ab._- é😀")), 1, 8, -1)
	rapid.Check(t, func(t *rapid.T) {
		table := entity.BuildFQN(word.Draw(t, "service"), word.Draw(t, "database"), word.Draw(t, "schema"), word.Draw(t, "table"))
		column, name := word.Draw(t, "column"), word.Draw(t, "name")
		link, err := jsontext.AppendQuote(nil, "<#E::table::"+table+"::columns::"+entity.QuoteName(column)+">")
		if err != nil {
			t.Fatal(err)
		}
		e := &entity.Entity{Name: name, Rest: map[string]jsontext.Value{"entityLink": link}}
		got, err := fqn(e, nil)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := entity.SplitFQN(got)
		if err != nil || len(parts) != 6 {
			t.Fatalf("%s: %v, %v", got, parts, err)
		}
		if strings.Join(parts[:4], ".") != table || entity.UnquoteName(parts[4]) != column || entity.UnquoteName(parts[5]) != name {
			t.Fatalf("%s from %s, %s, %s", got, table, column, name)
		}
	})
}
