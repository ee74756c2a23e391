package quality_test

import (
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/quality"
)

func TestReadResult(t *testing.T) {
	for _, test := range []struct {
		doc string
		ok  bool
	}{
		{`{"timestamp":5,"testCaseStatus":"Failed","result":"x"}`, true},
		{`{"timestamp":5}`, false},
		{`{"timestamp":5,"testCaseStatus":"Maybe"}`, false},
		{`{"timestamp":0,"testCaseStatus":"Failed"}`, false},
		{`{"timestamp":"soon","testCaseStatus":"Failed"}`, false},
	} {
		got, err := quality.ReadResult([]byte(test.doc))
		if (err == nil) != test.ok || err != nil && entity.KindOf(err) != entity.KindBadRequest {
			t.Errorf("%s: %v", test.doc, err)
		}
		if test.ok && string(got.Rest["result"]) != `"x"` {
			t.Errorf("%s lost members: %v", test.doc, got.Rest)
		}
	}
}

var ann = entity.Ref{ID: entity.NewID(), Type: "user", Name: "ann"}

func TestStagesSayWhatTheyMust(t *testing.T) {
	for _, test := range []struct{ stage, details, wantIn, wantErr string }{
		{quality.New, `{"assignee":{"id":"11111111-2222-4333-8444-555555555555","type":"user"}}`, "", ""},
		{quality.Assigned, `{"assignee":{"id":"11111111-2222-4333-8444-555555555555","type":"user"},"testCaseFailureComment":"x"}`, `"assignee"`, ""},
		{quality.Assigned, `{}`, "", "assignee"},
		{quality.Resolved, `{"testCaseFailureReason":"Other","testCaseFailureComment":"fixed"}`, `"resolvedBy"`, ""},
		{quality.Resolved, `{"testCaseFailureReason":"Other"}`, "", "testCaseFailureComment"},
		{quality.Resolved, `7`, "", "read"},
		{"Forgotten", ``, "", "Forgotten"},
	} {
		next := quality.Status{Stage: test.stage}
		if test.details != "" {
			next.Details = jsontext.Value(test.details)
		}
		got, err := quality.Advance(nil, next, ann, 10)
		if test.wantErr != "" {
			if entity.KindOf(err) != entity.KindBadRequest || !strings.Contains(err.Error(), test.wantErr) {
				t.Errorf("%s %s: %v", test.stage, test.details, err)
			}
			continue
		}
		if err != nil || !strings.Contains(string(got.Details), test.wantIn) || test.wantIn == "" && got.Details != nil {
			t.Errorf("%s %s: %s %v", test.stage, test.details, got.Details, err)
		}
		if strings.Contains(string(got.Details), "comment") && test.stage == quality.Assigned {
			t.Errorf("details of another stage stay: %s", got.Details)
		}
	}
}

func TestAssignee(t *testing.T) {
	s := quality.Status{Stage: quality.Assigned, Details: jsontext.Value(`{"assignee":{"id":"` + ann.ID.String() + `","type":"user"}}`)}
	if got := s.Assignee(); got == nil || got.ID != ann.ID {
		t.Error(got)
	}
	if got := (&quality.Status{}).Assignee(); got != nil {
		t.Error(got)
	}
}

// TestIncidentsEndWhenResolved draws histories: a state lasts until it is
// resolved, and time never stands still.
func TestIncidentsEndWhenResolved(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var latest *quality.Status
		now := int64(1000)
		for range rapid.IntRange(1, 20).Draw(rt, "stages") {
			now += rapid.Int64Range(-3, 3).Draw(rt, "passes")
			stage := rapid.SampledFrom([]string{quality.New, quality.Ack, quality.Resolved}).Draw(rt, "stage")
			next := quality.Status{Stage: stage, Severity: rapid.SampledFrom([]string{"", "Severity1"}).Draw(rt, "severity")}
			if stage == quality.Resolved {
				next.Details = jsontext.Value(`{"testCaseFailureReason":"Other","testCaseFailureComment":"x"}`)
			}
			got, err := quality.Advance(latest, next, ann, now)
			if err != nil {
				rt.Fatal(err)
			}
			if latest != nil {
				if same := got.StateID == latest.StateID; same != latest.Open() {
					rt.Fatalf("state kept: %v after %s", same, latest.Stage)
				}
				if got.Timestamp <= latest.Timestamp || got.ID == latest.ID {
					rt.Fatal("stages run together")
				}
				if latest.Open() && latest.Severity != "" && got.Severity == "" {
					rt.Fatal("the severity got lost")
				}
			}
			latest = &got
		}
	})
}
