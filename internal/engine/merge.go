package engine

import (
	"cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// keptOnPut are members of the type that a PUT which leaves them out does not
// remove: other calls than the ingestion's set them.
var keptOnPut = map[string]bool{
	"dataModel": true, "tableProfilerConfig": true, "lifeCycle": true, "certification": true,
	"customMetrics": true, "processedLineage": true, "sourceHash": true, "connection": true,
}

// merge carries over from the old state what a PUT does not take away. A bot
// adds and corrects what the source says, but what people wrote stays: their
// descriptions and display names are not overwritten, tags are united.
func merge(s *shape, old *entity.Entity, in *incoming, byBot bool) error {
	next := in.ent
	if byBot {
		next.Description = cmp.Or(old.Description, next.Description)
		next.DisplayName = cmp.Or(old.DisplayName, next.DisplayName)
	}
	for _, field := range envelopeRefs {
		from, to := envelopeSlot(old, field), envelopeSlot(next, field)
		if len(*to) == 0 {
			*to = *from
		}
	}
	next.Tags = mergeLabels(old.Tags, next.Tags)
	if next.Extension == nil {
		next.Extension = old.Extension
	}
	for name, value := range old.Rest {
		if next.Rest[name] == nil && s.keepsOnPut(name) {
			next.Rest[name] = value
		}
	}
	for name := range s.defaults { // a default stands for a value only on create
		if value := old.Rest[name]; value != nil && !in.present[name] {
			next.Rest[name] = value
		}
	}
	for i := range in.nested {
		list := &in.nested[i]
		before, err := nestedParts(old, list.at)
		if err != nil {
			return err
		}
		mergeParts(before, list.parts, byBot, 0)
	}
	if s.t.Hooks.MergePut != nil {
		return s.t.Hooks.MergePut(old, next, byBot)
	}
	return nil
}

// keepsOnPut tells whether a PUT that leaves a member out does not remove it.
func (s *shape) keepsOnPut(name string) bool {
	rel := s.relations[name]
	return keptOnPut[name] || s.needs[name] || !s.creatable[name] || rel != nil && rel.KeepOnPut
}

// mergeLabels unites labels: the old ones first, then those that are new.
func mergeLabels(old, next []entity.TagLabel) []entity.TagLabel {
	if len(old) == 0 {
		return next
	}
	out := append([]entity.TagLabel{}, old...)
	return append(out, labelsMinus(next, old)...)
}

// mergeParts does for columns and their kin what merge does for the entity.
func mergeParts(old, next []part, byBot bool, depth int) {
	if depth > maxDepth {
		return
	}
	before := indexParts(old)
	for i := range next {
		to := &next[i]
		from, ok := before[to.key()]
		if !ok {
			continue
		}
		if byBot {
			to.Description = cmp.Or(from.Description, to.Description)
			to.DisplayName = cmp.Or(from.DisplayName, to.DisplayName)
		}
		to.Tags = mergeLabels(from.Tags, to.Tags)
		for _, kept := range []string{"extension", "customMetrics"} {
			if value := from.Rest[kept]; value != nil && to.Rest[kept] == nil {
				if to.Rest == nil {
					to.Rest = from.Rest
					continue
				}
				to.Rest[kept] = value
			}
		}
		mergeParts(from.Children, to.Children, byBot, depth+1)
	}
}
