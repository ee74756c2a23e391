package engine

import (
	"context"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// labelList are the labels of an entity or of one of its parts.
type labelList struct {
	where  string // names on the way to the part, "" for the entity itself
	labels *[]entity.TagLabel
}

// labelLists returns the lists that are not empty.
func labelLists(ent *entity.Entity, nested []partList) []labelList {
	var out []labelList
	if len(ent.Tags) > 0 {
		out = append(out, labelList{labels: &ent.Tags})
	}
	for _, list := range nested {
		out = partLabels(out, list.parts, "", 0)
	}
	return out
}

func partLabels(out []labelList, parts []part, prefix string, depth int) []labelList {
	if depth > maxDepth {
		return out
	}
	for i := range parts {
		where := prefix + "\x00" + parts[i].Name
		if len(parts[i].Tags) > 0 {
			out = append(out, labelList{where: where, labels: &parts[i].Tags})
		}
		out = partLabels(out, parts[i].Children, where, depth+1)
	}
	return out
}

// checkLabels refuses labels that this write adds although their tag is disabled,
// or excludes another that is there. What was there before may stay.
func (w *write) checkLabels(ctx context.Context, old *entity.Entity) error {
	lists := labelLists(w.in.ent, w.in.nested)
	if len(lists) == 0 {
		return nil
	}
	if err := w.loadLabels(ctx, lists); err != nil {
		return err
	}
	if !slices.ContainsFunc(lists, w.questionable) {
		return nil
	}
	before, err := w.labelsBefore(old)
	if err != nil {
		return err
	}
	for _, list := range lists {
		if err := w.checkList(list, before[list.where]); err != nil {
			return err
		}
	}
	return nil
}

func (w *write) loadLabels(ctx context.Context, lists []labelList) error {
	var keys []store.Key
	for _, list := range lists {
		for i := range *list.labels {
			keys = append(keys, labelKey(w.e, &(*list.labels)[i]))
		}
	}
	if err := w.look.loadKeys(ctx, keys); err != nil {
		return err
	}
	var parents []entity.ID
	for _, key := range keys {
		if info := w.look.byKey[key]; info != nil {
			parents = append(parents, info.parent)
		}
	}
	return w.look.loadAncestors(ctx, parents)
}

// questionable tells whether anything about a list could be refused.
func (w *write) questionable(list labelList) bool {
	labels := *list.labels
	for i := range labels {
		if w.disabled(&labels[i]) || slices.ContainsFunc(labels[:i], func(other entity.TagLabel) bool { return w.exclude(&labels[i], &other) }) {
			return true
		}
	}
	return false
}

// disabled tells whether the label's tag is out of use, or what it belongs to is.
func (w *write) disabled(label *entity.TagLabel) bool {
	info := w.look.byKey[labelKey(w.e, label)]
	for depth := 0; info != nil && depth < maxDepth; depth++ {
		if info.disabled {
			return true
		}
		info = w.look.info(info.parent)
	}
	return false
}

// exclude tells whether two labels have a parent that allows one of its children
// at a time.
func (w *write) exclude(a, b *entity.TagLabel) bool {
	one, other := w.look.byKey[labelKey(w.e, a)], w.look.byKey[labelKey(w.e, b)]
	if one == nil || other == nil || one.ref.ID == other.ref.ID || one.parent != other.parent {
		return false
	}
	parent := w.look.info(one.parent)
	return parent != nil && parent.exclusive
}

// labelsBefore returns the names of the labels of the old state by where they were.
func (w *write) labelsBefore(old *entity.Entity) (map[string]map[string]bool, error) {
	before := map[string]map[string]bool{}
	if old == nil {
		return before, nil
	}
	var nested []partList
	for _, n := range w.t.Nested {
		if !hasLabels(old.Rest[n.Path[0]]) {
			continue
		}
		parts, err := w.partsBefore(n)
		if err != nil {
			return nil, err
		}
		nested = append(nested, partList{at: n, parts: parts})
	}
	for _, list := range labelLists(old, nested) {
		names := make(map[string]bool, len(*list.labels))
		for _, label := range *list.labels {
			names[label.TagFQN] = true
		}
		before[list.where] = names
	}
	return before, nil
}

// checkList refuses a label that must not be added. Where a bot sends the whole
// entity, as ingestion does, the label is left out instead: what people decided
// in the catalog stands, and does not keep a table from being updated.
func (w *write) checkList(list labelList, before map[string]bool) error {
	lenient := w.by.IsBot && w.method != methodPatch
	kept := make([]entity.TagLabel, 0, len(*list.labels))
	for _, label := range *list.labels {
		if before[label.TagFQN] {
			kept = append(kept, label)
		}
	}
	var refused error
	for _, label := range *list.labels {
		if before[label.TagFQN] {
			continue
		}
		if err := w.mayAdd(&label, kept); err != nil {
			refused = err
			continue
		}
		kept = append(kept, label)
	}
	if refused == nil {
		return nil
	}
	if !lenient {
		return refused
	}
	*list.labels = kept
	return nil
}

// mayAdd tells why a label cannot stand beside those that are there.
func (w *write) mayAdd(label *entity.TagLabel, there []entity.TagLabel) error {
	if w.disabled(label) {
		return entity.BadRequest("Tag label %s is disabled and can't be assigned to a data asset.", label.TagFQN)
	}
	for i := range there {
		if w.exclude(label, &there[i]) {
			return entity.BadRequest("Tag labels %s and %s are mutually exclusive and can't be assigned together", there[i].TagFQN, label.TagFQN)
		}
	}
	return nil
}
