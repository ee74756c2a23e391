package jsonschema_test

import (
	"bytes"
	"errors"
	"io/fs"
	"net/url"
	"sort"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	reference "github.com/santhosh-tekuri/jsonschema/v6"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/schema"
)

// soundDocuments are accepted; the property test damages them.
var soundDocuments = map[string][]string{
	createTable: {
		`{"name":"orders","columns":[{"name":"id","dataType":"BIGINT","constraint":"PRIMARY_KEY","tags":[{"tagFQN":"PII.None","source":"Classification","labelType":"Manual","state":"Confirmed"}]},
		  {"name":"addr","dataType":"STRUCT","children":[{"name":"zip","dataType":"STRING"}]}],"tableConstraints":[{"constraintType":"UNIQUE","columns":["id"]}],
		  "databaseSchema":"s.d.p","owners":[{"id":"6dd7029b-4e5f-467f-9ea0-c88c4935b1a6","type":"user"}],"extension":{"a":[1,null]},"sourceHash":"0123456789abcdef","tableType":"Regular",
		  "lifeCycle":{"created":{"timestamp":1795477529578,"accessedByAProcess":"etl"}},"tableProfilerConfig":{"profileSample":50.5,"sampleDataCount":50}}`,
	},
	"api/data/createTopic.json":     {`{"name":"t","service":"k","partitions":3,"messageSchema":{"schemaType":"Avro","schemaFields":[{"name":"f","dataType":"RECORD","children":[]}]},"cleanupPolicies":["delete"]}`},
	"api/teams/createUser.json":     {`{"name":"ada","email":"ada@example.com","isAdmin":false,"roles":["6dd7029b-4e5f-467f-9ea0-c88c4935b1a6"],"profile":{"images":{"image":"http://x/y"}}}`},
	"api/tests/createTestCase.json": {`{"name":"t","entityLink":"<#E::table::a.b.c.d::columns::e>","testDefinition":"columnValuesToBeNotNull","parameterValues":[{"name":"min","value":"1"}]}`},
	"api/policies/createPolicy.json": {
		`{"name":"p","rules":[{"name":"r","resources":["all"],"operations":["ViewAll"],"effect":"allow","condition":"isOwner()"}],"enabled":true}`,
	},
	"entity/services/connections/database/mysqlConnection.json": {
		`{"type":"Mysql","scheme":"mysql+pymysql","username":"u","hostPort":"h:1","authType":{"password":"p"},"connectionOptions":{"a":"b"},"schemaFilterPattern":{"includes":["a"]}}`,
		`{"username":"u","hostPort":"h:1","authType":{"awsConfig":{"awsRegion":"eu-west-1"}},"sslConfig":{"caCertificate":"x"}}`,
	},
	"entity/data/glossaryTerm.json": {
		`{"id":"6dd7029b-4e5f-467f-9ea0-c88c4935b1a6","name":"n","description":"d","glossary":{"id":"6dd7029b-4e5f-467f-9ea0-c88c4935b1a6","type":"glossary"},"version":0.3,"style":{"color":"#aabbcc"},
		  "references":[{"name":"w","endpoint":"http://example.com"}],"votes":{"upVotes":1}}`,
	},
}

// referenceEngine lets the reference library match patterns as we do.
type referenceRegexp struct {
	pattern string
	match   func([]byte) bool
}

func (r referenceRegexp) MatchString(s string) bool { return r.match([]byte(s)) }
func (r referenceRegexp) String() string            { return r.pattern }

// filesLoader reads schemas from the embedded files.
type filesLoader struct{}

func (filesLoader) Load(address string) (any, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	text, err := fs.ReadFile(schema.Files, strings.TrimPrefix(u.Path, "/"))
	if err != nil {
		return nil, err
	}
	return reference.UnmarshalJSON(bytes.NewReader(text))
}

func referenceSchema(t *testing.T, name string) *reference.Schema {
	t.Helper()
	c := reference.NewCompiler()
	c.UseLoader(filesLoader{})
	c.UseRegexpEngine(func(pattern string) (reference.Regexp, error) {
		match, err := jsonschema.Matcher(pattern)
		return referenceRegexp{pattern, match}, err
	})
	for _, format := range []string{"uuid", "email", "uri", "date", "time", "date-time", "password"} {
		check, err := jsonschema.FormatCheck(format)
		if err != nil {
			t.Fatal(err)
		}
		c.RegisterFormat(&reference.Format{Name: format, Validate: func(v any) error {
			if text, ok := v.(string); ok && check != nil && !check([]byte(text)) {
				return errors.New("malformed")
			}
			return nil
		}})
	}
	c.AssertFormat()
	compiled, err := c.Compile("file:///" + name)
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// TestAgreesWithReference damages sound documents at random and compares our
// verdict with that of a complete JSON Schema implementation.
func TestAgreesWithReference(t *testing.T) {
	set := load(t)
	for name, documents := range soundDocuments {
		t.Run(name, func(t *testing.T) {
			compiled := referenceSchema(t, name)
			for _, document := range documents {
				if err := set.Validate(name, []byte(document)); err != nil {
					t.Fatalf("%v", err)
				}
			}
			rejected := 0
			rapid.Check(t, func(t *rapid.T) {
				var tree any
				if err := json.Unmarshal([]byte(rapid.SampledFrom(documents).Draw(t, "document")), &tree); err != nil {
					t.Fatal(err)
				}
				for range rapid.IntRange(0, 3).Draw(t, "damages") {
					tree = damage(t, tree)
				}
				doc, err := json.Marshal(tree, json.Deterministic(true))
				if err != nil {
					t.Fatal(err)
				}
				instance, err := reference.UnmarshalJSON(bytes.NewReader(doc))
				if err != nil {
					t.Fatal(err)
				}
				ours, theirs := set.Validate(name, doc), compiled.Validate(instance)
				if (ours == nil) != (theirs == nil) {
					t.Fatalf("%s\nours   %v\ntheirs %v", doc, ours, theirs)
				}
				if ours != nil {
					rejected++
				}
			})
			if rejected == 0 {
				t.Error("no damage was ever noticed")
			}
		})
	}
}

// damage changes one value somewhere in the tree.
func damage(t *rapid.T, tree any) any {
	switch node := tree.(type) {
	case map[string]any:
		if len(node) == 0 || rapid.IntRange(0, 9).Draw(t, "stop") == 0 {
			break
		}
		names := make([]string, 0, len(node))
		for name := range node {
			names = append(names, name)
		}
		sort.Strings(names)
		name := rapid.SampledFrom(names).Draw(t, "member")
		switch rapid.IntRange(0, 3).Draw(t, "how") {
		case 0:
			delete(node, name)
		case 1:
			node[rapid.SampledFrom([]string{"frob", "description", "name", "type", "tags", "displayName"}).Draw(t, "new")] = scalar(t)
		default:
			node[name] = damage(t, node[name])
		}
		return node
	case []any:
		if len(node) == 0 {
			break
		}
		i := rapid.IntRange(0, len(node)-1).Draw(t, "item")
		node[i] = damage(t, node[i])
		return node
	}
	return scalar(t)
}

func scalar(t *rapid.T) any {
	return rapid.OneOf(
		rapid.Just(any(nil)), rapid.Just(any(true)), rapid.Just(any(map[string]any{})), rapid.Just(any([]any{})),
		rapid.Map(rapid.IntRange(-3, 300), func(i int) any { return i }),
		rapid.Just(any(0.5)), rapid.Just(any(2.0)), rapid.Just(any(1795477529578.0)),
		rapid.SampledFrom([]any{"", "a", "a::b", "a\nb", "Regular", "Mysql", "INT", "x@y.z", "a b", "#fff", "<#E::table::a>",
			"6dd7029b-4e5f-467f-9ea0-c88c4935b1a6", "2026-01-02", "2026-01-02T03:04:05Z", strings.Repeat("x", 300)}),
	).Draw(t, "scalar")
}

func FuzzValidate(f *testing.F) {
	for name, documents := range soundDocuments {
		for _, document := range documents {
			f.Add(name, []byte(document))
		}
	}
	f.Add(createTable, []byte(`{"name":"\u0000","columns":[[[[`))
	set := load(f)
	f.Fuzz(func(t *testing.T, name string, doc []byte) {
		if _, known := soundDocuments[name]; !known {
			name = createTable
		}
		err := set.Validate(name, doc)
		if err == nil {
			var tree map[string]any
			if err := json.Unmarshal(doc, &tree); err != nil {
				t.Fatalf("accepted what is no JSON object: %v", err)
			}
		} else if len(err.Error()) > 100_000 {
			t.Fatalf("message of %d bytes", len(err.Error()))
		}
	})
}
