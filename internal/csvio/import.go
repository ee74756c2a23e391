package csvio

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The kinds of fault a row may have, as clients know them.
const (
	parserFailure     = "PARSER_FAILURE"
	invalidHeader     = "INVALID_HEADER"
	invalidFieldCount = "INVALID_FIELD_COUNT"
	fieldRequired     = "FIELD_REQUIRED"
	invalidField      = "INVALID_FIELD"
	unknownFault      = "UNKNOWN"
)

// Result is the outcome of an import. The row of headers counts as a row.
type Result struct {
	DryRun      bool   `json:"dryRun"`
	Status      string `json:"status"` // success, partialSuccess, failure or aborted
	AbortReason string `json:"abortReason,omitzero"`
	Processed   int    `json:"numberOfRowsProcessed"`
	Passed      int    `json:"numberOfRowsPassed"`
	Failed      int    `json:"numberOfRowsFailed"`
	Rows        string `json:"importResultsCsv,omitzero"`
}

// row is one record and what became of it.
type row struct {
	cells   []string
	change  change
	fault   string // kind and message; "" while all is well
	outcome string
}

func (r *row) fail(kind, format string, args ...any) {
	r.fault = "#" + kind + ": " + fmt.Sprintf(format, args...)
}

// failWith takes over an error of the engine, or of a field.
func (r *row) failWith(err error) {
	if r.fault != "" {
		return
	}
	kind := unknownFault
	if k := entity.KindOf(err); k == entity.KindBadRequest || k == entity.KindNotFound {
		kind = invalidField
	}
	r.fail(kind, "%s", engine.Public(err))
}

// Import reads a file into what lies below an entity. Bad rows are part of the
// result, not an error. With dryRun nothing is kept.
func (s *Service) Import(ctx context.Context, by entity.Principal, req Request, data []byte, dryRun bool) (Result, error) {
	c, err := s.open(ctx, by, req)
	if err != nil {
		return Result{}, err
	}
	records, err := parse(data)
	if err != nil {
		return aborted(dryRun, parserFailure, engine.Public(err)), nil
	}
	if len(records) == 0 {
		return aborted(dryRun, invalidHeader, "the file is empty; it begins with a row of headers"), nil
	}
	fields, fault := c.headers(records[0])
	if fault != "" {
		return aborted(dryRun, invalidHeader, fault), nil
	}
	m := &importer{s: s, ctx: ctx, by: by, c: c, fields: fields, dryRun: dryRun, tell: req.tell}
	m.read(records[1:])
	if err := m.run(); err != nil {
		return Result{}, err
	}
	return m.result(records[0])
}

func aborted(dryRun bool, kind, reason string) Result {
	return Result{DryRun: dryRun, Status: "aborted", AbortReason: "#" + kind + ": " + reason, Processed: 1, Failed: 1}
}

// headers finds the field of each column, or says what is wrong with them.
func (c *container) headers(names []string) ([]*field, string) {
	fields := make([]*field, len(names))
	given := map[string]bool{}
	for i, name := range names {
		f := c.sheet.find(unguard(name))
		switch {
		case f == nil:
			return nil, fmt.Sprintf("the column %q is not known; there are %s", entity.Shorten(name, 100), c.sheet.headerLine())
		case given[f.name]:
			return nil, fmt.Sprintf("the column %q is there twice", f.name)
		}
		given[f.name] = true
		fields[i] = f
	}
	for i := range c.sheet.fields {
		f := &c.sheet.fields[i]
		if f.required && f.name != "entityType" && !given[f.name] && !(f.name == "column.name" && given["fullyQualifiedName"]) {
			return nil, fmt.Sprintf("the column %q is missing; there are %s", f.header(), c.sheet.headerLine())
		}
	}
	return fields, ""
}

func (s *sheet) headerLine() string {
	names := make([]string, len(s.fields))
	for i := range s.fields {
		names[i] = s.fields[i].header()
	}
	return strings.Join(names, ",")
}

// importer is one import on its way.
type importer struct {
	s      *Service
	ctx    context.Context
	by     entity.Principal
	c      *container
	fields []*field
	dryRun bool
	rows   []row
	tell   func(done, total int)
	done   int // rows written, for tell
}

// read places every row, or finds why it cannot be.
func (m *importer) read(records [][]string) {
	m.rows = make([]row, len(records))
	for i, record := range records {
		r := &m.rows[i]
		r.cells = record
		if len(record) != len(m.fields) {
			r.fail(invalidFieldCount, "the row has %d cells, the headers are %d", len(record), len(m.fields))
			continue
		}
		r.change = change{ctx: m.ctx, by: m.by, under: m.c, cells: make(map[string]string, len(record))}
		for j, f := range m.fields {
			text := unguard(record[j])
			r.change.cells[f.name] = text
			if f.required && text == "" && r.fault == "" && f.name != "entityType" {
				r.fail(fieldRequired, "Field %d (%s) is required", j+1, f.name)
			}
		}
		if r.fault != "" {
			continue
		}
		if err := m.c.sheet.place(&r.change); err != nil {
			r.fail(invalidField, "%s", engine.Public(err))
		}
	}
}

// set lets a row change its subject.
func (m *importer) set(r *row) error {
	for j, f := range m.fields {
		if f.set == nil || !f.applies(r.change.typ) {
			continue
		}
		if err := f.set(&r.change, r.change.cells[f.name]); err != nil {
			if entity.KindOf(err) == entity.KindInternal {
				return err
			}
			r.fail(invalidField, "Field %d (%s) error - %s", j+1, f.name, engine.Public(err))
			return entity.BadRequest("%s", r.fault)
		}
	}
	return nil
}

// unit is what is written at once: one entity, or the columns of one table.
type unit struct{ rows []*row }

// units puts the rows in an order in which what holds others comes first, and
// the columns of a table together.
func (m *importer) units() []unit {
	rank := make(map[string]int, len(m.c.sheet.rows))
	for i, typ := range m.c.sheet.rows {
		rank[typ] = i
	}
	var good []*row
	for i := range m.rows {
		if m.rows[i].fault == "" {
			good = append(good, &m.rows[i])
		}
	}
	slices.SortStableFunc(good, func(a, b *row) int { return rank[a.change.typ] - rank[b.change.typ] })
	var units []unit
	tables := map[string]int{}
	for _, r := range good {
		if r.change.typ != columnRow {
			units = append(units, unit{rows: []*row{r}})
			continue
		}
		at, ok := tables[r.change.table]
		if !ok {
			at = len(units)
			tables[r.change.table] = at
			units = append(units, unit{})
		}
		units[at].rows = append(units[at].rows, r)
	}
	return units
}

// unitsTogether is how many units share a transaction: enough to share the cost
// of a commit, few enough that other writers do not wait long.
const unitsTogether = 50

func (m *importer) run() error {
	units := m.units()
	if m.dryRun {
		return m.s.engine.Rehearse(m.ctx, m.by, func(b *engine.Batch) error { return m.write(b, units) })
	}
	for chunk := range slices.Chunk(units, unitsTogether) {
		if err := m.s.engine.Together(m.ctx, m.by, func(b *engine.Batch) error { return m.write(b, chunk) }); err != nil {
			return err
		}
		for _, u := range chunk {
			m.done += len(u.rows)
		}
		m.tell(m.done, len(m.rows))
	}
	return nil
}

// write writes units. It may run again for the same ones.
func (m *importer) write(b *engine.Batch, units []unit) error {
	for _, u := range units {
		if err := m.ctx.Err(); err != nil {
			return err
		}
		for _, r := range u.rows {
			r.fault, r.outcome, r.change.batch = "", "", b
		}
		var err error
		if u.rows[0].change.typ == columnRow {
			err = m.writeColumns(b, u.rows)
		} else {
			err = m.writeEntity(b, u.rows[0])
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// writeEntity saves the entity of one row. Only what stops the whole import is an
// error.
func (m *importer) writeEntity(b *engine.Batch, r *row) error {
	t, ok := m.s.engine.Registry().ByName(r.change.typ)
	if !ok {
		return entity.NotFound("entity type", r.change.typ)
	}
	event, err := b.Save(m.ctx, t, r.change.fqn, func(ent *entity.Entity, created bool) error {
		r.change.ent, r.change.created = ent, created
		if created {
			if err := m.c.sheet.begin(&r.change); err != nil {
				return err
			}
		}
		return m.set(r)
	})
	r.change.ent = nil
	if err != nil {
		if stops(err) {
			return err
		}
		r.failWith(err)
		return nil
	}
	r.outcome = outcomes(event)
	if r.change.typ == "team" {
		m.c.made[r.change.fqn] = true
	}
	return nil
}

// stops tells whether an error is none of the row's.
func stops(err error) bool {
	return entity.AsError(err) == nil || entity.KindOf(err) == entity.KindInternal || entity.KindOf(err) == entity.KindUnavailable
}

func outcomes(event string) string {
	switch event {
	case entity.EventCreated:
		return "Entity created"
	case entity.EventNoChange:
		return "Entity unchanged"
	}
	return "Entity updated"
}

// result puts together what became of the rows.
func (m *importer) result(headers []string) (Result, error) {
	out := Result{DryRun: m.dryRun, Processed: len(m.rows) + 1, Passed: 1}
	var text strings.Builder
	w := writer{to: &text}
	if err := w.record(append([]string{"status", "details"}, headers...)...); err != nil {
		return out, entity.Internal(err)
	}
	for i := range m.rows {
		r := &m.rows[i]
		status, details := "success", r.outcome
		if r.fault != "" {
			status, details = "failure", r.fault
			out.Failed++
		} else {
			out.Passed++
		}
		for j, cell := range r.cells {
			r.cells[j] = unguard(cell) // record guards it again
		}
		if err := w.record(append([]string{status, details}, r.cells...)...); err != nil {
			return out, entity.Internal(err)
		}
	}
	out.Rows = text.String()
	switch {
	case out.Failed == 0:
		out.Status = "success"
	case out.Passed > 1:
		out.Status = "partialSuccess"
	default:
		out.Status = "failure"
	}
	return out, nil
}
