package engine

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Some entities are about another one and tell of it: tests of a table, a contract. A
// rule that hides a table from somebody hides these too, though it names tables only.

// isAbout tells of the types whose entities are about what is above them.
func isAbout(typ string) bool {
	return typ == "testCase" || typ == "testSuite" || typ == "dataContract"
}

// aboutWhat climbs from the parent of such an entity to what it is about; nil when it
// is about nothing, as a suite that gathers tests. The ancestors have been loaded.
func (l *lookup) aboutWhat(parent entity.ID) *refInfo {
	for depth := 0; depth < maxDepth; depth++ {
		info := l.byID[parent]
		if info == nil || !isAbout(info.ref.Type) {
			return info
		}
		parent = info.parent
	}
	return nil
}

// authorizeAbout refuses what is about something that a rule hides from the caller.
func (e *Engine) authorizeAbout(ctx context.Context, r store.Reader, l *lookup, s *policy.Subject, typ string, parent entity.ID) error {
	if !isAbout(typ) {
		return nil
	}
	info := l.aboutWhat(parent)
	if info == nil {
		return nil
	}
	row, err := r.Entity(ctx, info.ref.ID)
	if err != nil {
		return err
	}
	ent, err := decodeDoc(row.Doc)
	if err != nil {
		return err
	}
	shape := e.shapes[row.Type]
	if shape == nil {
		return nil
	}
	res, err := e.resourceIn(ctx, r, l, shape.t, ent, row.Parent)
	if err != nil {
		return err
	}
	return policy.Hidden(s, res).Err()
}

// withoutHidden takes out of what somebody may do what is about something hidden.
func (e *Engine) withoutHidden(f policy.Filter, s *policy.Subject, typ string, around policy.Surroundings) policy.Filter {
	if !isAbout(typ) || f.Kind == policy.FilterNone {
		return f
	}
	for _, t := range e.registry.All() {
		if typ != "dataContract" && t.Name != "table" {
			continue // tests are about tables
		}
		if hidden := policy.HiddenFor(s, t.Name, around); hidden.Kind != policy.FilterNone {
			f = f.Without(hidden.About(t.Name))
		}
	}
	return f
}

// aboutFacts are the facts of what rows are about, by the id of the row. Their
// ancestors have been loaded.
func (e *Engine) aboutFacts(ctx context.Context, l *lookup, rows []store.Row) (map[entity.ID][]string, error) {
	var ids []entity.ID
	about := map[entity.ID]entity.ID{}
	for _, row := range rows {
		if !isAbout(row.Type) {
			continue
		}
		if info := l.aboutWhat(row.Parent); info != nil {
			about[row.ID] = info.ref.ID
			ids = append(ids, info.ref.ID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	subjects, err := l.r.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	resources, err := e.resourcesOf(ctx, l, subjects)
	if err != nil {
		return nil, err
	}
	bySubject := make(map[entity.ID][]string, len(resources))
	for i := range resources {
		bySubject[subjects[i].ID] = policy.AboutFacts(&resources[i])
	}
	out := make(map[entity.ID][]string, len(about))
	for row, subject := range about {
		out[row] = bySubject[subject]
	}
	return out, nil
}
