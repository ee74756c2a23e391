package profile_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/profile"
)

func table(t *testing.T, doc string) *entity.Entity {
	t.Helper()
	ent := new(entity.Entity)
	if err := json.Unmarshal([]byte(doc), ent); err != nil {
		t.Fatal(err)
	}
	return ent
}

const orders = `{"id":"11111111-2222-4333-8444-555555555555","name":"orders","tags":[{"tagFQN":"Tier.Tier2","source":"Classification","labelType":"Manual","state":"Confirmed"}],
	"columns":[{"name":"id","dataType":"INT"},{"name":"address","dataType":"STRUCT","children":[{"name":"zip.code","dataType":"INT"}]}],
	"dataModel":{"modelType":"DBT","sql":"select 1"}}`

func TestSplitColumn(t *testing.T) {
	for _, test := range []struct {
		fqn, table string
		path       []string
		bad        bool
	}{
		{fqn: "s.d.p.t.c", table: "s.d.p.t", path: []string{"c"}},
		{fqn: `"s.1".d.p.t.a."b.c"`, table: `"s.1".d.p.t`, path: []string{"a", "b.c"}},
		{fqn: "s.d.p.t", bad: true},
		{fqn: `s.d.p."t`, bad: true},
	} {
		got, path, err := profile.SplitColumn(test.fqn)
		if test.bad {
			if entity.KindOf(err) != entity.KindBadRequest {
				t.Errorf("%s: %v", test.fqn, err)
			}
			continue
		}
		if err != nil || got != test.table || !cmp.Equal(path, test.path) {
			t.Errorf("%s: %s %v %v", test.fqn, got, path, err)
		}
	}
}

func TestFindGoesDown(t *testing.T) {
	columns, err := profile.Columns(table(t, orders))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		path []string
		want bool
	}{
		{[]string{"id"}, true}, {[]string{"address", "zip.code"}, true}, {[]string{"zip.code"}, false}, {[]string{"id", "x"}, false}, {nil, false},
	} {
		if got := profile.Find(columns, test.path) != nil; got != test.want {
			t.Errorf("%v: %v", test.path, got)
		}
	}
	var names []string
	profile.Each(columns, func(c *profile.Column) { names = append(names, c.Name) })
	if !cmp.Equal(names, []string{"id", "address", "zip.code"}) {
		t.Error(names)
	}
}

func TestMaskKeepsCounts(t *testing.T) {
	out, err := profile.Mask(jsontext.Value(`{"name":"email","nullCount":3,"min":"ann","max":"zoe","histogram":{"boundaries":["ann"]},"cardinalityDistribution":{"categories":["ann"]}}`))
	if err != nil || strings.Contains(string(out), "ann") || strings.Contains(string(out), "zoe") || !strings.Contains(string(out), `"nullCount":3`) {
		t.Errorf("%s %v", out, err)
	}
}

func TestModelBringsTagsAndKeepsSQL(t *testing.T) {
	ent := table(t, orders)
	model := `{"modelType":"DBT","rawSql":"","tags":[{"tagFQN":"Tier.Tier1","source":"Classification","labelType":"Automated","state":"Suggested"},
		{"tagFQN":"Tier.Tier2","source":"Classification","labelType":"Automated","state":"Suggested"}],"owners":[{"id":"21111111-2222-4333-8444-555555555555","type":"user"}],
		"columns":[{"name":"id","dataType":"INT","tags":[{"tagFQN":"PII.None","source":"Classification","labelType":"Automated","state":"Suggested"}]},{"name":"gone","dataType":"INT"}]}`
	if err := profile.ApplyModel(ent, jsontext.Value(model)); err != nil {
		t.Fatal(err)
	}
	var tags []string
	for _, label := range ent.Tags {
		tags = append(tags, label.TagFQN+" "+label.LabelType)
	}
	if !cmp.Equal(tags, []string{"Tier.Tier2 Manual", "Tier.Tier1 Automated"}) {
		t.Error(tags)
	}
	columns, err := profile.Columns(ent)
	if err != nil || len(columns) != 2 || columns[0].Tags[0].TagFQN != "PII.None" {
		t.Errorf("%v %v", columns, err)
	}
	if len(ent.Owners) != 1 || !strings.Contains(string(ent.Rest["dataModel"]), `"sql":"select 1"`) {
		t.Errorf("%v %s", ent.Owners, ent.Rest["dataModel"])
	}
	other := entity.Ref{ID: entity.NewID(), Type: "user"}
	ent.Owners = []entity.Ref{other}
	if err := profile.ApplyModel(ent, jsontext.Value(model)); err != nil || ent.Owners[0] != other {
		t.Errorf("owners of people went: %v %v", ent.Owners, err)
	}
}

func TestMetrics(t *testing.T) {
	ent := table(t, orders)
	put := func(m profile.Metric) error { return profile.PutMetric(ent, m) }
	if err := put(profile.Metric{Name: "a", Expression: "1"}); err != nil {
		t.Fatal(err)
	}
	before := string(ent.Rest["customMetrics"])
	if err := put(profile.Metric{Name: "a", Expression: "2"}); err != nil {
		t.Fatal(err)
	}
	if after := string(ent.Rest["customMetrics"]); after != strings.Replace(before, `"1"`, `"2"`, 1) {
		t.Errorf("%s became %s", before, after)
	}
	if err := put(profile.Metric{Name: "a", ColumnName: "nope", Expression: "2"}); entity.KindOf(err) != entity.KindNotFound {
		t.Error(err)
	}
	if err := put(profile.Metric{Name: "b", ColumnName: "id", Expression: "2"}); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		column, name string
		there        bool
	}{{"", "b", false}, {"id", "b", true}, {"id", "b", false}, {"", "a", true}} {
		if err := profile.RemoveMetric(ent, test.column, test.name); (err == nil) != test.there {
			t.Errorf("%s %s: %v", test.column, test.name, err)
		}
	}
	for i := range 201 {
		err := put(profile.Metric{Name: strings.Repeat("x", i+1), Expression: "1"})
		if (err == nil) != (i < 200) {
			t.Fatalf("metric %d: %v", i, err)
		}
	}
}
