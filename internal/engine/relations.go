package engine

import (
	"bytes"
	"context"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// relate writes the relations that follow from the document, where they changed.
func (w *write) relate(ctx context.Context) error {
	next, err := w.relationsOf(ctx, w.in.ent)
	if err != nil {
		return err
	}
	var before []store.Relation
	if w.old != nil {
		if before, err = w.relationsOf(ctx, w.old); err != nil {
			return err
		}
	}
	if added := relationsMinus(next, before); len(added) > 0 {
		if err := w.tx.Relate(ctx, added...); err != nil {
			return err
		}
	}
	if gone := relationsMinus(before, next); len(gone) > 0 {
		return w.tx.Unrelate(ctx, gone...)
	}
	return nil
}

// relationsOf derives the relations of a state: from what is referred to, to the
// entity, under the name of the field.
func (w *write) relationsOf(ctx context.Context, ent *entity.Entity) ([]store.Relation, error) {
	var out []store.Relation
	add := func(kind string, refs []entity.Ref) {
		for _, ref := range refs {
			out = append(out, store.Relation{From: ref.ID, FromType: ref.Type, To: ent.ID, ToType: w.t.Name, Kind: kind})
		}
	}
	for _, field := range envelopeRefs {
		add(field, *envelopeSlot(ent, field))
	}
	for _, rel := range w.s.stored {
		if envelopeSlot(ent, rel.Field) != nil || ent.Rest[rel.Field] == nil {
			continue
		}
		refs, err := refsOf(ent.Rest[rel.Field])
		if err != nil {
			return nil, entity.Internal(err)
		}
		add(rel.Field, refs)
	}
	tags, err := w.tagRefs(ctx, ent)
	if err != nil {
		return nil, err
	}
	add("tags", tags)
	return out, nil
}

// tagRefs returns references to all tags and terms on the entity and its parts.
func (w *write) tagRefs(ctx context.Context, ent *entity.Entity) ([]entity.Ref, error) {
	labels, err := allLabels(w.s, ent)
	if err != nil {
		return nil, err
	}
	certified, err := certificationLabel(ent)
	if err != nil {
		return nil, err
	}
	if certified != nil {
		labels = append(labels, certified)
	}
	if len(labels) == 0 {
		return nil, nil
	}
	keys := make([]store.Key, len(labels))
	for i := range labels {
		keys[i] = labelKey(w.e, labels[i])
	}
	if err := w.look.loadKeys(ctx, keys); err != nil {
		return nil, err
	}
	var refs []entity.Ref
	seen := map[entity.ID]bool{}
	for _, key := range keys {
		if info := w.look.byKey[key]; info != nil && !seen[info.ref.ID] {
			seen[info.ref.ID] = true
			refs = append(refs, info.ref.Bare())
		}
	}
	return refs, nil
}

// allLabels returns the labels on the entity and on all its parts.
func allLabels(s *shape, ent *entity.Entity) ([]*entity.TagLabel, error) {
	lists, err := labelledParts(s, ent)
	if err != nil {
		return nil, err
	}
	labels := pointers(ent.Tags)
	for _, list := range lists {
		labels = collectLabels(labels, list.parts, 0)
	}
	return labels, nil
}

// labelledParts decodes those arrays of parts of a stored document that hold labels.
func labelledParts(s *shape, ent *entity.Entity) ([]partList, error) {
	var lists []partList
	for _, n := range s.t.Nested {
		if !hasLabels(ent.Rest[n.Path[0]]) {
			continue
		}
		parts, err := nestedParts(ent, n)
		if err != nil {
			return nil, err
		}
		lists = append(lists, partList{at: n, parts: parts})
	}
	return lists, nil
}

// pointers returns labels that can be changed where they are.
func pointers(labels []entity.TagLabel) []*entity.TagLabel {
	out := make([]*entity.TagLabel, 0, len(labels))
	for i := range labels {
		out = append(out, &labels[i])
	}
	return out
}

// hasLabels tells cheaply whether a raw member may hold tag labels.
func hasLabels(raw jsontext.Value) bool { return bytes.Contains(raw, []byte(`"tagFQN"`)) }

func relationsMinus(a, b []store.Relation) []store.Relation {
	if len(a) == 0 {
		return nil
	}
	type identity struct {
		from entity.ID
		kind string
	}
	have := make(map[identity]bool, len(b))
	for _, rel := range b {
		have[identity{rel.From, rel.Kind}] = true
	}
	var out []store.Relation
	for _, rel := range a {
		if !have[identity{rel.From, rel.Kind}] {
			out = append(out, rel)
		}
	}
	return out
}
