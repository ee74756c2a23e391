package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// caseFilter selects test cases: query by what the store can tell, the rest by
// looking at the documents.
type caseFilter struct {
	query  store.ListQuery
	status string

	kind, text, tag, tier, owner, service string
	definitions                           map[entity.ID]bool // nil for all
}

// looks tells whether documents have to be looked at.
func (f *caseFilter) looks() bool {
	return f.kind != "" || f.text != "" || f.tag != "" || f.tier != "" || f.owner != "" || f.service != "" || f.definitions != nil
}

// caseView is what filters see of a test case.
type caseView struct {
	Name        string            `json:"name"`
	DisplayName string            `json:"displayName"`
	Description string            `json:"description"`
	FQN         string            `json:"fullyQualifiedName"`
	Link        string            `json:"entityLink"`
	Definition  entity.Ref        `json:"testDefinition"`
	Tags        []entity.TagLabel `json:"tags"`
	Owners      []entity.Ref      `json:"owners"`
}

func (f *caseFilter) fits(v caseView) bool {
	column := strings.Contains(v.Link, "::columns::")
	switch {
	case f.kind == "column" && !column, f.kind == "table" && column:
		return false
	case f.definitions != nil && !f.definitions[v.Definition.ID]:
		return false
	case f.owner != "" && !slices.ContainsFunc(v.Owners, func(o entity.Ref) bool { return o.ID.String() == f.owner }):
		return false
	case f.service != "" && !entity.Under(v.FQN, f.service):
		return false
	}
	for _, tag := range []string{f.tag, f.tier} {
		if tag != "" && !slices.ContainsFunc(v.Tags, func(l entity.TagLabel) bool { return l.TagFQN == tag }) {
			return false
		}
	}
	return f.text == "" || containsFold(f.text, v.Name, v.DisplayName, v.Description, v.FQN)
}

// containsFold tells whether one of the texts contains the words looked for,
// which clients surround with asterisks.
func containsFold(words string, texts ...string) bool {
	words = strings.ToLower(strings.Trim(words, "* "))
	return slices.ContainsFunc(texts, func(text string) bool { return strings.Contains(strings.ToLower(text), words) })
}

// caseFilter reads the parameters of a list of test cases. found is false when
// one of them names something that does not exist.
func (c *call) caseFilter(t *registry.Type) (f caseFilter, found bool, err error) {
	f.query = store.ListQuery{Type: t.Name, Members: map[string]string{}}
	if f.query.Include, err = c.include(); err != nil {
		return f, false, err
	}
	if err := c.filterTested(&f); err != nil {
		return f, false, err
	}
	f.status = c.query.Get("testCaseStatus")
	if by := c.query.Get("createdBy"); by != "" {
		f.query.Members["createdBy"] = by
	}
	if f.kind = c.query.Get("testCaseType"); f.kind == "all" {
		f.kind = ""
	}
	if f.kind != "" && f.kind != "table" && f.kind != "column" {
		return f, false, entity.BadRequest("query param testCaseType must be one of [all, table, column]")
	}
	f.text, f.tag, f.tier, f.service = strings.Trim(c.query.Get("q"), "* "), c.query.Get("tags"), c.query.Get("tier"), entity.CanonicalFQN(c.query.Get("serviceName"))
	if name := c.query.Get("owner"); name != "" {
		owner, err := c.named(registry.Filter{Types: []string{"user", "team"}}, name)
		if err != nil || owner == entity.NilID {
			return f, false, err
		}
		f.owner = owner.String()
	}
	if err := c.filterDefinitions(&f); err != nil {
		return f, false, err
	}
	return c.filterSuite(f)
}

// filterTested restricts to the tests of an entity or of one of its columns.
func (c *call) filterTested(f *caseFilter) error {
	all, err := c.flag("includeAllTests", false)
	if err != nil {
		return err
	}
	target := entity.CanonicalFQN(c.query.Get("entityFQN"))
	if text := c.query.Get("entityLink"); text != "" {
		link, err := entity.ParseLink(text)
		if err != nil {
			return err
		}
		target = entity.CanonicalFQN(link.FQN)
		if link.Field == "columns" && link.Item != "" {
			target = entity.JoinFQN(target, link.Item)
		}
	}
	if target != "" {
		f.query.Under = target
		if !all {
			f.query.Members["entityFQN"] = target
		}
	}
	if name := c.query.Get("testCaseFQN"); name != "" {
		f.query.Members["fullyQualifiedName"] = entity.CanonicalFQN(name)
	}
	return nil
}

// filterSuite restricts to the tests of a suite: those below a basic one, those
// that a logical one gathers.
func (c *call) filterSuite(f caseFilter) (caseFilter, bool, error) {
	text := c.query.Get("testSuiteId")
	if text == "" {
		return f, true, nil
	}
	id, err := entity.ParseID(text)
	if err != nil {
		return f, false, err
	}
	found := true
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		row, err := r.Entity(c.ctx(), id)
		if missing(err) || err == nil && row.Type != "testSuite" {
			found = false
			return nil
		}
		if err != nil {
			return err
		}
		basic, err := isBasic(row)
		if basic {
			f.query.Parent = id
		} else {
			f.query.RelatedFrom = &store.RelationFilter{From: id, Kind: engine.RelationTests}
		}
		return err
	})
	return f, found, err
}

// maxDefinitions bounds how many test definitions a filter looks at.
const maxDefinitions = 5000

// filterDefinitions restricts to tests by what their definition says.
func (c *call) filterDefinitions(f *caseFilter) error {
	platform, dimension := c.query.Get("testPlatforms"), c.query.Get("dataQualityDimension")
	if platform == "" && dimension == "" {
		return nil
	}
	f.definitions = map[entity.ID]bool{}
	return c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		rows, err := r.List(c.ctx(), store.ListQuery{Type: "testDefinition", Limit: maxDefinitions})
		if err != nil {
			return err
		}
		for _, row := range rows {
			var view struct {
				Platforms []string `json:"testPlatforms"`
				Dimension string   `json:"dataQualityDimension"`
			}
			if err := json.Unmarshal(row.Doc, &view); err != nil {
				return entity.Internal(err)
			}
			if (platform == "" || slices.Contains(view.Platforms, platform)) && (dimension == "" || view.Dimension == dimension) {
				f.definitions[row.ID] = true
			}
		}
		return nil
	})
}

// scanCases returns the ids of the test cases that fit, in the order of names.
func (c *call) scanCases(f caseFilter) ([]entity.ID, error) {
	return c.scan(f.storeQuery(), func(row store.Row) (bool, error) {
		var view caseView
		if err := json.Unmarshal(row.Doc, &view); err != nil {
			return false, entity.Internal(err)
		}
		return f.fits(view), nil
	})
}

func (f *caseFilter) storeQuery() store.ListQuery {
	q := f.query
	if f.status != "" {
		q.Members["testCaseStatus"] = f.status
	}
	return q
}

// refsTo are the rows as references.
func refsTo(rows []store.Row) []entity.Ref {
	refs := make([]entity.Ref, len(rows))
	for i, row := range rows {
		refs[i] = entity.Ref{ID: row.ID, Type: row.Type}
	}
	return refs
}

// scan visits the rows of a query in pages and returns the ids of those that the
// caller may see and keep says true of; at most maxScan are looked at.
func (c *call) scan(q store.ListQuery, keep func(store.Row) (bool, error)) ([]entity.ID, error) {
	var ids []entity.ID
	viewer := c.engine.Viewer(c.by)
	q.Limit = 500
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		for seen := 0; seen < maxScan; seen += q.Limit {
			rows, err := r.List(c.ctx(), q)
			if err != nil {
				return err
			}
			if err := viewer.Look(c.ctx(), r, refsTo(rows)...); err != nil {
				return err
			}
			for _, row := range rows {
				ok, err := keep(row)
				if err != nil {
					return err
				}
				if ok && viewer.Sees(row.ID) {
					ids = append(ids, row.ID)
				}
			}
			if len(rows) < q.Limit {
				return nil
			}
			q.After = rows[len(rows)-1].FQN
		}
		return nil
	})
	return ids, err
}

// listCases answers a page of test cases.
func (c *call) listCases(t *registry.Type) error {
	f, found, err := c.caseFilter(t)
	if err != nil {
		return err
	}
	return c.listScanned(t, f.storeQuery(), found, f.looks(), func() ([]entity.ID, error) { return c.scanCases(f) })
}

// listScanned answers a page with cursors; ids narrows the query when documents
// have to be looked at.
func (c *call) listScanned(t *registry.Type, q store.ListQuery, found, looks bool, ids func() ([]entity.ID, error)) error {
	view, err := c.view(t)
	if err != nil {
		return err
	}
	limit, err := c.number("limit", 10, 0, c.limits.MaxPage)
	if err != nil {
		return err
	}
	if found && looks {
		if q.IDs, err = ids(); err != nil {
			return err
		}
		found = len(q.IDs) > 0
	}
	if !found {
		return c.json(http.StatusOK, newPage[*entity.Entity](nil, 0))
	}
	got, err := c.engine.List(c.ctx(), c.by, t, engine.ListRequest{
		Query: q, Limit: limit, After: c.query.Get("after"), Before: c.query.Get("before"), View: view,
	})
	if err != nil {
		return err
	}
	out := newPage(got.Items, got.Total)
	out.Paging.After, out.Paging.Before = got.After, got.Before
	return c.json(http.StatusOK, out)
}

// searchCases answers a page of test cases by offset.
func (c *call) searchCases(t *registry.Type) error {
	f, found, err := c.caseFilter(t)
	if err != nil {
		return err
	}
	var ids []entity.ID
	if found {
		if ids, err = c.scanCases(f); err != nil {
			return err
		}
	}
	return c.answerIDs(t, ids)
}

// answerIDs answers the entities of a page of ids.
func (c *call) answerIDs(t *registry.Type, ids []entity.ID) error {
	view, err := c.view(t)
	if err != nil {
		return err
	}
	cut, err := cutPage(c, ids)
	if err != nil {
		return err
	}
	out := page[*entity.Entity]{Data: []*entity.Entity{}, Paging: cut.Paging}
	// An empty page is asked for too, so that who may not read gets told.
	request := engine.ListRequest{Query: store.ListQuery{IDs: cut.Data}, Limit: len(cut.Data), View: view}
	if len(cut.Data) == 0 {
		request.Query.IDs = []entity.ID{entity.NilID}
	}
	got, err := c.engine.List(c.ctx(), c.by, t, request)
	if err != nil {
		return err
	}
	out.Data = append(out.Data, got.Items...)
	return c.json(http.StatusOK, out)
}

// suiteFilter selects test suites.
type suiteFilter struct {
	query   store.ListQuery
	text    string
	owner   string
	noEmpty bool // only suites that have tests
}

func (c *call) suiteFilter(t *registry.Type) (f suiteFilter, found bool, err error) {
	f.query = store.ListQuery{Type: t.Name, Members: map[string]string{}}
	if f.query.Include, err = c.include(); err != nil {
		return f, false, err
	}
	switch kind := c.query.Get("testSuiteType"); kind {
	case "":
	case "basic", "executable":
		f.query.Members["basic"] = "true"
	case "logical":
		f.query.Members["basic"] = "false"
	default:
		return f, false, entity.BadRequest("query param testSuiteType must be one of [basic, executable, logical]")
	}
	if name := c.query.Get("fullyQualifiedName"); name != "" {
		f.query.Members["fullyQualifiedName"] = entity.CanonicalFQN(name)
	}
	if name := c.query.Get("owner"); name != "" {
		owner, err := c.named(registry.Filter{Types: []string{"user", "team"}}, name)
		if err != nil || owner == entity.NilID {
			return f, false, err
		}
		f.owner = owner.String()
	}
	if name := c.query.Get("domain"); name != "" {
		domain, err := c.named(registry.Filter{Types: []string{"domain"}}, name)
		if err != nil || domain == entity.NilID {
			return f, false, err
		}
		f.query.RelatedFrom = &store.RelationFilter{From: domain, Kind: "domains"}
	}
	f.text = strings.Trim(c.query.Get("q"), "* ")
	withEmpty, err := c.flag("includeEmptyTestSuites", true)
	f.noEmpty = !withEmpty
	return f, true, err
}

func (f *suiteFilter) looks() bool { return f.text != "" || f.owner != "" || f.noEmpty }

func (c *call) scanSuites(f suiteFilter) ([]entity.ID, error) {
	ids, err := c.scan(f.query, func(row store.Row) (bool, error) {
		var view caseView
		if err := json.Unmarshal(row.Doc, &view); err != nil {
			return false, entity.Internal(err)
		}
		owned := f.owner == "" || slices.ContainsFunc(view.Owners, func(o entity.Ref) bool { return o.ID.String() == f.owner })
		return owned && (f.text == "" || containsFold(f.text, view.Name, view.DisplayName, view.Description, view.FQN)), nil
	})
	if err != nil || !f.noEmpty {
		return ids, err
	}
	return c.withTests(ids)
}

// withTests leaves out suites without tests.
func (c *call) withTests(ids []entity.ID) ([]entity.ID, error) {
	full := map[entity.ID]bool{}
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		for chunk := range slices.Chunk(ids, 500) {
			below, err := r.Children(c.ctx(), chunk, "testCase", maxScan)
			if err != nil {
				return err
			}
			for _, child := range below {
				full[child.Parent] = full[child.Parent] || !child.Deleted
			}
			gathered, err := r.CountFrom(c.ctx(), chunk, engine.RelationTests)
			if err != nil {
				return err
			}
			for id, n := range gathered {
				full[id] = full[id] || n > 0
			}
		}
		return nil
	})
	return slices.DeleteFunc(ids, func(id entity.ID) bool { return !full[id] }), err
}

func (c *call) listSuites(t *registry.Type) error {
	f, found, err := c.suiteFilter(t)
	if err != nil {
		return err
	}
	return c.listScanned(t, f.query, found, f.looks(), func() ([]entity.ID, error) { return c.scanSuites(f) })
}

func (c *call) searchSuites(t *registry.Type) error {
	f, found, err := c.suiteFilter(t)
	if err != nil {
		return err
	}
	var ids []entity.ID
	if found {
		if ids, err = c.scanSuites(f); err != nil {
			return err
		}
	}
	return c.answerIDs(t, ids)
}
