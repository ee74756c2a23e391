package store

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// CompareRelations orders by From, Kind and To.
func CompareRelations(a, b Relation) int {
	return cmp.Or(
		bytes.Compare(a.From[:], b.From[:]),
		strings.Compare(a.Kind, b.Kind),
		bytes.Compare(a.To[:], b.To[:]),
	)
}

// EventPairs splits EventQuery.Types into the pairs it names and the event types that
// it wants of all entity types. Neither kind of name holds a space.
func EventPairs(types map[string][]string) (exact, whole []string) {
	for event, entityTypes := range types {
		if slices.Contains(entityTypes, "*") {
			whole = append(whole, event)
			continue
		}
		for _, entityType := range entityTypes {
			exact = append(exact, event+" "+entityType)
		}
	}
	return exact, whole
}

// Names returns the open interval of names that the query allows; an empty bound is none.
func (q ListQuery) Names() (low, high string) {
	low, high = q.After, q.Before
	if q.Under != "" {
		low = max(low, q.Under+".")
		if q.Before == "" || q.Under+"/" < q.Before {
			high = q.Under + "/" // the byte after the dot
		}
	}
	return low, high
}

// Countable tells whether the query is one by type, Include and Under alone, whose number
// of rows must not take longer the more there are.
func (q ListQuery) Countable() bool {
	return q.Type != "" && q.Parent == entity.NilID && q.RelatedFrom == nil && q.IDs == nil && len(q.Members) == 0
}
