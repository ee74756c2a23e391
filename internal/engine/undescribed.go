package engine

import (
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// Rights are asked for what the description of a change names. Some differences are
// never described, so that they alone make no version: how a label came about, the
// order of columns. Together with a change that somebody may make, they would be
// written without anybody having asked.

// keepUndescribed leaves labels that stay as they were, on the entity and its parts.
func (w *write) keepUndescribed() error {
	if w.method == methodInternal {
		return nil
	}
	keepLabels(w.old.Tags, w.in.ent.Tags)
	for _, list := range w.in.nested {
		before, err := w.partsBefore(list.at)
		if err != nil {
			return err
		}
		keepPartLabels(before, list.parts, 0)
	}
	return nil
}

// partsBefore returns the parts of the old state, decoded once for all that compare
// with them; nobody changes them.
func (w *write) partsBefore(n registry.Nested) ([]part, error) {
	if parts, ok := w.oldParts[n.Path[0]]; ok {
		return parts, nil
	}
	parts, err := nestedParts(w.old, n)
	if err != nil {
		return nil, err
	}
	if w.oldParts == nil {
		w.oldParts = make(map[string][]part, len(w.t.Nested))
	}
	w.oldParts[n.Path[0]] = parts
	return parts, nil
}

func keepLabels(before, labels []entity.TagLabel) {
	for i := range labels {
		same := func(l entity.TagLabel) bool { return l.TagFQN == labels[i].TagFQN && l.Source == labels[i].Source }
		if k := slices.IndexFunc(before, same); k >= 0 {
			labels[i] = before[k]
		}
	}
}

func keepPartLabels(before, parts []part, depth int) {
	if depth > maxDepth || len(before) == 0 {
		return
	}
	index := indexParts(before)
	for i := range parts {
		if from, ok := index[parts[i].key()]; ok {
			keepLabels(from.Tags, parts[i].Tags)
			keepPartLabels(from.Children, parts[i].Children, depth+1)
		}
	}
}

// undescribed adds what a change needs beyond its description: whoever may not change
// columns may not put them into another order along with a description.
func (w *write) undescribed(ops []policy.Operation) ([]policy.Operation, error) {
	if slices.Contains(ops, policy.EditAll) {
		return ops, nil
	}
	for _, list := range w.in.nested {
		before, err := w.partsBefore(list.at)
		if err != nil {
			return nil, err
		}
		if reordered(before, list.parts, 0) {
			return append(ops, policy.EditAll), nil
		}
	}
	return ops, nil
}

// reordered tells whether parts that are in both states stand in another order.
func reordered(before, after []part, depth int) bool {
	if depth > maxDepth || len(before) == 0 {
		return false
	}
	old, next := indexParts(before), indexParts(after)
	at := 0
	for i := range after {
		from, ok := old[after[i].key()]
		if !ok {
			continue
		}
		for at < len(before) && next[before[at].key()] == nil {
			at++ // it is gone
		}
		if at == len(before) || before[at].key() != after[i].key() {
			return true
		}
		at++
		if reordered(from.Children, after[i].Children, depth+1) {
			return true
		}
	}
	return false
}
