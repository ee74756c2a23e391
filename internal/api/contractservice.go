package api

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/contract"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// observedService gathers what ingestion has told of how new the data of an asset is: its
// life cycle, the operations that its system recorded, and the profile of the column that
// says how new a row is.
func (c *call) observedService(r store.Reader, s *subject, promised *contract.Promises) (contract.Observed, error) {
	seen := contract.Observed{Now: c.clock().UnixMilli()}
	var cycle struct {
		Created, Updated struct {
			At int64 `json:"timestamp"`
		}
	}
	if raw := s.about.Rest["lifeCycle"]; raw != nil {
		if err := json.Unmarshal(raw, &cycle, json.MatchCaseInsensitiveNames(true)); err != nil {
			return seen, entity.Internal(err)
		}
	}
	seen.Refreshed = max(cycle.Created.At, cycle.Updated.At)
	if s.t.Name != "table" {
		return seen, nil
	}
	last, err := systemSeries().Latest(c.ctx(), r, s.about.ID)
	if err != nil && !missing(err) {
		return seen, err
	}
	if err == nil {
		seen.Refreshed = max(seen.Refreshed, last.At)
	}
	if promised.Column == "" {
		return seen, nil
	}
	profile, err := columnSeries([]string{promised.Column}).Latest(c.ctx(), r, s.about.ID)
	if missing(err) {
		return seen, nil
	}
	if err != nil {
		return seen, err
	}
	var values struct {
		Max jsontext.Value `json:"max"`
	}
	if err := json.Unmarshal(profile.Doc, &values); err != nil {
		return seen, entity.Internal(err)
	}
	seen.Newest, seen.Looked = contract.TimeOf(values.Max), profile.At
	seen.Refreshed = max(seen.Refreshed, seen.Newest)
	return seen, nil
}

// maxExpecting bounds the contracts that one result of a test is told to.
const maxExpecting = 100

// tellContracts brings the newest results of the contracts that expect a test in line
// with its outcome. A contract that was never validated has none to bring in line.
func (c *call) tellContracts(tx store.Tx, test entity.ID) error {
	relations, err := tx.RelationsFrom(c.ctx(), []entity.ID{test}, "qualityExpectations")
	if err != nil || len(relations) == 0 {
		return err
	}
	ids := make([]entity.ID, 0, len(relations))
	for _, rel := range relations[:min(len(relations), maxExpecting)] {
		ids = append(ids, rel.To)
	}
	rows, err := tx.Entities(c.ctx(), ids)
	if err != nil {
		return err
	}
	for _, row := range rows {
		if err := c.renewContractResult(tx, row); err != nil {
			return err
		}
	}
	return nil
}

// renewContractResult compares the newest result of a contract with what tests say now.
func (c *call) renewContractResult(tx store.Tx, row store.Row) error {
	rec, err := contractResults().Latest(c.ctx(), tx, row.ID)
	if missing(err) || row.Deleted {
		return nil
	}
	if err != nil {
		return err
	}
	var expects struct {
		Tests []entity.Ref              `json:"qualityExpectations"`
		Rest  map[string]jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(row.Doc, &expects); err != nil {
		return entity.Internal(err)
	}
	outcomes, err := c.lastOutcomes(tx, expects.Tests)
	if err != nil {
		return err
	}
	doc, ok, err := contract.Renew(rec.Doc, expects.Tests, outcomes)
	if err != nil || !ok {
		return err
	}
	rec.Doc = doc
	if err := tx.PutRecord(c.ctx(), rec); err != nil {
		return err
	}
	return c.showContractResult(tx, row)
}
