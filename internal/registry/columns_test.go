package registry_test

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// document makes an entity of a type's own members.
func document(t testing.TB, name, rest string) *entity.Entity {
	t.Helper()
	e := &entity.Entity{Name: name}
	if err := json.Unmarshal([]byte(rest), &e.Rest); err != nil {
		t.Fatal(err)
	}
	return e
}

// expect compares the public message of err with want, "" for no error.
func expect(t *testing.T, err error, want string) {
	t.Helper()
	switch {
	case err == nil && want != "":
		t.Errorf("accepted, want %s", want)
	case err != nil && want == "":
		t.Errorf("refused: %v", err)
	case err != nil && (err.Error() != want || entity.KindOf(err) != entity.KindBadRequest):
		t.Errorf("got %v\nwant %s", err, want)
	}
}

func TestTypesToShow(t *testing.T) {
	tests := []struct{ name, typ, member, in, want string }{
		{"missing", "table", "columns", `[{"name":"a","dataType":"BIGINT"}]`, `[{"name":"a","dataType":"BIGINT","dataTypeDisplay":"bigint"}]`},
		{"given", "table", "columns", `[{"name":"a","dataType":"STRUCT","dataTypeDisplay":"struct<z:INT>"}]`, `[{"name":"a","dataType":"STRUCT","dataTypeDisplay":"struct<z:INT>"}]`},
		{"not below the top", "table", "columns", `[{"dataTypeDisplay":"x","dataType":"STRUCT","children":[{"name":"z","dataType":"INT"}]}]`,
			`[{"dataTypeDisplay":"x","dataType":"STRUCT","children":[{"name":"z","dataType":"INT"}]}]`},
		{"space is kept", "table", "columns", `[ {"dataType":"INT" } , {"dataType":"INT"} ]`, `[ {"dataType":"INT" ,"dataTypeDisplay":"int"} , {"dataType":"INT","dataTypeDisplay":"int"} ]`},
		{"no columns", "table", "columns", `[]`, `[]`},
		{"no data type", "table", "columns", `[{"name":"a"}]`, `[{"name":"a"}]`},
		{"inside a data model", "container", "dataModel", `{"isPartitioned":true,"columns":[{"dataType":"INT"}]}`, `{"isPartitioned":true,"columns":[{"dataType":"INT","dataTypeDisplay":"int"}]}`},
		{"data model without columns", "container", "dataModel", `{"isPartitioned":true}`, `{"isPartitioned":true}`},
		{"worksheet", "worksheet", "columns", `[{"dataType":"STRING"}]`, `[{"dataType":"STRING","dataTypeDisplay":"string"}]`},
		{"data model of a dashboard", "dashboardDataModel", "columns", `[{"dataType":"STRING"}]`, `[{"dataType":"STRING","dataTypeDisplay":"string"}]`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := document(t, "x", `{"`+test.member+`":`+test.in+`}`)
			if err := typ(t, test.typ).Hooks.Prepare(e, nil); err != nil {
				t.Fatal(err)
			}
			if got := string(e.Rest[test.member]); got != test.want {
				t.Errorf("got %s\nwant %s", got, test.want)
			}
		})
	}
	e := &entity.Entity{Name: "x"}
	if err := typ(t, "table").Hooks.Prepare(e, nil); err != nil || e.Rest != nil {
		t.Errorf("no columns at all: %v, %v", e.Rest, err)
	}
}

// TestPrepareTableTwice makes sure that a state that is complete stays as it is,
// so that writing it again is no change.
func TestPrepareTableTwice(t *testing.T) {
	prepare := typ(t, "table").Hooks.Prepare
	column := rapid.Custom(func(t *rapid.T) map[string]any {
		made := map[string]any{"name": rapid.String().Draw(t, "name"), "dataType": rapid.SampledFrom([]string{"INT", "ARRAY", "VARCHAR"}).Draw(t, "type")}
		if rapid.Bool().Draw(t, "described") {
			made["description"] = rapid.StringN(0, 20, -1).Draw(t, "description")
		}
		if rapid.Bool().Draw(t, "shown") {
			made["dataTypeDisplay"] = rapid.StringN(1, 5, -1).Draw(t, "display")
		}
		return made
	})
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.SliceOfN(column, 0, 5).Draw(t, "columns")
		raw, err := json.Marshal(columns)
		if err != nil {
			t.Fatal(err)
		}
		e := &entity.Entity{Rest: map[string]jsontext.Value{"columns": raw}}
		if err := prepare(e, nil); err != nil {
			t.Fatal(err)
		}
		once := string(e.Rest["columns"])
		var shown []map[string]any
		if err := json.Unmarshal([]byte(once), &shown); err != nil {
			t.Fatalf("%s: %v", once, err)
		}
		for i := range shown {
			if shown[i]["dataTypeDisplay"] == nil || shown[i]["name"] != columns[i]["name"] || shown[i]["description"] != columns[i]["description"] {
				t.Fatalf("%v became %v", columns[i], shown[i])
			}
		}
		if err := prepare(e, nil); err != nil || string(e.Rest["columns"]) != once {
			t.Fatalf("%s became %s, %v", once, e.Rest["columns"], err)
		}
	})
}

func TestValidateTable(t *testing.T) {
	const length = "For column data types char, varchar, binary, varbinary dataLength must not be null"
	tests := []struct{ name, rest, want string }{
		{"sound", `{"columns":[{"name":"a","dataType":"INT"},{"name":"A","dataType":"INT"}]}`, ""},
		{"no columns", `{}`, ""},
		{"repeated", `{"columns":[{"name":"a","dataType":"INT"},{"name":"a","dataType":"INT"}]}`, "Column name a is repeated"},
		{"varchar", `{"columns":[{"name":"a","dataType":"VARCHAR"}]}`, length},
		{"char", `{"columns":[{"name":"a","dataType":"CHAR"}]}`, length},
		{"binary", `{"columns":[{"name":"a","dataType":"BINARY"}]}`, length},
		{"varbinary", `{"columns":[{"name":"a","dataType":"VARBINARY"}]}`, length},
		{"varchar of length nought", `{"columns":[{"name":"a","dataType":"VARCHAR","dataLength":0}]}`, ""},
		{"array", `{"columns":[{"name":"a","dataType":"ARRAY"}]}`, "For column data type array, arrayDataType must not be null"},
		{"array of", `{"columns":[{"name":"a","dataType":"ARRAY","arrayDataType":"INT"}]}`, ""},
		{"struct", `{"columns":[{"name":"a","dataType":"STRUCT"}]}`, "For column data type struct, children must not be null"},
		{"struct of nothing", `{"columns":[{"name":"a","dataType":"STRUCT","children":[]}]}`, ""},
		{"constraint", `{"columns":[{"name":"a","dataType":"INT"}],"tableConstraints":[{"constraintType":"UNIQUE","columns":["a"]}]}`, ""},
		{"constraint on nothing", `{"columns":[{"name":"a","dataType":"INT"}],"tableConstraints":[{"constraintType":"UNIQUE","columns":["zz"]}]}`,
			"Invalid column name found in table constraint"},
		{"two primary keys", `{"columns":[{"name":"a","dataType":"INT","constraint":"PRIMARY_KEY"}],"tableConstraints":[{"constraintType":"PRIMARY_KEY","columns":["a"]}]}`,
			"A column already tagged as a primary key and table constraint also includes primary key"},
		{"primary key of two columns", `{"columns":[{"name":"a","dataType":"INT"},{"name":"b","dataType":"INT"}],"tableConstraints":[{"constraintType":"PRIMARY_KEY","columns":["a","b"]}]}`, ""},
		{"columns of another shape", `{"columns":[[]]}`, "columns cannot be read"},
		{"constraints of another shape", `{"columns":[],"tableConstraints":[1]}`, "tableConstraints cannot be read"},
	}
	validate := typ(t, "table").Hooks.Validate
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expect(t, validate(nil, document(t, "x", test.rest)), test.want)
		})
	}
}

// TestValidateTableLooksAtChanges: a state that came to be under other rules can
// still be described or tagged.
func TestValidateTableLooksAtChanges(t *testing.T) {
	validate := typ(t, "table").Hooks.Validate
	const twice = `{"columns":[{"name":"a","dataType":"INT"},{"name":"a","dataType":"INT"}]}`
	old := document(t, "x", twice)
	expect(t, validate(old, document(t, "x", twice)), "")
	expect(t, validate(document(t, "x", `{"columns":[]}`), document(t, "x", twice)), "Column name a is repeated")
}

func BenchmarkTableHooks(b *testing.B) {
	hooks := typ(b, "table").Hooks
	column := `{"name":"column_%","dataType":"VARCHAR","dataLength":255,"description":"What the customer said."}`
	raw := []byte("[")
	for i := range 20 {
		raw = append(raw, column[:16]...)
		raw = append(append(raw, byte('a'+i)), column[17:]...)
		raw = append(raw, ',')
	}
	raw[len(raw)-1] = ']'
	b.ReportAllocs()
	for b.Loop() {
		e := &entity.Entity{Rest: map[string]jsontext.Value{"columns": raw}}
		if err := hooks.Prepare(e, nil); err != nil {
			b.Fatal(err)
		}
		if err := hooks.Validate(nil, e); err != nil {
			b.Fatal(err)
		}
	}
}
