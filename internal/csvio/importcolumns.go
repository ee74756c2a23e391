package csvio

import (
	"maps"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// maxAttempts bounds how often one table is tried while the rows at fault are
// searched for.
const maxAttempts = 64

// writeColumns saves the columns of one table at once. When the whole is refused,
// halves are tried, so that a bad row fails alone.
func (m *importer) writeColumns(b *engine.Batch, rows []*row) error {
	attempts := 0
	return m.tryColumns(b, rows, &attempts)
}

func (m *importer) tryColumns(b *engine.Batch, rows []*row, attempts *int) error {
	*attempts++
	err := m.saveColumns(b, rows)
	if err == nil || stops(err) {
		return err
	}
	fine := slices.DeleteFunc(slices.Clone(rows), func(r *row) bool { return r.fault != "" })
	if len(fine) <= 1 || *attempts >= maxAttempts || entity.KindOf(err) == entity.KindForbidden {
		for _, r := range fine {
			r.failWith(err)
		}
		return nil
	}
	half := len(fine) / 2
	if err := m.tryColumns(b, fine[:half], attempts); err != nil {
		return err
	}
	return m.tryColumns(b, fine[half:], attempts)
}

// saveColumns applies the rows that can be and notes the faults of the others.
func (m *importer) saveColumns(b *engine.Batch, rows []*row) error {
	t, ok := m.s.engine.Registry().ByName("table")
	if !ok {
		return entity.NotFound("entity type", "table")
	}
	created := map[*row]bool{}
	event, err := b.Save(m.ctx, t, rows[0].change.table, func(table *entity.Entity, isNew bool) error {
		if isNew {
			return entity.NotFound("table", rows[0].change.table)
		}
		columns, err := columnsOf(table)
		if err != nil {
			return err
		}
		tree, err := newColumnTree(table.FullyQualifiedName, columns)
		if err != nil {
			return err
		}
		for _, r := range rows {
			isNew, err := m.setColumn(tree, r)
			if err != nil && stops(err) {
				return err
			}
			created[r] = isNew
		}
		in := change{subject: subject{ent: table}}
		return in.setMember("columns", tree.columns)
	})
	if err != nil {
		return err
	}
	for _, r := range rows {
		switch {
		case r.fault != "":
		case created[r]:
			r.outcome = outcomes(entity.EventCreated)
		default:
			r.outcome = outcomes(event)
		}
	}
	return nil
}

// setColumn applies one row to a copy of its column and puts that in its place.
func (m *importer) setColumn(tree *columnTree, r *row) (created bool, err error) {
	var c column
	if old := tree.byFQN[r.change.fqn]; old != nil {
		c = *old
		c.Rest, c.Tags = maps.Clone(c.Rest), slices.Clone(c.Tags)
	} else {
		created = true
		parts, err := entity.SplitFQN(r.change.fqn)
		if err != nil {
			return false, err
		}
		c.Name = entity.UnquoteName(parts[len(parts)-1])
	}
	r.change.col, r.change.created = &c, created
	err = m.set(r)
	r.change.col = nil
	if err != nil {
		return created, err
	}
	if created && c.Rest["dataType"] == nil {
		r.fail(invalidField, "the column %s does not exist, and a new one needs a dataType", entity.Shorten(r.change.fqn, 300))
		return created, nil
	}
	if err := tree.put(r.change.fqn, c); err != nil {
		r.failWith(err)
		return created, err
	}
	return created, nil
}
