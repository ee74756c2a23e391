package policy

import (
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func labels(t *testing.T, asText bool, list ...entity.TagLabel) jsontext.Value {
	t.Helper()
	raw, err := json.Marshal(list)
	if err != nil {
		t.Fatal(err)
	}
	if asText {
		if raw, err = json.Marshal(string(raw)); err != nil {
			t.Fatal(err)
		}
	}
	return raw
}

func TestOperationsForFields(t *testing.T) {
	for _, test := range []struct {
		name string
		want []Operation
	}{
		{"description", []Operation{EditDescription}},
		{"displayName", []Operation{EditDisplayName}},
		{"owners", []Operation{EditOwners}},
		{"reviewers", []Operation{EditReviewers}},
		{"certification", []Operation{EditCertification}},
		{"roles", []Operation{EditRole}},
		{"defaultRoles", []Operation{EditRole}},
		{"policies", []Operation{EditPolicy}},
		{"teams", []Operation{EditTeams}},
		{"users", []Operation{EditUsers}},
		{"extension", []Operation{EditCustomFields}},
		{"extension.cost", []Operation{EditCustomFields}},
		{"tags", []Operation{EditTags, EditGlossaryTerms, EditTier}},
		{"columns.id.tags", []Operation{EditTags, EditGlossaryTerms, EditTier}},
		{"columns.id.description", []Operation{EditDescription}},
		{`columns."a.b".c.description`, []Operation{EditDescription}},
		{"columns.id.displayName", []Operation{EditDisplayName}},
		{"tasks.load.description", []Operation{EditDescription}},
		{"columns", []Operation{EditAll}},
		{"columns.description", []Operation{EditAll}},
		{"columns.tags", []Operation{EditAll}},
		{"columns.owners.dataType", []Operation{EditAll}},
		{"columns.id.owners", []Operation{EditAll}},
		{`columns."x.description"`, []Operation{EditAll}},
		{`columns."unclosed.description`, []Operation{EditAll}},
		{"isAdmin", []Operation{EditAll}},
		{"domains", []Operation{EditAll}},
		{"extensions", []Operation{EditAll}},
		{"Description", []Operation{EditAll}},
		{"", []Operation{EditAll}},
	} {
		if diff := cmp.Diff(test.want, OperationsForFields(test.name)); diff != "" {
			t.Errorf("%s: %s", test.name, diff)
		}
	}
	want := []Operation{EditAll, EditDescription, EditOwners}
	if diff := cmp.Diff(want, OperationsForFields("owners", "columns", "description", "owners")); diff != "" {
		t.Error(diff)
	}
}

func TestOperationsForChangeOfLabels(t *testing.T) {
	tier1 := entity.TagLabel{TagFQN: "Tier.Tier1", Source: "Classification", LabelType: "Manual", State: "Confirmed"}
	tier2 := entity.TagLabel{TagFQN: "Tier.Tier2", Source: "Classification", LabelType: "Manual", State: "Confirmed"}
	pii := entity.TagLabel{TagFQN: "PII.Sensitive", Source: "Classification", LabelType: "Manual", State: "Suggested"}
	confirmed := pii
	confirmed.State = "Confirmed"
	term := entity.TagLabel{TagFQN: "Tier.Business", Source: "Glossary", LabelType: "Manual", State: "Confirmed"}
	lookalike := entity.TagLabel{TagFQN: "Tiers.Tier1", Source: "Classification"}
	for _, test := range []struct {
		name     string
		old, new []entity.TagLabel
		want     []Operation
	}{
		{"tag added", nil, []entity.TagLabel{pii}, []Operation{EditTags}},
		{"tier added", nil, []entity.TagLabel{tier1}, []Operation{EditTier}},
		{"term added", nil, []entity.TagLabel{term}, []Operation{EditGlossaryTerms}},
		{"lookalike of a tier", nil, []entity.TagLabel{lookalike}, []Operation{EditTags}},
		{"all removed", []entity.TagLabel{pii, tier1, term}, nil, []Operation{EditTags, EditGlossaryTerms, EditTier}},
		{"tier replaced, tag kept", []entity.TagLabel{pii, tier1}, []entity.TagLabel{pii, tier2}, []Operation{EditTier}},
		{"suggestion confirmed", []entity.TagLabel{pii, tier1}, []entity.TagLabel{confirmed, tier1}, []Operation{EditTags}},
		{"order alone", []entity.TagLabel{pii, tier1}, []entity.TagLabel{tier1, pii}, []Operation{EditTags, EditGlossaryTerms, EditTier}},
		{"empty lists", []entity.TagLabel{}, []entity.TagLabel{}, []Operation{EditTags, EditGlossaryTerms, EditTier}},
	} {
		for _, asText := range []bool{false, true} {
			for _, field := range []string{"tags", "columns.id.tags"} {
				f := entity.FieldChange{Name: field}
				if test.old != nil {
					f.OldValue = labels(t, asText, test.old...)
				}
				if test.new != nil {
					f.NewValue = labels(t, asText, test.new...)
				}
				change := &entity.ChangeDescription{FieldsUpdated: []entity.FieldChange{f}}
				if diff := cmp.Diff(test.want, OperationsForChange(change)); diff != "" {
					t.Errorf("%s (%s, text %v): %s", test.name, field, asText, diff)
				}
			}
		}
	}
}

func TestOperationsForChange(t *testing.T) {
	if got := OperationsForChange(nil); got != nil {
		t.Errorf("no change needs %v", got)
	}
	if got := OperationsForChange(&entity.ChangeDescription{}); got != nil {
		t.Errorf("an empty change needs %v", got)
	}
	change := &entity.ChangeDescription{
		FieldsAdded:   []entity.FieldChange{{Name: "owners"}},
		FieldsUpdated: []entity.FieldChange{{Name: "description"}},
		FieldsDeleted: []entity.FieldChange{{Name: "extension.x"}},
	}
	want := []Operation{EditCustomFields, EditDescription, EditOwners}
	if diff := cmp.Diff(want, OperationsForChange(change)); diff != "" {
		t.Error(diff)
	}
	for _, bad := range []string{`{"tagFQN":"Tier.Tier1"}`, `"not a list"`, `7`, `[1]`, `"[`, `"\uD800"`} {
		f := entity.FieldChange{Name: "tags", NewValue: jsontext.Value(bad)}
		got := OperationsForChange(&entity.ChangeDescription{FieldsAdded: []entity.FieldChange{f}})
		if diff := cmp.Diff([]Operation{EditAll}, got); diff != "" {
			t.Errorf("labels %s: %s", bad, diff)
		}
	}
}

func TestEveryChangeNeedsSomething(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := entity.FieldChange{
			Name:     rapid.OneOf(rapid.SampledFrom([]string{"tags", "columns.a.tags"}), rapid.String()).Draw(t, "name"),
			NewValue: jsontext.Value(rapid.SampledFrom([]string{"", "null", "[]", `"[]"`, "{}", "x"}).Draw(t, "value")),
		}
		if ops := OperationsForChange(&entity.ChangeDescription{FieldsUpdated: []entity.FieldChange{f}}); len(ops) == 0 {
			t.Fatalf("%+v needs nothing", f)
		}
	})
}

func TestOperationsForView(t *testing.T) {
	for _, test := range []struct {
		typ    string
		fields []string
		want   []Operation
	}{
		{"table", nil, []Operation{ViewBasic}},
		{"table", []string{"owners", "tags", "domains"}, []Operation{ViewBasic}},
		{"table", []string{"columns", "joins"}, []Operation{ViewBasic}},
		{"table", []string{"usageSummary"}, []Operation{ViewBasic, ViewUsage}},
		{"table", []string{"testSuite", "profile"}, []Operation{ViewBasic, ViewTests, ViewDataProfile}},
		{"table", []string{"sampleData"}, []Operation{ViewBasic, ViewSampleData}},
		{"table", []string{"queries"}, []Operation{ViewBasic, ViewQueries}},
		{"table", []string{"lifeCycle"}, []Operation{ViewAll, ViewBasic}},
		{"database", []string{"databaseSchemas", "location"}, []Operation{ViewBasic}},
		{"database", []string{"databaseProfilerConfig"}, []Operation{ViewAll, ViewBasic}},
		{"pipeline", []string{"tasks", "pipelineStatus"}, []Operation{ViewBasic}},
		{"policy", []string{"roles", "teams", "location"}, []Operation{ViewBasic}},
		{"topic", []string{"tasks"}, []Operation{ViewAll, ViewBasic}},
	} {
		if diff := cmp.Diff(test.want, OperationsForView(test.typ, test.fields...)); diff != "" {
			t.Errorf("%s %v: %s", test.typ, test.fields, diff)
		}
	}
}
