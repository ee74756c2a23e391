package engine

import (
	"context"
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Finder lists the entities of a type that have the right facts, in the order of
// their names. A search index is one. It may lag behind the store; what it finds
// is looked at again before it is shown.
type Finder interface {
	Find(ctx context.Context, req FindRequest) (Found, error)
}

// FindRequest selects a page.
type FindRequest struct {
	Type    string
	Sight   policy.Filter
	Facts   []string          // all of them have to be there
	Members map[string]string // top-level members with these values
	Include store.Include
	// After and Before are the key of the entity that the page begins after, or
	// ends before; nil for the first page.
	After, Before []string
	Limit         int
}

// Found is a page, in ascending order, and how many entities there are in all.
type Found struct {
	Total int
	Items []FoundItem
}

// FoundItem is one entity; Key is what After and Before take, never empty.
type FoundItem struct {
	ID  entity.ID
	Key []string
}

// UseFinder has lists ask the finder where what a caller may see depends on the
// entity. Without one, whole types are read for that. Call it at start only.
func (e *Engine) UseFinder(f Finder) { e.finder = f }

// Facts about where an entity stands; those of policy.FactsOf say the rest.
const (
	factUnder   policy.FactKind = "under"   // FQN of what is above
	factParent  policy.FactKind = "parent"  // id of what is directly above
	factRelated policy.FactKind = "related" // field and id of what a relation leads to
)

// placeFacts lists where an entity stands.
func (s *shape) placeFacts(row store.Row) ([]string, error) {
	ent, err := decodeDoc(row.Doc)
	if err != nil {
		return nil, err
	}
	var facts []string
	parts, err := entity.SplitFQN(row.FQN)
	if err == nil {
		for i := 1; i < len(parts); i++ {
			facts = append(facts, policy.Fact(factUnder, strings.Join(parts[:i], ".")))
		}
	}
	if row.Parent != entity.NilID {
		facts = append(facts, policy.Fact(factParent, row.Parent.String()))
	}
	for _, rel := range s.stored {
		refs, err := relationRefs(ent, rel)
		if err != nil {
			return nil, err
		}
		for _, ref := range refs {
			facts = append(facts, relatedFact(rel.Field, ref.ID))
		}
	}
	return facts, nil
}

func relatedFact(field string, id entity.ID) string {
	return policy.Fact(factRelated, field+"="+id.String())
}

// relationRefs are the references that a document keeps of a relation.
func relationRefs(ent *entity.Entity, rel *registry.Relation) ([]entity.Ref, error) {
	if slot := envelopeSlot(ent, rel.Field); slot != nil {
		return *slot, nil
	}
	return refsOf(ent.Rest[rel.Field])
}

// findable turns a query of a list into facts; ok is false when it asks for what
// no fact tells.
func (s *shape) findable(q store.ListQuery) (facts []string, ok bool) {
	if len(q.IDs) > 0 {
		return nil, false // few enough to be read
	}
	if q.Under != "" {
		facts = append(facts, policy.Fact(factUnder, q.Under))
	}
	if q.Parent != entity.NilID {
		facts = append(facts, policy.Fact(factParent, q.Parent.String()))
	}
	if rel := q.RelatedFrom; rel != nil {
		if !slices.ContainsFunc(s.stored, func(stored *registry.Relation) bool { return stored.Field == rel.Kind }) {
			return nil, false
		}
		facts = append(facts, relatedFact(rel.Kind, rel.From))
	}
	return facts, true
}

// foundMark begins the cursors that a finder's keys are in; FQNs never do.
const foundMark = "\x00"

func foundCursor(key []string) string {
	return cursorEncoding.EncodeToString([]byte(foundMark + strings.Join(key, foundMark)))
}

// foundKey reads a cursor. One of a list without a finder, made before the
// caller's rights changed, is the FQN alone.
func foundKey(cursor string) []string {
	if cursor == "" {
		return nil
	}
	return strings.Split(strings.TrimPrefix(cursor, foundMark), foundMark)
}

// plainCursor is the FQN of a cursor that a finder's key may be in.
func plainCursor(cursor string) string {
	if key := foundKey(cursor); len(key) > 0 {
		return key[0]
	}
	return ""
}
