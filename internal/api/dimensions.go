package api

import (
	"net/http"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/quality"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// dimensionResult is what a test found for the rows with the same value in a column.
type dimensionResult struct {
	ID        entity.ID                 `json:"id"`
	Result    entity.ID                 `json:"testCaseResultId"`
	TestCase  *entity.Ref               `json:"testCase,omitzero"`
	Timestamp int64                     `json:"timestamp"`
	Values    []dimensionValue          `json:"dimensionValues"`
	Key       string                    `json:"dimensionKey"`
	Rest      map[string]jsontext.Value `json:",embed"`
}

type dimensionValue struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// dimensionResults visits the results by dimension of a test case, those of the newest
// run first, until visit answers false.
func (c *call) dimensionResults(t *registry.Type, visit func(dimensionResult) bool) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	q, err := c.span(maxPoints)
	if err != nil {
		return err
	}
	return c.read(t, sel, policy.ViewTests, func(r store.Reader, row store.Row) error {
		about := entity.Ref{ID: row.ID, Type: row.Type, Name: row.Name, FullyQualifiedName: row.FQN}
		var bad error
		err := timeseries.Scan(c.ctx(), r, store.RecordQuery{Kind: resultSeries().Kind, Owner: row.ID.String(), From: q.From, To: q.To}, maxPoints, nil, func(rec store.Record) bool {
			var found []dimensionResult
			var result quality.Result
			if result, bad = quality.ReadResult(rec.Doc); bad != nil {
				return false
			}
			if raw := result.Rest["dimensionResults"]; raw != nil {
				if bad = json.Unmarshal(raw, &found); bad != nil {
					bad = entity.Internal(bad)
					return false
				}
			}
			for _, one := range found {
				one.Result, one.Timestamp, one.TestCase = result.ID, result.Timestamp, &about
				if !visit(one) {
					return false
				}
			}
			return true
		})
		if err == nil {
			err = bad
		}
		return err
	})
}

// listDimensionResults answers the results by dimension, all or those of one dimension
// or value.
func (c *call) listDimensionResults(t *registry.Type) error {
	key, name := c.query.Get("dimensionalityKey"), c.query.Get("dimensionName")
	var all []dimensionResult
	err := c.dimensionResults(t, func(one dimensionResult) bool {
		named := name == "" || slices.ContainsFunc(one.Values, func(v dimensionValue) bool { return v.Name == name })
		if named && (key == "" || one.Key == key) {
			all = append(all, one)
		}
		return len(all) < maxPoints
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, newPage(all, len(all)))
}

// listDimensions answers the dimensions of a test case, each with its values.
func (c *call) listDimensions(t *registry.Type) error {
	values := map[string]map[string]bool{}
	n := 0
	err := c.dimensionResults(t, func(one dimensionResult) bool {
		for _, v := range one.Values {
			if values[v.Name] == nil {
				values[v.Name] = map[string]bool{}
			}
			values[v.Name][v.Value] = true
		}
		n++
		return n < maxPoints
	})
	if err != nil {
		return err
	}
	out := map[string][]string{}
	for name, set := range values {
		for value := range set {
			out[name] = append(out[name], value)
		}
		slices.Sort(out[name])
	}
	return c.json(http.StatusOK, out)
}
