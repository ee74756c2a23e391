package api

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/csvio"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/job"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// maxColumnRows bounds a file about columns, and the names of an export.
const maxColumnRows = search.MaxTerms

// columnHeaders are the columns of a file about columns: one row for each name.
func columnHeaders() []string {
	return []string{"column.name*", "column.displayName", "column.description", "column.tags", "column.glossaryTerms"}
}

// exportColumns answers the names of columns as CSV, each with what is known of the
// first column that has it.
func (c *call) exportColumns() error {
	scope, err := c.columnScope()
	if err != nil {
		return err
	}
	name := c.query.Get("columnName")
	req := c.ownersRequest(scope)
	if name != "" {
		req = c.ownersRequest(scope, withColumn([]string{name}))
	}
	first := map[string]*column{}
	all, err := c.columnOwners(req, maxColumnOwners, func(owner *columnOwner) error {
		return deepColumns(owner.FQN, owner.Columns, func(col *column) error {
			if name != "" && col.Name != name {
				return nil
			}
			if old := first[col.Name]; old == nil || col.FQN < old.FQN {
				first[col.Name] = &column{Name: col.Name, FQN: col.FQN, DisplayName: col.DisplayName, Description: col.Description, Tags: col.Tags}
			}
			if len(first) > maxColumnRows {
				return tooManyColumns()
			}
			return nil
		})
	})
	if err == nil && !all {
		err = tooManyColumns()
	}
	if err != nil {
		return err
	}
	records := [][]string{columnHeaders()}
	for _, col := range first {
		records = append(records, []string{col.Name, col.DisplayName, col.Description, labelCell(col.Tags, false), labelCell(col.Tags, true)})
	}
	slices.SortFunc(records[1:], func(a, b []string) int { return strings.Compare(a[0], b[0]) })
	var out bytes.Buffer
	if err := csvio.Records(&out, records); err != nil {
		return entity.Internal(err)
	}
	c.w.Header().Set("Content-Type", textMedia)
	return c.send(http.StatusOK, out.Bytes())
}

const glossarySource = "Glossary"

// labelCell lists the names of tags, or those of terms.
func labelCell(tags []entity.TagLabel, terms bool) string {
	var names []string
	for _, tag := range tags {
		if (tag.Source == glossarySource) == terms {
			names = append(names, tag.TagFQN)
		}
	}
	return csvio.JoinList(names)
}

// columnImport is a file about columns on its way.
type columnImport struct {
	scope   columnScope
	records [][]string // without the headers
	headers []string
	at      []int // where in a row the known headers are, -1 for nowhere
	dryRun  bool
	faults  []string          // by record
	targets [][]*columnTarget // by record
	held    int               // bytes of the file
}

// columnImport reads a file. Faults of the file as a whole come back as a result.
func (c *call) columnImport(dryRun bool) (*columnImport, *csvio.Result, error) {
	m := &columnImport{dryRun: dryRun}
	var err error
	if m.scope, err = c.columnScope(); err != nil {
		return nil, nil, err
	}
	body, err := c.body()
	if err != nil {
		return nil, nil, err
	}
	aborted := func(reason string) *csvio.Result {
		return &csvio.Result{DryRun: dryRun, Status: "aborted", AbortReason: reason, Processed: 1, Failed: 1}
	}
	records, err := csvio.ReadRecords(body)
	switch {
	case err != nil:
		return nil, aborted("#PARSER_FAILURE: " + engine.PublicMessage(err)), nil
	case len(records) == 0 || !m.readHeaders(records[0]):
		return nil, aborted("#INVALID_HEADER: the file begins with headers, each once: " + strings.Join(columnHeaders(), ",") + "; all but the first may be left out"), nil
	case len(records) > maxColumnRows:
		return nil, aborted(fmt.Sprintf("#PARSER_FAILURE: the file has more than %d rows", maxColumnRows)), nil
	}
	m.headers, m.records, m.held = records[0], records[1:], len(body)
	m.faults, m.targets = make([]string, len(m.records)), make([][]*columnTarget, len(m.records))
	return m, nil, nil
}

// bytes is how much memory the file takes; nothing has none.
func (m *columnImport) bytes() int {
	if m == nil {
		return 0
	}
	return m.held
}

// readHeaders finds where in a row what stands, and tells whether the headers are right.
func (m *columnImport) readHeaders(headers []string) bool {
	known := columnHeaders()
	m.at = make([]int, len(known))
	for i := range m.at {
		m.at[i] = -1
	}
	for i, header := range headers {
		at := slices.IndexFunc(known, func(k string) bool {
			return strings.EqualFold(strings.TrimSuffix(k, "*"), strings.TrimSuffix(strings.TrimSpace(header), "*"))
		})
		if at < 0 || m.at[at] >= 0 {
			return false
		}
		m.at[at] = i
	}
	return m.at[0] >= 0
}

// cell returns what a row has below the known header with the number.
func (m *columnImport) cell(record []string, header int) string {
	if at := m.at[header]; at >= 0 {
		return record[at]
	}
	return ""
}

// run changes the columns and tells what became of each row. An empty cell leaves what
// the columns have.
func (m *columnImport) run(c *call, tell job.Progress) (csvio.Result, error) {
	rows := map[string]int{}
	var names []string
	for i, record := range m.records {
		if len(record) != len(m.headers) {
			m.faults[i] = fmt.Sprintf("#INVALID_FIELD_COUNT: the row has %d cells, the headers are %d", len(record), len(m.headers))
			continue
		}
		switch name := m.cell(record, 0); name {
		case "":
			m.faults[i] = "#FIELD_REQUIRED: Field 1 (column.name) is required"
		default:
			if _, twice := rows[name]; twice {
				m.faults[i] = "#INVALID_FIELD: the column is there twice"
				continue
			}
			rows[name] = i
			names = append(names, name)
		}
	}
	if len(names) > 0 {
		found, err := c.findColumns(m.scope, names)
		if err != nil {
			return csvio.Result{}, err
		}
		for i := range found {
			row := rows[found[i].col.Name]
			t, err := found[i].target(m.updateOf(m.records[row], found[i].col.Tags))
			if err != nil {
				return csvio.Result{}, err
			}
			m.targets[row] = append(m.targets[row], t)
		}
	}
	if err := c.changeColumns(slices.Concat(m.targets...), m.dryRun, tell); err != nil {
		return csvio.Result{}, err
	}
	return m.result()
}

// updateOf is what a row changes in a column that has these tags.
func (m *columnImport) updateOf(record []string, tags []entity.TagLabel) *columnUpdate {
	cell := func(header int) string { return m.cell(record, header) }
	u := &columnUpdate{}
	if text := cell(1); text != "" {
		u.DisplayName = &text
	}
	if text := cell(2); text != "" {
		u.Description = &text
	}
	for i, terms := range []bool{false, true} {
		names := csvio.SplitList(cell(3 + i))
		if len(names) == 0 {
			continue
		}
		if u.Tags != nil {
			tags = *u.Tags
		}
		next := withLabels(tags, names, terms)
		u.Tags = &next
	}
	return u
}

// withLabels replaces the tags, or the terms, by those named; what stays is left as it
// is known.
func withLabels(tags []entity.TagLabel, names []string, terms bool) []entity.TagLabel {
	source := "Classification"
	if terms {
		source = glossarySource
	}
	out := slices.DeleteFunc(slices.Clone(tags), func(t entity.TagLabel) bool {
		return (t.Source == glossarySource) == terms && !slices.Contains(names, t.TagFQN)
	})
	for _, name := range names {
		if !slices.ContainsFunc(out, func(t entity.TagLabel) bool { return t.TagFQN == name && t.Source == source }) {
			out = append(out, entity.TagLabel{TagFQN: name, Source: source, LabelType: "Manual", State: "Confirmed"})
		}
	}
	return out
}

// result puts together what became of the rows. The row of headers counts as a row.
func (m *columnImport) result() (csvio.Result, error) {
	out := csvio.Result{DryRun: m.dryRun, Status: "success", Processed: len(m.records) + 1, Passed: 1}
	records := [][]string{append([]string{"status", "details"}, m.headers...)}
	for i, record := range m.records {
		status, details := "success", fmt.Sprintf("%d columns", len(m.targets[i]))
		failed := 0
		for _, t := range m.targets[i] {
			if t.err != nil {
				if failed++; failed == 1 {
					m.faults[i] = fmt.Sprintf("#INVALID_FIELD: %s: %s", t.fqn, engine.PublicMessage(t.err))
				}
			}
		}
		if m.faults[i] == "" && len(m.targets[i]) == 0 {
			m.faults[i] = "#INVALID_FIELD: there is no such column"
		}
		if m.faults[i] == "" {
			out.Passed++
		} else {
			status, details = "failure", m.faults[i]
			if failed > 0 {
				details = fmt.Sprintf("%s (%d of %d columns failed)", details, failed, len(m.targets[i]))
			}
			out.Failed++
		}
		records = append(records, append([]string{status, details}, record...))
	}
	var text bytes.Buffer
	if err := csvio.Records(&text, records); err != nil {
		return out, entity.Internal(err)
	}
	out.Rows = text.String()
	switch {
	case out.Failed > 0 && out.Passed > 1:
		out.Status = "partialSuccess"
	case out.Failed > 0:
		out.Status = "failure"
	}
	return out, nil
}

func (c *call) importColumns() error {
	dryRun, err := c.flag("dryRun", true)
	if err != nil {
		return err
	}
	m, aborted, err := c.columnImport(dryRun)
	if err != nil {
		return err
	}
	if aborted != nil {
		return c.json(http.StatusOK, aborted)
	}
	result, err := m.run(c, func(int, int) {})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, result)
}

// importColumnsLater starts a job that imports; it knows no dry run.
func (c *call) importColumnsLater() error {
	m, aborted, err := c.columnImport(false)
	if err != nil {
		return err
	}
	return c.begin("columnImport", http.StatusOK, jobAnswer{Message: "The import of columns has been started."}, m.bytes(), func(ctx context.Context, tell job.Progress) (job.Result, error) {
		if aborted != nil {
			return jsonResult(aborted)
		}
		result, err := m.run(c.later(ctx), tell)
		if err != nil {
			return job.Result{}, err
		}
		return jsonResult(result)
	})
}
