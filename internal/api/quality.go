package api

import (
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/quality"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// qualityRoutes serve data tests: suites, cases, their results and incidents.
func (a *API) qualityRoutes() []Route {
	const (
		suites  = "/api/v1/dataQuality/testSuites"
		cases   = "/api/v1/dataQuality/testCases"
		results = cases + "/testCaseResults"
		stages  = cases + "/testCaseIncidentStatus"
	)
	var routes []Route
	add := func(method, path, typ string, handle func(*call, *registry.Type) error) *Route {
		routes = append(routes, Route{Method: method, Path: path, Access: Authenticated, Handle: a.typed(typ, handle)})
		return &routes[len(routes)-1]
	}
	for _, kind := range []string{"/basic", "/executable"} {
		add(http.MethodPut, suites+kind, "testSuite", func(c *call, t *registry.Type) error { return c.saveBasicSuite(t, true) })
		add(http.MethodDelete, suites+kind+"/{id}", "testSuite", (*call).deleteEntity)
		add(http.MethodDelete, suites+kind+"/name/{fqn}", "testSuite", (*call).deleteEntity)
	}
	add(http.MethodPost, suites+"/basic", "testSuite", func(c *call, t *registry.Type) error { return c.saveBasicSuite(t, false) })
	add(http.MethodGet, suites, "testSuite", (*call).listSuites)
	add(http.MethodGet, suites+"/search/list", "testSuite", (*call).searchSuites)
	add(http.MethodGet, suites+"/executionSummary", "testSuite", (*call).executionSummary)
	add(http.MethodGet, suites+"/dataQualityReport", "testCase", (*call).qualityReport)

	add(http.MethodGet, cases, "testCase", (*call).listCases)
	add(http.MethodGet, cases+"/search/list", "testCase", (*call).searchCases)
	add(http.MethodPost, cases+"/createMany", "testCase", (*call).bulkEntities)
	add(http.MethodPut, cases+"/logicalTestCases", "testSuite", (*call).addToSuite)
	add(http.MethodDelete, cases+"/logicalTestCases/{testSuiteId}/{id}", "testSuite", (*call).removeFromSuite)
	add(http.MethodGet, cases+"/{id}/failedRowsSample", "testCase", (*call).getFailedRows)
	add(http.MethodPut, cases+"/{id}/failedRowsSample", "testCase", (*call).putFailedRows).MaxBody = maxSampleBody
	add(http.MethodDelete, cases+"/{id}/failedRowsSample", "testCase", (*call).deleteFailedRows)
	add(http.MethodPut, cases+"/{id}/inspectionQuery", "testCase", (*call).putInspectionQuery).Accepts = "application/json, text/plain"

	add(http.MethodGet, results+"/search/list", "testCase", (*call).searchResults)
	add(http.MethodGet, results+"/search/latest", "testCase", (*call).latestResult)
	add(http.MethodGet, results+"/{fqn}", "testCase", (*call).listResults)
	add(http.MethodPost, results+"/{fqn}", "testCase", (*call).addResult)
	add(http.MethodPatch, results+"/{fqn}/{timestamp}", "testCase", (*call).patchResult).Accepts = patchTypes
	add(http.MethodDelete, results+"/{fqn}/{timestamp}", "testCase", (*call).deleteResult)

	add(http.MethodGet, cases+"/dimensionResults/{fqn}", "testCase", (*call).listDimensionResults)
	add(http.MethodGet, cases+"/dimensionResults/{fqn}/dimensions", "testCase", (*call).listDimensions)

	add(http.MethodGet, stages, "testCase", (*call).listIncidents)
	add(http.MethodPost, stages, "testCase", (*call).addIncidentStatus)
	add(http.MethodGet, stages+"/search/list", "testCase", (*call).listIncidents)
	add(http.MethodGet, stages+"/stateId/{stateId}", "testCase", (*call).listIncident)
	add(http.MethodGet, stages+"/{id}", "testCase", (*call).getIncidentStatus)
	add(http.MethodPatch, stages+"/{id}", "testCase", (*call).patchIncidentStatus).Accepts = patchTypes
	return routes
}

// saveBasicSuite makes the suite that holds the tests of one table.
func (c *call) saveBasicSuite(t *registry.Type, put bool) error {
	body, err := c.validated(t.Create)
	if err != nil {
		return err
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(body, &members); err != nil {
		return entity.BadRequest("the test suite cannot be read")
	}
	const now, before = "basicEntityReference", "executableEntityReference"
	if members[now] == nil && members[before] != nil { // the name of the member before 1.6
		members[now] = members[before]
		delete(members, before)
	}
	if members[now] == nil {
		return entity.BadRequest("Cannot create a basic test suite without the BasicEntityReference field informed.")
	}
	if body, err = encoded(members); err != nil {
		return err
	}
	save := c.engine.Create
	if put {
		save = c.engine.Put
	}
	result, err := save(c.ctx(), c.by, t, body, engine.View{Base: c.base()})
	if err != nil {
		return err
	}
	return c.saved(result)
}

// maxGathered bounds the test cases that one request puts into a suite.
const maxGathered = 5000

// addToSuite puts test cases into a logical suite.
func (c *call) addToSuite(t *registry.Type) error {
	body, err := c.validated("api/tests/createLogicalTestCases.json")
	if err != nil {
		return err
	}
	var request struct {
		Suite entity.ID   `json:"testSuiteId"`
		Cases []entity.ID `json:"testCaseIds"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return entity.BadRequest("the request cannot be read")
	}
	if len(request.Cases) == 0 {
		return entity.BadRequest("[testCaseIds must name at least one test case]")
	}
	if len(request.Cases) > maxGathered {
		return entity.BadRequest("at most %d test cases can be added at once", maxGathered)
	}
	err = c.beside(t, engine.ByID(request.Suite), "tests", policy.EditTests, func(tx store.Tx, row store.Row) error {
		if err := mustBeLogical(row); err != nil {
			return err
		}
		found, err := tx.Entities(c.ctx(), request.Cases)
		if err != nil {
			return err
		}
		there := make(map[entity.ID]bool, len(found))
		relations := make([]store.Relation, 0, len(found))
		for _, one := range found {
			if one.Type == "testCase" && !one.Deleted {
				there[one.ID] = true
				relations = append(relations, store.Relation{From: row.ID, FromType: row.Type, To: one.ID, ToType: one.Type, Kind: engine.RelationTests})
			}
		}
		for _, id := range request.Cases {
			if !there[id] {
				return entity.NotFound("testCase", id.String())
			}
		}
		return tx.Relate(c.ctx(), relations...)
	})
	if err != nil {
		return err
	}
	return c.shown(t, engine.ByID(request.Suite), "tests")
}

func mustBeLogical(row store.Row) error {
	basic, err := isBasic(row)
	if err == nil && basic {
		return entity.BadRequest("You are trying to change a basic test suite: its tests are those of its table.")
	}
	return err
}

func isBasic(row store.Row) (bool, error) {
	var suite struct {
		Basic bool `json:"basic"`
	}
	if err := json.Unmarshal(row.Doc, &suite); err != nil {
		return false, entity.Internal(err)
	}
	return suite.Basic, nil
}

// removeFromSuite takes a test case out of a logical suite.
func (c *call) removeFromSuite(t *registry.Type) error {
	suite, err := c.id("testSuiteId")
	if err != nil {
		return err
	}
	id, err := c.id("id")
	if err != nil {
		return err
	}
	err = c.beside(t, engine.ByID(suite), "tests", policy.EditTests, func(tx store.Tx, row store.Row) error {
		if err := mustBeLogical(row); err != nil {
			return err
		}
		return tx.Unrelate(c.ctx(), store.Relation{From: row.ID, FromType: row.Type, To: id, ToType: "testCase", Kind: engine.RelationTests})
	})
	if err != nil {
		return err
	}
	cases, err := c.entityType("testCase")
	if err != nil {
		return err
	}
	return c.shown(cases, engine.ByID(id), "testSuites")
}

// executionSummary counts the last results of the tests of a suite, or of all.
func (c *call) executionSummary(t *registry.Type) error {
	if text := c.query.Get("testSuiteId"); text != "" {
		id, err := entity.ParseID(text)
		if err != nil {
			return err
		}
		ent, err := c.engine.Get(c.ctx(), c.by, t, engine.ByID(id), engine.View{Fields: engine.FieldsOf("summary")})
		if err != nil {
			return err
		}
		return c.json(http.StatusOK, ent.Rest["summary"])
	}
	cases, err := c.entityType("testCase")
	if err != nil {
		return err
	}
	counts := map[string]int{}
	count := func(name string, members map[string]string) error {
		got, err := c.engine.List(c.ctx(), c.by, cases, engine.ListRequest{Query: store.ListQuery{Members: members}, Ops: []policy.Operation{policy.ViewTests}})
		counts[name] = got.Total
		return err
	}
	if err := count("total", nil); err != nil {
		return err
	}
	for _, status := range []string{quality.Success, quality.Failed, quality.Aborted, quality.Queued} {
		if err := count(strings.ToLower(status), map[string]string{"testCaseStatus": status}); err != nil {
			return err
		}
	}
	return c.json(http.StatusOK, counts)
}

// failedRowsField is where a test case shows rows that failed it.
const failedRowsField = "failedRowsSample"

func failedRowsKind() string { return engine.RecordKind("testCase", failedRowsField) }

// tested returns the entity that a test case is about.
func (c *call) tested(r store.Reader, row store.Row) (*registry.Type, store.Row, error) {
	var view struct {
		Link string `json:"entityLink"`
	}
	if err := json.Unmarshal(row.Doc, &view); err != nil {
		return nil, store.Row{}, entity.Internal(err)
	}
	link, err := entity.ParseLink(view.Link)
	if err != nil {
		return nil, store.Row{}, err
	}
	t, err := c.entityType(link.Type)
	if err != nil {
		return nil, store.Row{}, err
	}
	of, err := c.engine.Row(c.ctx(), r, t, engine.ByFQN(link.FQN))
	return t, of, err
}

// failedRows returns the rows that failed a test, without the values that the
// caller may not see.
func (c *call) failedRows(t *registry.Type, sel engine.Selector) (jsontext.Value, error) {
	var doc jsontext.Value
	var about *registry.Type
	var table store.Row
	err := c.read(t, sel, policy.ViewTestCaseFailedRowsSample, func(r store.Reader, row store.Row) error {
		rec, err := r.Record(c.ctx(), failedRowsKind(), row.ID.String(), "")
		if missing(err) {
			return entity.NotFound(failedRowsField, row.FQN)
		}
		if err != nil {
			return err
		}
		doc = rec.Doc
		about, table, err = c.tested(r, row)
		return err
	})
	if err != nil {
		return nil, err
	}
	hidden, err := c.hiddenColumns(about, engine.ByID(table.ID), policy.ViewBasic)
	if err != nil {
		return nil, err
	}
	return hidden.MaskSamples(doc)
}

func (c *call) getFailedRows(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	doc, err := c.failedRows(t, sel)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, doc)
}

func (c *call) putFailedRows(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	strict, err := c.flag("validate", true)
	if err != nil {
		return err
	}
	doc, err := c.validated("entity/data/table.json#/$defs/tableData")
	if err != nil {
		return err
	}
	err = c.beside(t, sel, failedRowsField, policy.EditTests, func(tx store.Tx, row store.Row) error {
		_, table, err := c.tested(tx, row)
		if err != nil {
			return err
		}
		if !strict {
			table = store.Row{}
		}
		if err := checkSample(table, doc); err != nil {
			return err
		}
		return tx.PutRecord(c.ctx(), store.Record{Kind: failedRowsKind(), Owner: row.ID.String(), At: millis(), Doc: doc})
	})
	if err != nil {
		return err
	}
	ent, err := c.engine.Get(c.ctx(), c.by, t, sel, engine.View{Base: c.base()})
	if err != nil {
		return err
	}
	if ent.Rest[failedRowsField], err = c.failedRows(t, sel); err != nil {
		return err
	}
	return c.json(http.StatusOK, ent)
}

func (c *call) deleteFailedRows(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	err = c.beside(t, sel, failedRowsField, policy.DeleteTestCaseFailedRowsSample, func(tx store.Tx, row store.Row) error {
		_, err := tx.DeleteRecord(c.ctx(), failedRowsKind(), row.ID.String(), "")
		return err
	})
	if err != nil {
		return err
	}
	return c.shown(t, sel)
}

// putInspectionQuery keeps the query that shows the failing rows. Clients send
// it as it is, or as a JSON string.
func (c *call) putInspectionQuery(t *registry.Type) error {
	body, err := c.body()
	if err != nil {
		return err
	}
	text, err := encoded(unquote(body))
	if err != nil {
		return entity.BadRequest("the query is not valid UTF-8")
	}
	return c.edited(t, policy.EditTests, func(ent *entity.Entity) error {
		ent.Rest["inspectionQuery"] = text
		return nil
	})
}
