package jsonschema_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/schema"
)

const createTable = "api/data/createTable.json"

func load(t testing.TB) *jsonschema.Set {
	t.Helper()
	set, err := jsonschema.Load(schema.Files)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func TestEverySchemaCompiles(t *testing.T) {
	set := load(t)
	names, err := set.Names()
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 500 {
		t.Fatalf("%d schemas, want some 500", len(names))
	}
	for _, name := range names {
		if err := set.Compile(name); err != nil {
			t.Errorf("%v", err)
		}
	}
}

// table returns a create request with the given members in front of sound ones.
func table(members string) string {
	return `{` + members + `"databaseSchema":"svc.db.public"}`
}

func TestValidateMessages(t *testing.T) {
	const cols = `"columns":[{"name":"a","dataType":"INT"}],`
	tests := []struct {
		name, doc string
		want      string // "" for no error; a prefix ending in … matches the rest
	}{
		{"sound", table(cols + `"name":"a",`), ""},
		{"optional members may be null", table(cols + `"name":"a","description":null,"owners":null,"tableType":null,"sourceHash":null,`), ""},
		{"no name", table(cols), "[name must not be null]"},
		{"null name", table(cols + `"name":null,`), "[name must not be null]"},
		{"empty name", table(cols + `"name":"",`), "[name size must be between 1 and 256]"},
		{"long name", table(cols + `"name":"` + strings.Repeat("x", 257) + `",`), "[name size must be between 1 and 256]"},
		{"long name of few characters", table(cols + `"name":"` + strings.Repeat("ä", 256) + `",`), ""},
		{"colons", table(cols + `"name":"a::b",`), `[name must match "^((?!::).)*$"]`},
		{"newline", table(cols + `"name":"a\nb",`), `[name must match "^((?!::).)*$"]`},
		{"line separator", table(cols + `"name":"a\u2028b",`), `[name must match "^((?!::).)*$"]`},
		{"number for a name", table(cols + `"name":5,`), "[name must be a string]"},
		{"several", `{"name":"","columns":null,"databaseSchema":null}`,
			"[name size must be between 1 and 256, columns must not be null, databaseSchema must not be null]"},
		{"in a column", table(`"name":"a","columns":[{"name":"a","dataType":"INT"},{"name":"b"}],`), "[columns[1].dataType must not be null]"},
		{"below a column", table(`"name":"a","columns":[{"name":"a","dataType":"STRUCT","children":[{"dataType":"INT"}]}],`),
			"[columns[0].children[0].name must not be null]"},
		{"bad type of a column", table(`"name":"a","columns":[{"name":"a","dataType":"FROB"}],`), "[columns[0].dataType must be one of [NUMBER, …"},
		{"unknown member", table(cols + `"name":"a","frob":1,`), `[Unrecognized field "frob" (22 known properties: name, displayName, …`},
		{"unknown member below", table(`"name":"a","columns":[{"name":"a","dataType":"INT","nope":{}}],`), `[Unrecognized field "nope" in columns[0] (…`},
		{"owner without id", table(cols + `"name":"a","owners":[{"type":"user"}],`), "[owners[0].id must not be null]"},
		{"owner with a bad id", table(cols + `"name":"a","owners":[{"id":"1","type":"user"}],`), "[owners[0].id must be a well-formed uuid]"},
		{"tag without source", table(cols + `"name":"a","tags":[{"tagFQN":"PII.Sensitive"}],`), ""},
		{"object for a name of a schema", `{"name":"a",` + cols + `"databaseSchema":{"id":"x"}}`, "[databaseSchema must be a string]"},
		{"array", `[]`, "[the body must be an object]"},
		{"null", `null`, "[the body must not be null]"},
		{"nothing", ` `, "The request has no body"},
		{"cut off", `{"name": "x", `, "The body is not valid JSON: it ends too early"},
		{"two documents", table(cols+`"name":"a",`) + ` {}`, "The body goes on after the end of the JSON document"},
		{"text behind", table(cols+`"name":"a",`) + ` xyz`, "The body is not valid JSON: …"},
		{"repeated member", table(cols + `"name":"a","name":"b",`), `The body is not valid JSON: the member "/name" occurs twice`},
		{"repeated member of an open object", table(cols + `"name":"a","extension":{"k":1,"k":2},`), `The body is not valid JSON: the member "/extension/k" occurs twice`},
		{"invalid UTF-8", table(cols + `"name":"a` + "\xff" + `",`), "The body is not valid JSON: …"},
		{"NUL", table(cols + `"name":"a\u0000b",`), "[name must not contain the character U+0000]"},
		{"NUL in an open object", table(cols + `"name":"a","extension":{"k":"\u0000"},`), "[extension must not contain the character U+0000]"},
		{"NUL in a member name", table(cols + `"name":"a","extension":{"\u0000":1},`), "[extension must not contain the character U+0000]"},
		{"escaped backslash before u0000", table(cols + `"name":"a\\u0000b",`), ""},
		{"quote and emoji", table(cols + `"name":"a\"\ud83d\ude00b",`), ""},
	}
	set := load(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expect(t, set.Validate(createTable, []byte(test.doc)), test.want)
		})
	}
}

// expect compares the public message of err with want.
func expect(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil {
		if want != "" {
			t.Fatalf("accepted, want %s", want)
		}
		return
	}
	if kind := entity.KindOf(err); kind != entity.KindBadRequest {
		t.Fatalf("kind %v of %v", kind, err)
	}
	prefix, open := strings.CutSuffix(want, "…")
	if got := err.Error(); got != want && (!open || !strings.HasPrefix(got, prefix)) {
		t.Fatalf("got  %s\nwant %s", got, want)
	}
}

func TestValidateLimits(t *testing.T) {
	set := load(t)
	columns := func(depth int) string {
		return strings.Repeat(`[{"name":"a","dataType":"STRUCT","children":`, depth) + `[]` + strings.Repeat(`}]`, depth)
	}
	open := func(depth int) string { return strings.Repeat(`[`, depth) + strings.Repeat(`]`, depth) }
	tests := []struct{ name, doc, want string }{
		{"deep columns", table(`"name":"a","columns":` + columns(31) + `,`), ""},
		{"columns too deep", table(`"name":"a","columns":` + columns(32) + `,`), "[columns[0].children…"},
		{"deep extension", table(`"name":"a","columns":[],"extension":` + open(63) + `,`), ""},
		{"extension too deep", table(`"name":"a","columns":[],"extension":` + open(64) + `,`), "[extension is nested deeper than 64 levels …"},
		{"far too deep", strings.Repeat(`{"a":`, 100_000), "The body is not valid JSON: exceeded max depth …"},
		{"many brackets", strings.Repeat(`[`, 100_000), "The body is not valid JSON: …"},
		{"many problems", table(`"name":"a","columns":[` + strings.Repeat(`{},`, 499) + `{}],`), "[columns[0].name must not be null, …"},
		{"many values", table(`"name":"a","columns":[],"extension":[` + strings.Repeat(`0,`, jsonschema.MaxValues) + `0],`), "[extension is nested …"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			err := set.Validate(createTable, []byte(test.doc))
			expect(t, err, test.want)
			if err != nil && len(err.Error()) > 8000 {
				t.Errorf("message of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestValidateConnection(t *testing.T) {
	set := load(t)
	const sound = `{"type":"Mysql","username":"u","hostPort":"h:1","authType":{"password":"p"}}`
	tests := []struct{ name, category, service, config, want string }{
		{"sound", "databaseService", "Mysql", sound, ""},
		{"category alone", "database", "Mysql", sound, ""},
		{"null members", "databaseService", "Mysql", `{"username":"u","hostPort":"h","authType":null,"scheme":null}`, ""},
		{"unknown member", "databaseService", "Mysql", `{"username":"u","hostPort":"h","nope":1}`, `[Unrecognized field "nope" in connection.config (…`},
		{"missing member", "databaseService", "Mysql", `{"username":"u"}`, "[connection.config.hostPort must not be null]"},
		{"config of another type", "databaseService", "Postgres", sound, "[connection.config.type must be one of [Postgres], not \"Mysql\", …"},
		{"bad alternative", "databaseService", "Mysql", `{"username":"u","hostPort":"h","authType":{"frob":1}}`, `[Unrecognized field "frob" in connection.config.authType (…`},
		{"no alternative of this kind", "databaseService", "Mysql", `{"username":"u","hostPort":"h","authType":7}`, "[connection.config.authType has none of the shapes allowed]"},
		{"no settings of its own", "apiService", "WEBHOOK", `{"anything":[1]}`, ""},
		{"not an object", "apiService", "WEBHOOK", `[]`, "[connection.config must be an object]"},
		{"unknown service type", "databaseService", "Frob", `{}`, `"Frob" is no service type of a databaseService`},
		{"unknown category", "frobService", "Mysql", `{}`, `"frobService" is no category of services`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			expect(t, set.ValidateConnection(test.category, test.service, []byte(test.config)), test.want)
		})
	}
}

func TestUnknownSchemaIsInternal(t *testing.T) {
	set := load(t)
	for _, name := range []string{"no/such.json", "entity/data/table.json#/$defs/frob", "../go.mod", ""} {
		if err := set.Validate(name, []byte(`{}`)); entity.KindOf(err) != entity.KindInternal || err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// wideTable is a create request with n columns such as ingestion sends.
func wideTable(n int) []byte {
	var b strings.Builder
	b.WriteString(`{"name":"orders","description":"All the orders of the shop.","tableType":"Regular","columns":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":"column_%d","dataType":"VARCHAR","dataLength":255,"dataTypeDisplay":"varchar(255)",`+
			`"description":"What the customer said in answer to question %d.","constraint":"NOT_NULL","ordinalPosition":%d}`, i, i, i)
	}
	b.WriteString(`],"tableConstraints":[],"databaseSchema":"svc.db.public","sourceHash":"0123456789abcdef0123456789abcdef"}`)
	return []byte(b.String())
}

func BenchmarkValidateTable(b *testing.B) {
	set, doc := load(b), wideTable(20)
	b.SetBytes(int64(len(doc)))
	b.ReportAllocs()
	for b.Loop() {
		if err := set.Validate(createTable, doc); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoadAndCompileTable(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if err := load(b).Compile("entity/data/table.json"); err != nil {
			b.Fatal(err)
		}
	}
}
