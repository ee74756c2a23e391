package api

import (
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/quality"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// resultSeries are the results of a test case.
func resultSeries() timeseries.Series { return timeseries.Series{Kind: "testCaseResult", Keep: 2000} }

const resultSchema = "tests/basic.json#/$defs/testCaseResult"

func (c *call) addResult(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	body, err := c.validated(resultSchema)
	if err != nil {
		return err
	}
	result, err := quality.ReadResult(body)
	if err != nil {
		return err
	}
	err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		row, err := c.liveRow(tx, t, sel, policy.EditTests)
		if err != nil {
			return err
		}
		result.ID, result.TestCase, result.IncidentID = entity.NewID(), row.FQN, nil
		if result.Status == quality.Failed {
			if result.IncidentID, err = c.openIncident(tx, row); err != nil {
				return err
			}
		}
		return c.putResult(tx, row, result)
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, result)
}

// putResult stores a result and shows it on the test case if it is the newest.
func (c *call) putResult(tx store.Tx, row store.Row, result quality.Result) error {
	doc, err := encoded(result)
	if err != nil {
		return err
	}
	if err := resultSeries().Put(c.ctx(), tx, row.ID, result.Timestamp, timeseries.Key(result.Timestamp), doc); err != nil {
		return err
	}
	return c.showLatestResult(tx, row)
}

// showLatestResult brings the test case in line with its newest result.
func (c *call) showLatestResult(tx store.Tx, row store.Row) error {
	row, err := tx.Entity(c.ctx(), row.ID) // as an incident may have left it
	if err != nil {
		return err
	}
	latest, err := resultSeries().Latest(c.ctx(), tx, row.ID)
	if missing(err) {
		if _, err := tx.DeleteRecord(c.ctx(), engine.LatestResultKind(), row.ID.String(), ""); err != nil {
			return err
		}
		if err := c.engine.Amend(c.ctx(), tx, c.by, row, map[string]jsontext.Value{"testCaseStatus": nil}); err != nil {
			return err
		}
		return c.tellContracts(tx, row.ID)
	}
	if err != nil {
		return err
	}
	rec := store.Record{Kind: engine.LatestResultKind(), Owner: row.ID.String(), At: latest.At, Doc: latest.Doc}
	if err := tx.PutRecord(c.ctx(), rec); err != nil {
		return err
	}
	result, err := quality.ReadResult(latest.Doc)
	if err != nil {
		return entity.Internal(err)
	}
	status, err := encoded(result.Status)
	if err != nil {
		return err
	}
	members := map[string]jsontext.Value{"testCaseStatus": status}
	if err := c.engine.Amend(c.ctx(), tx, c.by, row, members); err != nil {
		return err
	}
	if err := c.engine.Touch(c.ctx(), tx, c.by, row, touched(row, "testCaseResult")); err != nil {
		return err
	}
	return c.tellContracts(tx, row.ID)
}

func (c *call) listResults(t *registry.Type) error {
	return c.listSeries(t, resultSeries(), policy.ViewTests)
}

// resultAt finds the result that the path names by its time.
func (c *call) resultAt(tx store.Tx, row store.Row) (store.Record, error) {
	at, err := c.pathTime("timestamp")
	if err != nil {
		return store.Record{}, err
	}
	rec, err := tx.Record(c.ctx(), resultSeries().Kind, row.ID.String(), timeseries.Key(at))
	if missing(err) {
		return rec, entity.NotFound("testCaseResult", strconv.FormatInt(at, 10))
	}
	return rec, err
}

// patchResult changes a result, but neither which run it is of nor its time.
func (c *call) patchResult(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	patch, err := c.body()
	if err != nil {
		return err
	}
	var next quality.Result
	err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		row, err := c.liveRow(tx, t, sel, policy.EditTests)
		if err != nil {
			return err
		}
		rec, err := c.resultAt(tx, row)
		if err != nil {
			return err
		}
		old, err := quality.ReadResult(rec.Doc)
		if err != nil {
			return entity.Internal(err)
		}
		doc, err := c.engine.ApplyPatch(rec.Doc, patch)
		if err != nil {
			return err
		}
		if doc, err = c.engine.ValidateBody(resultSchema, doc); err != nil {
			return err
		}
		if next, err = quality.ReadResult(doc); err != nil {
			return err
		}
		next.ID, next.TestCase, next.Timestamp, next.IncidentID = old.ID, old.TestCase, old.Timestamp, old.IncidentID
		return c.putResult(tx, row, next)
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, next)
}

func (c *call) deleteResult(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	var gone store.Record
	err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		row, err := c.liveRow(tx, t, sel, policy.EditTests)
		if err != nil {
			return err
		}
		if gone, err = c.resultAt(tx, row); err != nil {
			return err
		}
		if _, err := tx.DeleteRecord(c.ctx(), gone.Kind, gone.Owner, gone.Key); err != nil {
			return err
		}
		return c.showLatestResult(tx, row)
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, jsontext.Value(gone.Doc))
}

// maxScan bounds how many records one filtered list looks at.
const maxScan = 50_000

// resultFilter selects results of any test case.
type resultFilter struct {
	from, to int64
	status   string
	cases    map[string]bool // owners; nil for all
	latest   bool
}

// resultFilter reads the parameters of a search for results.
func (c *call) resultFilter(t *registry.Type) (resultFilter, error) {
	f := resultFilter{status: c.query.Get("testCaseStatus")}
	var err error
	if f.from, err = c.timestamp("startTimestamp"); err != nil {
		return f, err
	}
	if f.to, err = c.timestamp("endTimestamp"); err != nil {
		return f, err
	}
	if f.latest, err = c.flag("latest", false); err != nil {
		return f, err
	}
	limits := false
	for _, name := range []string{"testCaseFQN", "testSuiteId", "entityFQN", "q", "testCaseType", "dataQualityDimension"} {
		if v := c.query.Get(name); v != "" && (name != "testCaseType" || v != "all") {
			limits = true
		}
	}
	if !limits {
		return f, nil
	}
	filter, found, err := c.caseFilter(t)
	if err != nil {
		return f, err
	}
	filter.status = "" // that of the result counts, not of the test
	f.cases = map[string]bool{}
	if !found {
		return f, nil
	}
	ids, err := c.scanCases(filter)
	for _, id := range ids {
		f.cases[id.String()] = true
	}
	return f, err
}

// find returns the results that fit, newest first.
func (f resultFilter) find(c *call, r store.Reader) ([]jsontext.Value, error) {
	out := []jsontext.Value{}
	kind := resultSeries().Kind
	if f.latest {
		kind = engine.LatestResultKind()
	}
	q := store.RecordQuery{Kind: kind, Any: true, From: f.from, To: f.to}
	if len(f.cases) == 1 {
		for owner := range f.cases {
			q.Owner, q.Any = owner, false
		}
	}
	if f.cases != nil && len(f.cases) == 0 {
		return out, nil
	}
	var bad error
	err := c.scanSeen(r, q, policy.ViewTests, func(rec store.Record) bool {
		if f.cases != nil && !f.cases[rec.Owner] {
			return true
		}
		if f.status != "" {
			var view struct {
				Status string `json:"testCaseStatus"`
			}
			if bad = json.Unmarshal(rec.Doc, &view); bad != nil {
				return false
			}
			if view.Status != f.status {
				return true
			}
		}
		out = append(out, rec.Doc)
		return true
	})
	if err == nil && bad != nil {
		err = entity.Internal(bad)
	}
	return out, err
}

// foundResults runs the search that the query describes.
func (c *call) foundResults(t *registry.Type) ([]jsontext.Value, error) {
	if err := c.seesAny("testCase", policy.ViewTests); err != nil {
		return nil, err
	}
	f, err := c.resultFilter(t)
	if err != nil {
		return nil, err
	}
	var found []jsontext.Value
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		found, err = f.find(c, r)
		return err
	})
	return found, err
}

func (c *call) searchResults(t *registry.Type) error {
	found, err := c.foundResults(t)
	if err != nil {
		return err
	}
	out, err := cutPage(c, found)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

// latestResult answers the newest result that fits.
func (c *call) latestResult(t *registry.Type) error {
	found, err := c.foundResults(t)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		return entity.NotFound("testCaseResult", "latest")
	}
	return c.json(http.StatusOK, found[0])
}

// cutPage takes the page that limit and offset ask for out of a whole list.
func cutPage[T any](c *call, all []T) (page[T], error) {
	limit, err := c.number("limit", 10, 0, maxPoints)
	if err != nil {
		return page[T]{}, err
	}
	cursor := c.query.Get("offset")
	if cursor == "" {
		cursor = c.query.Get("after")
	}
	offset, err := timeseries.Offset(cursor)
	if err != nil {
		return page[T]{}, err
	}
	from := min(offset, len(all))
	to := min(from+limit, len(all))
	out := newPage(all[from:to], len(all))
	out.Paging.Offset, out.Paging.Limit = &offset, &limit
	if to < len(all) && to > from {
		out.Paging.After = strconv.Itoa(to)
	}
	return out, nil
}
