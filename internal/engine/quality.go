package engine

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// RelationTests leads from a logical suite to the test cases it gathers. The
// cases of a basic suite lie below it instead.
const RelationTests = "tests"

// LatestResultKind is the kind of the record that holds the last result of a
// test case.
func LatestResultKind() string { return RecordKind("testCase", "testCaseResult") }

// qualityView is what answers about tests show beside the document.
type qualityView struct {
	suites  map[entity.ID][]jsontext.Value // of a test case
	summary map[entity.ID]*suiteSummary    // of a suite
}

// suiteSummary counts the last results of a suite's tests.
type suiteSummary struct {
	Total   int `json:"total"`
	Success int `json:"success"`
	Failed  int `json:"failed"`
	Aborted int `json:"aborted"`
	Queued  int `json:"queued"`

	results []caseResult
}

type caseResult struct {
	Name      string `json:"testCaseName"`
	Status    string `json:"status,omitzero"`
	Timestamp int64  `json:"timestamp,omitzero"`
}

func (s *suiteSummary) add(r caseResult) {
	s.results = append(s.results, r)
	switch r.Status {
	case "Success":
		s.Success++
	case "Failed":
		s.Failed++
	case "Aborted":
		s.Aborted++
	case "Queued":
		s.Queued++
	}
}

func (h *hydration) readQuality(ctx context.Context, r store.Reader, ids []entity.ID) error {
	switch h.t.Name {
	case "testCase":
		if h.asks("testSuites") {
			return h.readSuites(ctx, r, ids)
		}
	case "testSuite":
		if h.asks("tests") || h.asks("summary") || h.asks("testCaseResultSummary") {
			return h.readTests(ctx, r, ids)
		}
	}
	return nil
}

// readSuites finds the suites that the test cases are in.
func (h *hydration) readSuites(ctx context.Context, r store.Reader, ids []entity.ID) error {
	relations, err := r.RelationsTo(ctx, ids, RelationTests)
	if err != nil {
		return err
	}
	of := map[entity.ID][]entity.ID{} // suite -> cases
	for _, row := range h.rows {
		of[row.Parent] = append(of[row.Parent], row.ID)
	}
	for _, rel := range relations {
		of[rel.From] = append(of[rel.From], rel.To)
	}
	wanted := make([]entity.ID, 0, len(of))
	for id := range of {
		wanted = append(wanted, id)
	}
	h.quality.suites = map[entity.ID][]jsontext.Value{}
	for chunk := range slices.Chunk(wanted, batchSize) {
		rows, err := r.Entities(ctx, chunk)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row.Type != "testSuite" || row.Deleted {
				continue
			}
			suite, err := shortSuite(row)
			if err != nil {
				return err
			}
			for _, id := range of[row.ID] {
				h.quality.suites[id] = append(h.quality.suites[id], suite)
			}
		}
	}
	return nil
}

// shortSuite is a suite without what would have to be looked up.
func shortSuite(row store.Row) (jsontext.Value, error) {
	ent, err := decodeDoc(row.Doc)
	if err != nil {
		return nil, err
	}
	short := map[string]any{
		"id": row.ID, "name": ent.Name, "fullyQualifiedName": row.FQN, "version": row.Version,
		"updatedAt": row.UpdatedAt, "updatedBy": ent.UpdatedBy, "basic": text(ent.Rest["basic"]) == "true" || string(ent.Rest["basic"]) == "true",
	}
	if ent.DisplayName != "" {
		short["displayName"] = ent.DisplayName
	}
	if ent.Description != "" {
		short["description"] = ent.Description
	}
	return encode(short)
}

// readTests finds the cases of suites, below them or gathered by them, and
// their last results.
func (h *hydration) readTests(ctx context.Context, r store.Reader, ids []entity.ID) error {
	below, err := r.Children(ctx, ids, "testCase", maxChildren)
	if err != nil {
		return err
	}
	gathered, err := r.RelationsFrom(ctx, ids, RelationTests)
	if err != nil {
		return err
	}
	cases := map[entity.ID][]entity.ID{}
	var owners []string
	for _, child := range below {
		if !child.Deleted {
			cases[child.Parent] = append(cases[child.Parent], child.ID)
			owners = append(owners, child.ID.String())
		}
	}
	for _, rel := range gathered {
		cases[rel.From] = append(cases[rel.From], rel.To)
		owners = append(owners, rel.To.String())
	}
	if h.children != nil && h.children["tests"] != nil {
		h.children["tests"] = cases
	}
	if !h.asks("summary") && !h.asks("testCaseResultSummary") {
		return nil
	}
	return h.readSummaries(ctx, r, ids, cases, owners)
}

// readSummaries counts the last results of the cases of each suite.
func (h *hydration) readSummaries(ctx context.Context, r store.Reader, ids []entity.ID, cases map[entity.ID][]entity.ID, owners []string) error {
	results := make(map[string]caseResult, len(owners))
	records, err := r.RecordsOf(ctx, LatestResultKind(), "", owners)
	if err != nil {
		return err
	}
	for _, rec := range records {
		var result struct {
			FQN       string `json:"testCaseFQN"`
			Status    string `json:"testCaseStatus"`
			Timestamp int64  `json:"timestamp"`
		}
		if err := json.Unmarshal(rec.Doc, &result); err != nil {
			return entity.Internal(err)
		}
		results[rec.Owner] = caseResult{Name: result.FQN, Status: result.Status, Timestamp: result.Timestamp}
	}
	h.quality.summary = map[entity.ID]*suiteSummary{}
	for _, id := range ids {
		summary := &suiteSummary{Total: len(cases[id]), results: []caseResult{}}
		for _, one := range cases[id] {
			if result, ok := results[one.String()]; ok {
				summary.add(result)
			}
		}
		h.quality.summary[id] = summary
	}
	return nil
}

// fillQuality puts what was found into an entity.
func (h *hydration) fillQuality(ent *entity.Entity) {
	if suites := h.quality.suites[ent.ID]; suites != nil {
		ent.Rest["testSuites"] = mustEncode(suites)
	}
	summary := h.quality.summary[ent.ID]
	if summary == nil {
		return
	}
	if h.asks("summary") {
		ent.Rest["summary"] = mustEncode(summary)
	}
	if h.asks("testCaseResultSummary") {
		ent.Rest["testCaseResultSummary"] = mustEncode(summary.results)
	}
}
