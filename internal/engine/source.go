package engine

import (
	"bytes"
	"context"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Loaded is an entity with everything the index wants to know of it. Facts are
// what filters ask for, see policy.FactsOf and FindRequest.
type Loaded struct {
	Type   string
	Entity *entity.Entity
	Facts  []string
}

// Load returns the entities with the ids, whatever their types, deleted ones
// among them, with the fields that search shows and secrets masked. Ids that are
// gone are left out.
func (e *Engine) Load(ctx context.Context, ids []entity.ID) ([]Loaded, error) {
	var out []Loaded
	generation := e.refs.started()
	err := e.store.View(ctx, func(r store.Reader) error {
		rows, err := r.Entities(ctx, ids)
		if err != nil {
			return err
		}
		byType := map[string][]store.Row{}
		for _, row := range rows {
			byType[row.Type] = append(byType[row.Type], row)
		}
		l := e.newLookup(r, generation, true)
		facts, err := e.factsOf(ctx, l, rows)
		if err != nil {
			return err
		}
		for typ, rows := range byType {
			s := e.shapes[typ]
			if s == nil {
				continue
			}
			fields := Fields{names: map[string]bool{"followers": true, "votes": true, "owners": true, "tags": true, "usageSummary": true}}
			ents, err := e.hydrate(ctx, r, l, s.t, rows, View{Fields: fields, Include: store.All, whole: true})
			if err != nil {
				return err
			}
			for i, ent := range ents {
				place, err := s.placeFacts(rows[i])
				if err != nil {
					return err
				}
				out = append(out, Loaded{Type: typ, Entity: ent, Facts: append(facts[ent.ID], place...)})
			}
		}
		return nil
	})
	return out, err
}

// Reach tells what an event changes of the facts of other entities: those below
// inherit owners and domains, and whoever is gone owns nothing any more.
func (e *Engine) Reach(event store.Event) (below bool, facts []string) {
	if event.Type == entity.EventDeleted {
		id := event.EntityID.String()
		switch event.EntityType {
		case "user", "team":
			return false, []string{policy.Fact(policy.FactOwner, id)}
		case "domain":
			return false, []string{policy.Fact(policy.FactDomain, id)}
		}
		return false, nil
	}
	return passedOn(event.Change), nil
}

// passedOn tells whether a change is of a field that is inherited.
func passedOn(raw []byte) bool {
	if !bytes.Contains(raw, []byte(`"owners"`)) && !bytes.Contains(raw, []byte(`"domains"`)) {
		return false
	}
	var change entity.ChangeDescription
	if err := json.Unmarshal(raw, &change); err != nil {
		return true // rather once too often
	}
	for _, fields := range [][]entity.FieldChange{change.FieldsAdded, change.FieldsUpdated, change.FieldsDeleted} {
		for i := range fields {
			if fields[i].Name == "owners" || fields[i].Name == "domains" {
				return true
			}
		}
	}
	return false
}
