package api

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/quality"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// qualityReport counts test cases, their results or the stages of incidents, as a
// query selects and levels group them. Other things are counted by the index.
func (c *call) qualityReport(t *registry.Type) error {
	if err := c.seesAny(t.Name, policy.ViewTests); err != nil {
		return err
	}
	levels, err := quality.ReadLevels(c.query.Get("aggregationQuery"))
	if err != nil {
		return err
	}
	q, err := search.ParseDSL([]byte(c.query.Get("q")), time.Now())
	if err != nil {
		return err
	}
	sel, err := newReportSelection(q, entity.CanonicalFQN(c.query.Get("domain")))
	if err != nil {
		return err
	}
	switch index := c.query.Get("index"); index {
	case "testCase":
		err = c.reportCases(t, sel)
	case "testCaseResult":
		err = c.reportRecords(t, sel, resultSeries().Kind)
	case "testCaseResolutionStatus":
		err = c.reportRecords(t, sel, incidentKind)
	case "":
		return entity.BadRequest("query param index must say what to count: testCase, testCaseResult, testCaseResolutionStatus or a type of entities")
	default:
		return c.reportIndexed(index, q, levels)
	}
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, quality.Count(levels, sel.docs))
}

// reportSelection gathers the documents that a query finds.
type reportSelection struct {
	matcher *search.Matcher
	domain  string // "" for all
	docs    []map[string]any
}

func newReportSelection(q search.Query, domain string) (*reportSelection, error) {
	m, err := search.NewMatcher(q)
	return &reportSelection{matcher: m, domain: domain}, err
}

// inDomain tells whether a test case is in the domain that is asked for.
func (s *reportSelection) inDomain(ent *entity.Entity) bool {
	return s.domain == "" || slices.ContainsFunc(ent.Domains, func(d entity.Ref) bool {
		return d.FullyQualifiedName == s.domain || entity.Under(d.FullyQualifiedName, s.domain)
	})
}

// take keeps a document that the query finds.
func (s *reportSelection) take(doc map[string]any) error {
	raw, err := encoded(doc)
	if err != nil {
		return err
	}
	fields, err := search.ReadFields(entity.NilID, raw)
	if err != nil {
		return entity.Internal(err)
	}
	if s.matcher.Match(fields) {
		s.docs = append(s.docs, doc)
	}
	if s.matcher.Effort() > search.MaxEffort {
		return entity.BadRequest("the patterns of the query take too much work; use terms in place of patterns")
	}
	return nil
}

// reportCases gathers test cases page by page.
func (c *call) reportCases(t *registry.Type, sel *reportSelection) error {
	definitions, err := c.definitionDocs()
	if err != nil {
		return err
	}
	req := c.caseRequest()
	for seen := 0; seen < maxScan; {
		page, err := c.engine.List(c.ctx(), c.by, t, req)
		if err != nil {
			return err
		}
		for _, item := range page.Items {
			if !sel.inDomain(item) {
				continue
			}
			doc, err := caseDoc(item, definitions)
			if err != nil {
				return err
			}
			if err := sel.take(doc); err != nil {
				return err
			}
		}
		seen += len(page.Items)
		if req.After = page.After; req.After == "" {
			break
		}
	}
	return nil
}

// caseRequest asks for test cases with what reports look at.
func (c *call) caseRequest() engine.ListRequest {
	return engine.ListRequest{
		Limit: largePage, Ops: []policy.Operation{policy.ViewTests},
		View: engine.View{Fields: engine.FieldsOf("owners", "tags", "domains", "testCaseResult", "testDefinition", "testSuite")},
	}
}

// definitionDocs are the members of test definitions that documents of tests have.
func (c *call) definitionDocs() (map[string]map[string]any, error) {
	out := map[string]map[string]any{}
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		rows, err := r.List(c.ctx(), store.ListQuery{Type: "testDefinition", Include: store.All, Limit: maxDefinitions})
		if err != nil {
			return err
		}
		for _, row := range rows {
			var all map[string]any
			if err := json.Unmarshal(row.Doc, &all); err != nil {
				return entity.Internal(err)
			}
			doc := map[string]any{}
			for _, name := range []string{"dataQualityDimension", "testPlatforms"} {
				if all[name] != nil {
					doc[name] = all[name]
				}
			}
			out[row.ID.String()] = doc
		}
		return nil
	})
	return out, err
}

// caseDoc is a test case as reports see it.
func caseDoc(ent *entity.Entity, definitions map[string]map[string]any) (map[string]any, error) {
	whole, err := anyOf(ent)
	if err != nil {
		return nil, err
	}
	doc, _ := whole.(map[string]any)
	var view struct {
		Link       string                    `json:"entityLink"`
		Definition entity.Ref                `json:"testDefinition"`
		Rest       map[string]jsontext.Value `json:",embed"`
	}
	raw, err := engine.Encode(ent)
	if err == nil {
		err = json.Unmarshal(raw, &view)
	}
	if err != nil {
		return nil, entity.Internal(err)
	}
	for name, v := range definitions[view.Definition.ID.String()] {
		doc[name] = v
	}
	if link, err := entity.ParseLink(view.Link); err == nil {
		doc["originEntityFQN"] = link.FQN
		doc[link.Type] = map[string]any{"fullyQualifiedName": link.FQN}
		if parts, err := entity.SplitFQN(link.FQN); err == nil && len(parts) > 0 {
			service := entity.UnquoteName(parts[0])
			doc["service"] = map[string]any{"name": service, "fullyQualifiedName": parts[0]}
		}
	}
	if _, ok := doc["deleted"]; !ok {
		doc["deleted"] = false
	}
	return doc, nil
}

// reportRecords gathers records of test cases, each with its test case.
func (c *call) reportRecords(t *registry.Type, sel *reportSelection, kind string) error {
	type found struct {
		owner string
		doc   map[string]any
	}
	var all []found
	var bad error
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		return c.scanSeen(r, store.RecordQuery{Kind: kind, Any: true}, policy.ViewTests, func(rec store.Record) bool {
			var doc map[string]any
			if bad = json.Unmarshal(rec.Doc, &doc); bad != nil {
				return false
			}
			all = append(all, found{rec.Owner, doc})
			return true
		})
	})
	if err == nil && bad != nil {
		err = entity.Internal(bad)
	}
	if err != nil {
		return err
	}
	owners := make([]string, len(all))
	for i, one := range all {
		owners[i] = one.owner
	}
	cases, err := c.casesByID(t, sel, owners)
	if err != nil {
		return err
	}
	for _, one := range all {
		of := cases[one.owner]
		if of == nil {
			continue // deleted, or not in the domain
		}
		one.doc["testCase"] = of
		for _, name := range []string{"table", "originEntityFQN", "dataQualityDimension", "service"} {
			if of[name] != nil {
				one.doc[name] = of[name]
			}
		}
		if err := sel.take(one.doc); err != nil {
			return err
		}
	}
	return nil
}

// casesByID are the documents of test cases that the caller may see and wants.
func (c *call) casesByID(t *registry.Type, sel *reportSelection, owners []string) (map[string]map[string]any, error) {
	definitions, err := c.definitionDocs()
	if err != nil {
		return nil, err
	}
	slices.Sort(owners)
	out := map[string]map[string]any{}
	for chunk := range slices.Chunk(slices.Compact(owners), 500) {
		req := c.caseRequest()
		for _, owner := range chunk {
			if id, err := entity.ParseID(owner); err == nil {
				req.Query.IDs = append(req.Query.IDs, id)
			}
		}
		page, err := c.engine.List(c.ctx(), c.by, t, req)
		if err != nil {
			return nil, err
		}
		for _, item := range page.Items {
			if !sel.inDomain(item) {
				continue
			}
			if out[item.ID.String()], err = caseDoc(item, definitions); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// reportIndexed counts entities that the index knows.
func (c *call) reportIndexed(index string, q search.Query, levels []quality.Level) error {
	indexes, err := c.catalog.Resolve(index)
	if err != nil {
		return err
	}
	aggs := map[string]search.Aggregation{}
	for _, level := range slices.Backward(levels) {
		agg, err := aggregationOf(level)
		if err != nil {
			return err
		}
		agg.Sub = aggs
		aggs = map[string]search.Aggregation{level.Bucket: agg}
	}
	req := search.Request{Indexes: indexes, Query: q, Deleted: new(bool), NoSource: true, Aggregations: aggs}
	if domain := c.query.Get("domain"); domain != "" {
		req.Filter = search.Term{Field: "domains.fullyQualifiedName", Value: entity.CanonicalFQN(domain)}
	}
	result, err := c.find(req)
	if err != nil {
		return err
	}
	report := quality.NewReport(levels)
	flatten(&report, levels, result.Aggregations, result.Total, map[string]string{})
	return c.json(http.StatusOK, report)
}

func aggregationOf(level quality.Level) (search.Aggregation, error) {
	kinds := map[string]search.AggregationKind{
		quality.Terms: search.AggTerms, quality.Cardinality: search.AggCardinality, quality.Average: search.AggAvg,
		quality.Sum: search.AggSum, quality.Minimum: search.AggMin, quality.Maximum: search.AggMax,
	}
	kind, ok := kinds[level.Kind]
	if !ok {
		return search.Aggregation{}, entity.BadRequest("aggregationQuery: %s is possible for testCase, testCaseResult and testCaseResolutionStatus only", level.Kind)
	}
	return search.Aggregation{Kind: kind, Field: level.Field, Size: level.Size}, nil
}

// flatten turns what the index counted into rows.
func flatten(report *quality.Report, levels []quality.Level, found map[string]search.AggregationResult, count int, row map[string]string) {
	add := func(metric, value string) {
		out := map[string]string{metric: value}
		for name, v := range row {
			out[name] = v
		}
		report.Data = append(report.Data, out)
	}
	if len(levels) == 0 {
		add(quality.DocumentCount, strconv.Itoa(count))
		return
	}
	level := levels[0]
	result, ok := found[level.Bucket]
	if !ok {
		return
	}
	if level.Kind != quality.Terms {
		if result.Value != nil {
			add(level.Field, strconv.FormatFloat(*result.Value, 'f', -1, 64))
		}
		return
	}
	for _, bucket := range result.Buckets {
		row[level.Field] = fmt.Sprint(bucket.Key)
		flatten(report, levels[1:], bucket.Sub, bucket.Count, row)
	}
	delete(row, level.Field)
}
