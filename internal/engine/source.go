package engine

import (
	"bytes"
	"context"
	"slices"
	"strings"

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

// Reach is what an event changes of the documents of other entities.
type Reach struct {
	Below   bool     // of everything below the entity
	Related bool     // of everything that refers to the entity, or to what is below it
	Facts   []string // of whatever has one of these facts
}

// Reach tells what an event changes of other entities: those below inherit owners
// and domains and are named after it, labels show the names of tags, and whoever
// is gone owns nothing any more.
func (e *Engine) Reach(event store.Event) Reach {
	if event.Type == entity.EventDeleted {
		id := event.EntityID.String()
		switch event.EntityType {
		case "user", "team":
			owned := policy.Fact(policy.FactOwner, id)
			return Reach{Facts: []string{owned, policy.AboutFact(owned)}}
		case "domain":
			within := policy.Fact(policy.FactDomain, id)
			return Reach{Facts: []string{within, policy.AboutFact(within)}}
		}
		return Reach{}
	}
	renamed := e.renames(event)
	below := renamed || changesAny(event.Change, "owners", "domains") || hasAbout(event.EntityType) && changesLabels(event.Change)
	return Reach{Below: below, Related: renamed}
}

// hasAbout tells of types that tests and contracts are about, and that have little
// else below them: a tag on a whole database is none of its tables'.
func hasAbout(typ string) bool {
	switch typ {
	case "database", "databaseSchema", "glossary", "classification", "domain", "team", "directory":
		return false
	}
	return !strings.HasSuffix(typ, "Service")
}

// changesLabels tells whether a change may be of what conditions ask of an entity
// besides owners and domains. A column with a tag may come or go.
func changesLabels(raw []byte) bool {
	return slices.ContainsFunc([]string{"tags", "tagFQN", `"certification"`, `"reviewers"`}, func(part string) bool { return bytes.Contains(raw, []byte(part)) })
}

// renames tells whether an event gave an entity another FQN.
func (e *Engine) renames(event store.Event) bool {
	s := e.shapes[event.EntityType]
	if s == nil || !s.t.Supports.Rename || event.Type != entity.EventUpdated {
		return false
	}
	fields := []string{"name"}
	for _, p := range s.t.Parents {
		fields = append(fields, p.Field)
	}
	return changesAny(event.Change, fields...)
}

// changesAny tells whether a change is of one of the fields.
func changesAny(raw []byte, names ...string) bool {
	if !slices.ContainsFunc(names, func(name string) bool { return bytes.Contains(raw, []byte(`"`+name+`"`)) }) {
		return false
	}
	var change entity.ChangeDescription
	if err := json.Unmarshal(raw, &change); err != nil {
		return true // rather once too often
	}
	for _, fields := range [][]entity.FieldChange{change.FieldsAdded, change.FieldsUpdated, change.FieldsDeleted} {
		if slices.ContainsFunc(fields, func(f entity.FieldChange) bool { return slices.Contains(names, f.Name) }) {
			return true
		}
	}
	return false
}
