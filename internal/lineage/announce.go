package lineage

import (
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// what happened to an edge.
type what int

const (
	added what = iota
	updated
	removed
)

// The names under which change descriptions speak of edges.
const (
	upstreamField   = "upstreamEdges"
	downstreamField = "downstreamEdges"
)

// announce tells both ends of a change of the edge between them.
func (e *edge) announce(ctx context.Context, by entity.Principal, kind what) error {
	change, err := e.s.change(e.relation, downstreamField, kind)
	if err != nil {
		return err
	}
	if err := e.s.engine.Touch(ctx, e.tx, by, e.from, change); err != nil {
		return err
	}
	if change, err = e.s.change(e.relation, upstreamField, kind); err != nil {
		return err
	}
	return e.s.engine.Touch(ctx, e.tx, by, e.to, change)
}

// announceAll tells the ends of removed edges, read in one batch.
func (s *Service) announceAll(ctx context.Context, tx store.Tx, by entity.Principal, gone []store.Relation) error {
	ids := make([]entity.ID, 0, 2*len(gone))
	seen := map[entity.ID]bool{}
	for _, rel := range gone {
		for _, id := range []entity.ID{rel.From, rel.To} {
			if !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
	}
	rows, err := tx.Entities(ctx, ids)
	if err != nil {
		return err
	}
	byID := make(map[entity.ID]store.Row, len(rows))
	for _, row := range rows {
		byID[row.ID] = row
	}
	for _, rel := range gone {
		e := &edge{s: s, tx: tx, from: byID[rel.From], to: byID[rel.To], relation: rel}
		if err := e.announce(ctx, by, removed); err != nil {
			return err
		}
	}
	return nil
}

// change describes what happened to an edge, seen from one of its ends.
func (s *Service) change(rel store.Relation, field string, kind what) (*entity.ChangeDescription, error) {
	raw, err := encode(map[string]any{"fromEntity": rel.From, "toEntity": rel.To})
	if err != nil {
		return nil, err
	}
	value, err := jsontext.AppendQuote(nil, raw)
	if err != nil {
		return nil, entity.Internal(err)
	}
	c := &entity.ChangeDescription{FieldsAdded: []entity.FieldChange{}, FieldsUpdated: []entity.FieldChange{}, FieldsDeleted: []entity.FieldChange{}}
	switch kind {
	case added:
		c.FieldsAdded = append(c.FieldsAdded, entity.FieldChange{Name: field, NewValue: value})
	case updated:
		c.FieldsUpdated = append(c.FieldsUpdated, entity.FieldChange{Name: field, OldValue: value, NewValue: value})
	case removed:
		c.FieldsDeleted = append(c.FieldsDeleted, entity.FieldChange{Name: field, OldValue: value})
	}
	return c, nil
}
