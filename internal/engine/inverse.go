package engine

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// A relation is kept at one end: a user lists its teams. Requests may also state
// it from the other end, as when a team is created with its users. The write then
// changes the documents at the far end, in the same transaction, each with a
// version and an event of its own.

// inverseWrite is a relation stated from the end that does not keep it.
type inverseWrite struct {
	rel     *registry.Relation
	pending pendingRef
	add     []entity.Ref
	remove  []entity.Ref
}

// statable tells whether requests may state the inverse relation.
func (s *shape) statable(rel *registry.Relation) bool {
	return s.creatable[rel.Field] || rel.Request != "" && s.creatable[rel.Request]
}

// takeInverse moves the relations stated from here out of the object.
func (s *shape) takeInverse(in *incoming, members map[string]jsontext.Value) error {
	for _, rel := range s.inverse {
		raw, ok := members[rel.Field]
		if !ok || !s.statable(rel) {
			continue
		}
		delete(members, rel.Field)
		items, err := refItems(rel.Field, raw)
		if err != nil {
			return err
		}
		in.inverse = append(in.inverse, inverseWrite{rel: rel, pending: pendingRef{field: rel.Field, types: rel.Types, many: rel.Many, items: items}})
	}
	return nil
}

// statedInverse returns the inverse relations that a patch changed; one that the
// patch removed becomes an empty list.
func (s *shape) statedInverse(before, after map[string]jsontext.Value) map[string]bool {
	stated := map[string]bool{}
	for _, rel := range s.inverse {
		if !s.statable(rel) || sameJSON(before[rel.Field], after[rel.Field]) {
			continue
		}
		stated[rel.Field] = true
		if after[rel.Field] == nil {
			after[rel.Field] = jsontext.Value("[]")
		}
	}
	return stated
}

// planInverse compares what was stated with what the far ends say now. The
// difference becomes part of the change of this entity.
func (w *write) planInverse(ctx context.Context, id entity.ID) error {
	for i := range w.in.inverse {
		inv := &w.in.inverse[i]
		wanted, err := inv.pending.resolve(w.e, w.look)
		if err != nil {
			return err
		}
		relations, err := w.tx.RelationsFrom(ctx, []entity.ID{id}, inv.rel.Of)
		if err != nil {
			return err
		}
		var now []entity.Ref
		for _, r := range relations {
			if contains(inv.rel.Types, r.ToType) {
				now = append(now, entity.Ref{ID: r.To, Type: r.ToType})
			}
		}
		inv.add, inv.remove = refsMinus(wanted, now), refsMinus(now, wanted)
	}
	return nil
}

func refsMinus(a, b []entity.Ref) []entity.Ref {
	var out []entity.Ref
	for _, ref := range a {
		if !slices.ContainsFunc(b, func(other entity.Ref) bool { return other.ID == ref.ID }) {
			out = append(out, ref)
		}
	}
	return out
}

// describeInverse adds the planned changes to the description of the write.
func (w *write) describeInverse(change *entity.ChangeDescription) {
	named := func(refs []entity.Ref) jsontext.Value {
		full := make([]entity.Ref, len(refs))
		for i, ref := range refs {
			full[i] = w.fullRef(ref)
		}
		return shown(mustEncode(full))
	}
	for _, inv := range w.in.inverse {
		if len(inv.add) > 0 {
			change.FieldsAdded = append(change.FieldsAdded, entity.FieldChange{Name: inv.rel.Field, NewValue: named(inv.add)})
		}
		if len(inv.remove) > 0 {
			change.FieldsDeleted = append(change.FieldsDeleted, entity.FieldChange{Name: inv.rel.Field, OldValue: named(inv.remove)})
		}
	}
}

// applyInverse changes the far ends. The caller's right to state the relation
// from here was checked with the change of this entity.
func (w *write) applyInverse(ctx context.Context) error {
	self := entity.Ref{ID: w.in.ent.ID, Type: w.t.Name}
	for _, inv := range w.in.inverse {
		for _, far := range inv.add {
			if err := w.editFar(ctx, far, inv.rel.Of, func(refs []entity.Ref) []entity.Ref { return append(refs, self) }); err != nil {
				return err
			}
		}
		for _, far := range inv.remove {
			if err := w.editFar(ctx, far, inv.rel.Of, func(refs []entity.Ref) []entity.Ref { return refsMinus(refs, []entity.Ref{self}) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// editFar changes one reference member of the entity at the far end.
func (w *write) editFar(ctx context.Context, far entity.Ref, field string, change func([]entity.Ref) []entity.Ref) error {
	s := w.e.shapes[far.Type]
	if s == nil {
		return nil
	}
	child := &write{e: w.e, s: s, t: s.t, by: w.by, method: methodInternal, tx: w.tx, look: w.e.newLookup(w.tx, 0, false)}
	return child.edit(ctx, ByID(far.ID), nil, func(_ store.Tx, ent *entity.Entity) error {
		if slot := envelopeSlot(ent, field); slot != nil {
			*slot = change(*slot)
			return nil
		}
		refs, err := refsOf(ent.Rest[field])
		if err != nil {
			return entity.Internal(err)
		}
		refs = change(refs)
		rel := s.relations[field]
		switch {
		case len(refs) == 0:
			delete(ent.Rest, field)
		case rel != nil && !rel.Many:
			ent.Rest[field] = mustEncode(refs[len(refs)-1])
		default:
			ent.Rest[field] = mustEncode(refs)
		}
		return nil
	})
}
