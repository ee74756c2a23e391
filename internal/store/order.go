package store

import (
	"bytes"
	"cmp"
	"slices"
	"strings"
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
