package alert

import (
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// subscription reads a subscription as a request would say it, and prepares it.
func subscription(t *testing.T, text string) *entity.Entity {
	t.Helper()
	var ent entity.Entity
	if err := json.Unmarshal([]byte(text), &ent); err != nil {
		t.Fatal(err)
	}
	if err := Prepare(&ent, nil); err != nil {
		t.Fatal(err)
	}
	return &ent
}

func TestPrepareBuildsRules(t *testing.T) {
	const text = `{"name":"a","alertType":"Observability","resources":["testCase"],
		"input":{"filters":[{"name":"filterByOwner","effect":"exclude","arguments":[{"name":"ownerNameList","input":["o'neil",""]}]}],
			"actions":[{"name":"GetTestCaseStatusUpdates","arguments":[{"name":"testResultList","input":["Failed"]}]},{"name":"GetTestCaseStatusUpdatesUnderSuite"}]},
		"destinations":[{"category":"External","type":"Webhook","statusDetails":{"status":"active"},"config":{"endpoint":"https://x.example.org"}}]}`
	ent := subscription(t, text)
	a, err := FromEntity(ent)
	if err != nil {
		t.Fatal(err)
	}
	f := a.Filtering
	if f == nil || len(f.Rules) != 1 || len(f.Actions) != 2 || f.Resources[0] != "testCase" {
		t.Fatalf("filtering %+v", f)
	}
	if f.Rules[0].Condition != "matchAnyOwnerName({'o''neil'})" || f.Rules[0].Effect != "exclude" || f.Rules[0].PrefixCondition != "AND" {
		t.Errorf("rule %+v", f.Rules[0])
	}
	if f.Actions[0].Condition != "matchTestResult({'Failed'})" || f.Actions[1].Condition != "getTestCaseStatusIfInTestSuite({}, {})" || f.Actions[1].PrefixCondition != "OR" {
		t.Errorf("actions %+v", f.Actions)
	}
	if ent.Rest["resources"] != nil || strings.Contains(string(ent.Rest["destinations"]), "statusDetails") || a.Destinations[0].ID == entity.NilID {
		t.Errorf("left: %s", ent.Rest["destinations"])
	}
	if err := Check(nil, ent); err != nil {
		t.Error(err)
	}
	again := subscription(t, text)
	for name := range ent.Rest {
		if string(again.Rest[name]) != string(ent.Rest[name]) {
			t.Errorf("%s differs the second time: %s, %s", name, ent.Rest[name], again.Rest[name])
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for says, text := range map[string]string{
		"no filter or action": `{"name":"a","input":{"filters":[{"name":"dropTables"}]}}`,
		"not a function":      `{"name":"a","filteringRules":{"resources":["all"],"rules":[{"effect":"include","condition":"matchSomething()"}]}}`,
		"five fields":         `{"name":"a","trigger":{"triggerType":"Scheduled","scheduleInfo":"Custom","cronExpression":"often"}}`,
		"never comes due":     `{"name":"a","trigger":{"triggerType":"Scheduled","scheduleInfo":"Custom","cronExpression":"0 0 31 2 *"}}`,
		"batchSize":           `{"name":"a","batchSize":0}`,
		"retries":             `{"name":"a","retries":1000}`,
		"two destinations":    `{"name":"a","destinations":[{"id":"a3bb189e-8bf9-4e0f-9a5d-0c8f3a2f6d11","type":"ActivityFeed"},{"id":"a3bb189e-8bf9-4e0f-9a5d-0c8f3a2f6d11","type":"ActivityFeed"}]}`,
		"timeout":             `{"name":"a","destinations":[{"type":"ActivityFeed","timeout":600}]}`,
	} {
		if err := Check(nil, subscription(t, text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v does not say %q", text, err, says)
		}
	}
	old := subscription(t, `{"name":"a","batchSize":0}`)
	if err := Check(old, subscription(t, `{"name":"a","batchSize":0,"enabled":false}`)); err != nil {
		t.Errorf("what did not change is looked at again: %v", err)
	}
}

func TestMatch(t *testing.T) {
	changed := &entity.ChangeDescription{FieldsUpdated: []entity.FieldChange{{Name: "columns.id.description"}}}
	tested := &entity.ChangeDescription{FieldsUpdated: []entity.FieldChange{{Name: "testCaseResult"}}}
	table := func() *Occasion {
		return &Occasion{
			EventType: "entityUpdated", EntityType: "table", EntityFQN: "s.db.t", User: "ann", Change: changed,
			State: []byte(`{"owners":[{"id":"a3bb189e-8bf9-4e0f-9a5d-0c8f3a2f6d11","type":"team","name":"Data"}],"domains":[{"id":"a3bb189e-8bf9-4e0f-9a5d-0c8f3a2f6d11","type":"domain","fullyQualifiedName":"Sales"}]}`),
		}
	}
	test := func() *Occasion {
		return &Occasion{
			EventType: "entityUpdated", EntityType: "testCase", EntityFQN: "s.db.t.test", User: "bot", Bot: true, Change: tested,
			State: []byte(`{"testCaseStatus":"Failed","entityLink":"<#E::table::s.db.t>","testSuites":[{"id":"a3bb189e-8bf9-4e0f-9a5d-0c8f3a2f6d11","type":"testSuite","fullyQualifiedName":"nightly"}]}`),
		}
	}
	for condition, want := range map[string][2]bool{ // of the table, of the test
		"matchAnySource({'table'})":                                          {true, false},
		"matchAnyEventType('entityUpdated')":                                 {true, true},
		"matchAnyEventType({'entityDeleted'})":                               {false, false},
		"matchAnyEntityFqn({'s.db'})":                                        {true, true},
		"matchAnyEntityFqn({'s.d'})":                                         {false, false},
		"matchAnyEntityFqn({'s.db.t'})":                                      {true, true},
		"matchAnyOwnerName({'Data','x'})":                                    {true, false},
		"matchAnyDomain({'Sales'})":                                          {true, false},
		"matchUpdatedBy({'ann'})":                                            {true, false},
		"isBot()":                                                            {false, true},
		"!isBot() == true":                                                   {true, false},
		"matchAnyFieldChange({'columns'})":                                   {true, false},
		"matchAnyFieldChange({'description'})":                               {true, false},
		"matchTestResult({'failed'})":                                        {false, true},
		"matchTestResult({'Success'})":                                       {false, false},
		"getTestCaseStatusIfInTestSuite({'Failed'}, {'nightly'})":            {false, true},
		"getTestCaseStatusIfInTestSuite({'Failed'}, {'daily'})":              {false, false},
		"filterByTableNameTestCaseBelongsTo({'s.db.t'})":                     {true, true},
		"filterByTableNameTestCaseBelongsTo({'s.db.other'})":                 {true, false},
		"matchConversationUser({'all'})":                                     {false, false},
		"matchPipelineState({'Failed'})":                                     {false, false},
		"matchDataContractStatus({'Failed'})":                                {false, false},
		"matchIngestionPipelineState({'failed'})":                            {false, false},
		"matchAnyEntityId({'00000000-0000-0000-0000-000000000000'})":         {true, true},
		"filterByEntityNameDataContractBelongsTo({'s.db.t'})":                {false, false},
		"isBot() || matchAnySource({'table'}) && matchUpdatedBy({'nobody'})": {false, true},
	} {
		m, err := NewMatcher(&Filtering{Resources: []string{All}, Rules: []Rule{{Effect: "include", Condition: condition}}})
		if err != nil {
			t.Fatalf("%s: %v", condition, err)
		}
		if got := [2]bool{m.Match(table()), m.Match(test())}; got != want {
			t.Errorf("%s: %v, want %v", condition, got, want)
		}
	}
}

// TestPrefixesJoinRules: AND binds more tightly, and an excluding rule is turned around.
func TestPrefixesJoinRules(t *testing.T) {
	rule := func(prefix, effect, source string) Rule {
		return Rule{PrefixCondition: prefix, Effect: effect, Condition: "matchAnySource({'" + source + "'})"}
	}
	for name, c := range map[string]struct {
		rules []Rule
		want  bool
	}{
		"none":               {nil, true},
		"both":               {[]Rule{rule("AND", "include", "table"), rule("AND", "include", "topic")}, false},
		"either":             {[]Rule{rule("AND", "include", "topic"), rule("OR", "include", "table")}, true},
		"not":                {[]Rule{rule("AND", "exclude", "table")}, false},
		"or not":             {[]Rule{rule("AND", "include", "topic"), rule("OR", "include", "table"), rule("AND", "exclude", "chart")}, true},
		"or, and what fails": {[]Rule{rule("AND", "include", "topic"), rule("OR", "include", "table"), rule("AND", "exclude", "table")}, false},
	} {
		m, err := NewMatcher(&Filtering{Resources: []string{"table"}, Rules: c.rules})
		if err != nil {
			t.Fatal(err)
		}
		if got := m.Match(&Occasion{EntityType: "table"}); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	m, err := NewMatcher(&Filtering{Resources: []string{"topic"}})
	if err != nil || m.Match(&Occasion{EntityType: "table"}) {
		t.Errorf("a type that is not watched passes, %v", err)
	}
}

func TestSchedules(t *testing.T) {
	now := time.Date(2026, 12, 1, 10, 30, 15, 0, time.UTC) // a Tuesday
	for text, want := range map[string]string{
		"Daily": "2026-12-02 00:00", "Weekly": "2026-12-07 00:00", "": "2026-12-07 00:00", "Monthly": "2027-01-01 00:00",
		"*/15 * * * *": "2026-12-01 10:45", "5 7-9 * * 1,3": "2026-12-02 07:05", "0 0 29 2 *": "2028-02-29 00:00", "30 10 1 * 0": "2026-12-06 10:30", "0 12 ? * 7": "2026-12-06 12:00",
		"31/10 10 * * *": "2026-12-01 10:31",
	} {
		trigger := Trigger{Kind: "Scheduled", Schedule: text}
		if strings.Contains(text, " ") {
			trigger = Trigger{Kind: "Scheduled", Schedule: "Custom", Cron: text}
		}
		if got := trigger.Next(now).Format("2006-01-02 15:04"); got != want {
			t.Errorf("%q comes due at %s, want %s", text, got, want)
		}
	}
	for _, text := range []string{"", "* * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "a * * * *", "*/0 * * * *", "5-1 * * * *", "* * * 13 *", "* * * * 8", "-1 * * * *", strings.Repeat("1,", 200) + "1 * * * *"} {
		if (Trigger{Kind: "Scheduled", Schedule: "Custom", Cron: text}).check() == nil {
			t.Errorf("%q is taken for a schedule", text)
		}
	}
}

// FuzzSchedule: no expression makes it panic, or come due before now.
func FuzzSchedule(f *testing.F) {
	f.Add("*/15 * * * *")
	f.Add("0 0 29 2 *")
	f.Add("5 7-9 1,2 1-12/3 1,3")
	now := time.Date(2026, 12, 1, 10, 30, 15, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		trigger := Trigger{Kind: "Scheduled", Schedule: "Custom", Cron: text}
		next := trigger.Next(now)
		if trigger.check() == nil != !next.IsZero() || !next.IsZero() && !next.After(now) {
			t.Errorf("%q comes due at %s", text, next)
		}
	})
}

// TestEverySourceHasRules: what is offered can be built and read.
func TestEverySourceHasRules(t *testing.T) {
	for _, kind := range Types() {
		for _, source := range Sources(kind) {
			for _, rule := range append(source.SupportedFilters, source.SupportedActions...) {
				built := build([]Choice{{Name: rule.Name}}, prefixAnd)
				if len(built) != 1 || strings.Contains(built[0].Condition, "$") {
					t.Fatalf("%s of %s: %+v", rule.Name, source.Name, built)
				}
				if _, err := NewMatcher(&Filtering{Rules: built}); err != nil {
					t.Errorf("%s of %s: %v", rule.Name, source.Name, err)
				}
			}
		}
	}
}
