package registry_test

import (
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/schema"
)

// built holds the registry that the tests share: it does not change.
var built = sync.OnceValues(func() (*registry.Registry, error) {
	set, err := jsonschema.Load(schema.Files)
	if err != nil {
		return nil, err
	}
	return registry.New(set)
})

func load(t testing.TB) (*registry.Registry, *jsonschema.Set) {
	t.Helper()
	r, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return r, r.Schemas()
}

// typ returns the type with the name.
func typ(t testing.TB, name string) *registry.Type {
	t.Helper()
	r, _ := load(t)
	found, ok := r.ByName(name)
	if !ok {
		t.Fatalf("no type %s", name)
	}
	return found
}

func TestLookup(t *testing.T) {
	r, _ := load(t)
	if len(r.All()) < 60 {
		t.Errorf("%d types", len(r.All()))
	}
	if !slices.IsSortedFunc(r.All(), func(a, b *registry.Type) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("types are not in order")
	}
	for _, want := range r.All() {
		byName, _ := r.ByName(want.Name)
		byCollection, _ := r.ByCollection(want.Collection)
		if byName != want || byCollection != want {
			t.Errorf("%s is not found", want.Name)
		}
		if !strings.HasSuffix(want.Collection, "/"+want.Plural) {
			t.Errorf("%s: plural %s, collection %s", want.Name, want.Plural, want.Collection)
		}
	}
	if _, ok := r.ByName("frob"); ok {
		t.Error("found a type that is not there")
	}
	if _, ok := r.ByCollection("/v1/frobs"); ok {
		t.Error("found a collection that is not there")
	}
}

func TestThingsWithoutNamesAreNoTypes(t *testing.T) {
	r, _ := load(t)
	for _, name := range []string{
		"THREAD", "suggestion", "testCaseResult", "testCaseResolutionStatus", "queryCostRecord",
		"workflowInstance", "workflowInstanceState", "entityReportData", "agentExecution",
	} {
		if _, ok := r.ByName(name); ok {
			t.Errorf("%s is a type", name)
		}
	}
}

func TestNewRefusesMissingSchemas(t *testing.T) {
	set, err := jsonschema.Load(fstest.MapFS{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := registry.New(set); err == nil || !strings.Contains(err.Error(), "compile the schemas") {
		t.Errorf("got %v", err)
	}
}

// wire is what clients of the API know of a type.
type wire struct {
	Collection string   `json:"collection"`
	Supports   []string `json:"supports"`
	Expand     []string `json:"expand"`
	Parameters []string `json:"parameters"` // of lists, besides the common ones
}

func readWire(t *testing.T) map[string]wire {
	t.Helper()
	text, err := os.ReadFile("testdata/wire.json")
	if err != nil {
		t.Fatal(err)
	}
	var known map[string]wire
	if err := json.Unmarshal(text, &known); err != nil {
		t.Fatal(err)
	}
	return known
}

func TestTypesAreThoseOfTheWire(t *testing.T) {
	r, set := load(t)
	known := readWire(t)
	if len(known) != len(r.All()) {
		t.Errorf("%d types, the wire has %d", len(r.All()), len(known))
	}
	for _, entry := range r.All() {
		want, ok := known[entry.Name]
		if !ok || want.Collection != entry.Collection {
			t.Errorf("%s: collection %s, want %s", entry.Name, entry.Collection, want.Collection)
		}
		for _, field := range want.Expand {
			if set.Has(entry.Schema, field) && !slices.Contains(entry.Expand, field) {
				t.Errorf("%s: %s is not expanded on request", entry.Name, field)
			}
		}
	}
}

func TestSupportsAreThoseOfTheWire(t *testing.T) {
	r, _ := load(t)
	known := readWire(t)
	for _, entry := range r.All() {
		s := entry.Supports
		for feature, got := range map[string]bool{
			"owners": s.Owners, "tags": s.Tags, "dataProducts": s.DataProducts, "followers": s.Followers,
			"votes": s.Votes, "reviewers": s.Reviewers, "experts": s.Experts, "customProperties": s.Extension,
			"certification": s.Certification, "lifeCycle": s.LifeCycle, "softDelete": s.SoftDelete,
			"usageSummary": s.UsageSummary, "bulk": s.Bulk, "csv": s.CSV, "voteRoute": s.VoteRoute,
			"followersRoute": s.FollowersRoute,
		} {
			want := slices.Contains(known[entry.Name].Supports, feature)
			if got != want && !supportsBeyondTheList(entry.Name, feature) {
				t.Errorf("%s: %s is %v, the wire says %v", entry.Name, feature, got, want)
			}
		}
	}
}

// supportsBeyondTheList are cases in which routes and fields disagree with the
// list of features; the routes and fields are what clients see.
func supportsBeyondTheList(name, feature string) bool {
	switch name + "." + feature {
	case "metric.bulk", "user.csv", "directory.csv":
		return true
	}
	return false
}

// specialParameters are list parameters that are more than a filter on a member
// or a place in the tree: whoever serves the collection knows them.
var specialParameters = map[string][]string{
	"table": {"includeEmptyTestSuite"}, "container": {"root"}, "directory": {"root"}, "file": {"root"}, "spreadsheet": {"root"},
	"query": {"entityType"}, "role": {"default"}, "dashboardService": {"name"},
	"testCase":         {"entityLink", "entityFQN", "includeAllTests", "testCaseType"},
	"testDefinition":   {"testPlatform", "supportedDataType", "supportedService"},
	"testSuite":        {"testSuiteType", "includeEmptyTestSuites"},
	"learningResource": {"pageId", "componentId", "category", "search"}, "ingestionPipeline": {"serviceType"},
}

// addedFilters are parameters of ours: the API has them on other collections.
var addedFilters = map[string][]string{
	"table": {"service"}, "databaseSchema": {"service"}, "storedProcedure": {"service"},
}

func TestFiltersAreThoseOfTheWire(t *testing.T) {
	r, _ := load(t)
	known := readWire(t)
	for _, entry := range r.All() {
		var params []string
		for _, f := range entry.Filters {
			params = append(params, f.Param)
			if needsField := f.Kind == registry.FilterRelation || f.Kind == registry.FilterField; needsField != (f.Field != "") {
				t.Errorf("%s: filter %s has the field %q", entry.Name, f.Param, f.Field)
			}
			if needsTypes := f.Kind == registry.FilterRelation || f.Kind == registry.FilterParent; needsTypes && len(f.Types) == 0 {
				t.Errorf("%s: filter %s has no types", entry.Name, f.Param)
			}
		}
		for _, param := range params {
			if !slices.Contains(known[entry.Name].Parameters, param) && !slices.Contains(addedFilters[entry.Name], param) {
				t.Errorf("%s: the wire does not know the parameter %s", entry.Name, param)
			}
		}
		for _, param := range known[entry.Name].Parameters {
			if !slices.Contains(params, param) && !slices.Contains(specialParameters[entry.Name], param) {
				t.Errorf("%s: the parameter %s is not handled", entry.Name, param)
			}
		}
	}
}

// looseReferences are reference members that are no relation: kinds of thing
// that the catalog does not hold, members kept for old documents, and values
// computed from several relations.
var looseReferences = map[string][]string{
	"user": {"inheritedRoles", "inheritedPersonas"}, "team": {"inheritedRoles"},
	"ingestionPipeline": {"processingEngine"},
	"llmModel":          {"domain"}, "aiApplication": {"domain"}, "aiGovernancePolicy": {"domain"}, "promptTemplate": {"domain"},
}

func TestEveryReferenceHasAMeaning(t *testing.T) {
	r, set := load(t)
	envelope := []string{"owners", "domains", "dataProducts", "reviewers", "experts", "followers", "ingestionRunner"}
	for _, entry := range r.All() {
		meant := slices.Concat(envelope, entry.Ancestors, looseReferences[entry.Name])
		for _, p := range entry.Parents {
			meant = append(meant, p.Field)
		}
		for _, rel := range entry.Relations {
			meant = append(meant, rel.Field)
		}
		for _, c := range entry.Children {
			meant = append(meant, c.Field)
		}
		for _, name := range set.Properties(entry.Schema) {
			p, _ := set.Property(entry.Schema, name)
			if (p.Kind == jsonschema.KindRef || p.Kind == jsonschema.KindRefList) && !slices.Contains(meant, name) {
				t.Errorf("%s: the reference %s has no meaning", entry.Name, name)
			}
		}
	}
}

// TestRequestsReachTheEntity makes sure that what a create request says is not
// dropped: each member is one of the entity, or known to be for others.
func TestRequestsReachTheEntity(t *testing.T) {
	elsewhere := map[string][]string{
		"query": {"dialect"}, "apiEndpoint": {"sourceUrl"}, "app": {"allowBotImpersonation"}, "appMarketPlaceDefinition": {"enabled"},
		"tag": {"associatedTags"}, "user": {"botName", "confirmPassword", "createPasswordType", "password"},
		"learningResource": {"completionThreshold"}, "notificationTemplate": {"domains", "owners"},
		"promptTemplate": {"dataProducts"}, "workflowDefinition": {"type"}, "pipelineService": {"scheduleInterval", "lifeCycle"},
	}
	r, set := load(t)
	for _, entry := range r.All() {
		if entry.Create == "" {
			if entry.Supports.PutAllowed || entry.Supports.PostAllowed {
				t.Errorf("%s can be written but has no create request", entry.Name)
			}
			continue
		}
		for _, name := range set.Properties(entry.Create) {
			request := slices.ContainsFunc(entry.Relations, func(r registry.Relation) bool { return r.Request == name })
			if !set.Has(entry.Schema, name) && !request && !slices.Contains(elsewhere[entry.Name], name) && !entry.RequestOnly[name] {
				t.Errorf("%s: the request's member %s goes nowhere", entry.Name, name)
			}
		}
	}
}

func TestTreeHasNoLoops(t *testing.T) {
	r, _ := load(t)
	var climb func(name string, above []string)
	climb = func(name string, above []string) {
		if slices.Contains(above, name) {
			t.Errorf("%v leads back to %s", above, name)
			return
		}
		entry, ok := r.ByName(name)
		if !ok {
			return
		}
		for _, p := range entry.Parents {
			if p.Type != name && p.Type != "*" { // a term below a term is fine
				climb(p.Type, append(slices.Clone(above), name))
			}
		}
	}
	for _, entry := range r.All() {
		climb(entry.Name, nil)
	}
}

func TestNested(t *testing.T) {
	tests := map[string]string{
		"table": "columns/children dataModel.columns/children", "topic": "messageSchema.schemaFields/children",
		"apiEndpoint": "requestSchema.schemaFields/children responseSchema.schemaFields/children",
		"container":   "dataModel.columns/children", "pipeline": "tasks/", "mlmodel": "mlFeatures/",
		"searchIndex": "fields/children", "dashboardDataModel": "columns/children", "worksheet": "columns/children",
		"file": "columns/children", "dashboard": "", "testCase": "", "glossaryTerm": "",
	}
	for name, want := range tests {
		var got []string
		for _, n := range typ(t, name).Nested {
			got = append(got, strings.Join(n.Path, ".")+"/"+n.Children)
			if !n.FQN {
				t.Errorf("%s: parts of %v have no FQN", name, n.Path)
			}
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %v, want %s", name, got, want)
		}
	}
	if n := typ(t, "dataContract").Nested; len(n) != 1 || n[0].FQN {
		t.Errorf("the columns of a contract keep the names of the table's: %v", n)
	}
}

// BenchmarkNew is what the registry costs at start.
func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		set, err := jsonschema.Load(schema.Files)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := registry.New(set); err != nil {
			b.Fatal(err)
		}
	}
}

func TestReadOnlyTypes(t *testing.T) {
	for name, want := range map[string]bool{"testConnectionDefinition": false, "report": false, "table": true, "bot": true} {
		s := typ(t, name).Supports
		if s.PutAllowed != want || s.PostAllowed != want {
			t.Errorf("%s: PUT %v, POST %v", name, s.PutAllowed, s.PostAllowed)
		}
	}
}
