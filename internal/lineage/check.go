package lineage

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Limits of the details of one edge.
const (
	maxColumns     = 20_000
	maxFromColumns = 1_000
)

// pipelineTypes are what may move data along an edge.
var pipelineTypes = []string{"pipeline", "storedProcedure"}

// checkPipeline makes the reference to what moves the data bare; it must exist.
func (e *edge) checkPipeline(ctx context.Context, d *Details) error {
	if d.Pipeline == nil {
		return nil
	}
	row, err := e.tx.Entity(ctx, d.Pipeline.ID)
	if err != nil && entity.KindOf(err) != entity.KindNotFound {
		return err
	}
	for _, typ := range pipelineTypes {
		if err == nil && row.Type == typ && !row.Deleted {
			d.Pipeline = &entity.Ref{ID: row.ID, Type: row.Type}
			return nil
		}
	}
	typ := d.Pipeline.Type
	if typ == "" {
		typ = pipelineTypes[0]
	}
	return entity.NotFound(typ, d.Pipeline.ID.String())
}

// checkColumns refuses columns that the entities at the ends do not have.
func (e *edge) checkColumns(ctx context.Context, d *Details) error {
	if len(d.ColumnsLineage) == 0 {
		d.ColumnsLineage = nil
		return nil
	}
	if len(d.ColumnsLineage) > maxColumns {
		return entity.BadRequest("an edge describes at most %d columns", maxColumns)
	}
	from, err := e.columns(ctx, e.fromT, e.from)
	if err != nil {
		return err
	}
	to, err := e.columns(ctx, e.toT, e.to)
	if err != nil {
		return err
	}
	for i := range d.ColumnsLineage {
		column := &d.ColumnsLineage[i]
		if len(column.FromColumns) > maxFromColumns {
			return entity.BadRequest("a column comes from at most %d columns", maxFromColumns)
		}
		for j, fqn := range column.FromColumns {
			if column.FromColumns[j], err = belongs(from, e.from, fqn); err != nil {
				return err
			}
		}
		if column.ToColumn == "" {
			continue
		}
		if column.ToColumn, err = belongs(to, e.to, column.ToColumn); err != nil {
			return err
		}
	}
	return nil
}

// columns returns the names that column lineage may use for an entity: those of
// its parts, its charts for a dashboard, and its own.
func (e *edge) columns(ctx context.Context, t *registry.Type, row store.Row) (map[string]bool, error) {
	names, err := e.s.engine.PartNames(t, row)
	if err != nil {
		return nil, err
	}
	names[row.FQN] = true
	if t.Name != "dashboard" {
		return names, nil
	}
	var doc struct {
		Charts []entity.Ref              `json:"charts"`
		Rest   map[string]jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(row.Doc, &doc); err != nil {
		return nil, entity.Internal(err)
	}
	ids := make([]entity.ID, len(doc.Charts))
	for i, chart := range doc.Charts {
		ids[i] = chart.ID
	}
	rows, err := e.tx.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	for _, chart := range rows {
		names[chart.FQN] = true
	}
	return names, nil
}

// belongs returns the canonical name of a column of the entity.
func belongs(names map[string]bool, row store.Row, fqn string) (string, error) {
	canonical := entity.CanonicalFQN(fqn)
	if names[canonical] {
		return canonical, nil
	}
	return "", entity.BadRequest("Invalid column name %s: %s %s has no such column", entity.Shorten(fqn, 200), row.Type, entity.Shorten(row.FQN, 200))
}
