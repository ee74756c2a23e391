package api

import (
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// scanSeen visits the records of entities on which the caller may do the operation,
// newest first, until visit answers false.
func (c *call) scanSeen(r store.Reader, q store.RecordQuery, op policy.Operation, visit func(store.Record) bool) error {
	viewer := c.engine.Viewer(c.by, op)
	look := func(batch []store.Record) error {
		owners := make([]entity.Ref, 0, len(batch))
		for _, rec := range batch {
			if id, err := entity.ParseID(rec.Owner); err == nil {
				owners = append(owners, entity.Ref{ID: id})
			}
		}
		return viewer.Look(c.ctx(), r, owners...)
	}
	return timeseries.Scan(c.ctx(), r, q, maxScan, look, func(rec store.Record) bool {
		id, err := entity.ParseID(rec.Owner)
		return err != nil || !viewer.Sees(id) || visit(rec)
	})
}

// seesOwner checks that the caller may do the operation on the entity that a
// record belongs to.
func (c *call) seesOwner(r store.Reader, rec store.Record, op policy.Operation) error {
	id, err := entity.ParseID(rec.Owner)
	if err != nil {
		return entity.Internal(err)
	}
	row, err := r.Entity(c.ctx(), id)
	if err != nil {
		return err
	}
	t, err := c.entityType(row.Type)
	if err != nil {
		return err
	}
	_, err = c.engine.RowFor(c.ctx(), r, c.by, t, engine.ByID(id), op)
	return err
}

// seesAny refuses callers who cannot do the operation on anything of the type.
func (c *call) seesAny(typ string, op policy.Operation) error {
	f, err := c.engine.Sight(c.ctx(), c.by, typ, op)
	if err != nil || f.Kind != policy.FilterNone {
		return err
	}
	return c.authorize(typ, op)
}
