package api

import (
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// maxQueryLinks bounds what one call adds to a query.
const maxQueryLinks = 1_000

// queryRoutes say who ran a query and what it reads.
func (a *API) queryRoutes() []Route {
	const base = "/api/v1/queries/{id}"
	return []Route{
		{Method: http.MethodPut, Path: base + "/usage", Access: Authenticated, Handle: (*call).addQueryUsage},
		{Method: http.MethodDelete, Path: base + "/usage", Access: Authenticated, Handle: (*call).removeQueryUsage},
		{Method: http.MethodPut, Path: base + "/users", Access: Authenticated, Handle: (*call).addQueryUsers},
		{Method: http.MethodPut, Path: base + "/usedBy", Access: Authenticated, Handle: (*call).addQueryUsedBy},
	}
}

// bareRef is a reference as clients send it; only its identity counts.
type bareRef struct {
	ID   entity.ID `json:"id"`
	Type string    `json:"type"`
	// Rest is what clients copy from answers.
	Rest map[string]jsontext.Value `json:",embed"`
}

// list reads a body that is an array of at most maxQueryLinks items.
func list[T any](c *call) ([]T, error) {
	var items []T
	if err := c.decode(&items); err != nil {
		return nil, err
	}
	if len(items) > maxQueryLinks {
		return nil, entity.BadRequest("at most %d can be changed at once", maxQueryLinks)
	}
	return items, nil
}

func (c *call) addQueryUsage() error {
	return c.changeUsedIn(func(have, given []entity.Ref) []entity.Ref {
		for _, ref := range given {
			if !slices.ContainsFunc(have, func(r entity.Ref) bool { return r.ID == ref.ID }) {
				have = append(have, ref)
			}
		}
		return have
	})
}

func (c *call) removeQueryUsage() error {
	return c.changeUsedIn(func(have, given []entity.Ref) []entity.Ref {
		return slices.DeleteFunc(have, func(r entity.Ref) bool {
			return slices.ContainsFunc(given, func(g entity.Ref) bool { return g.ID == r.ID })
		})
	})
}

func (c *call) changeUsedIn(merge func(have, given []entity.Ref) []entity.Ref) error {
	items, err := list[bareRef](c)
	if err != nil {
		return err
	}
	given := make([]entity.Ref, len(items))
	for i, item := range items {
		given[i] = entity.Ref{ID: item.ID, Type: item.Type}
	}
	return c.editQuery(func(_ store.Tx, ent *entity.Entity) error {
		return editMember(ent, "queryUsedIn", func(have []entity.Ref) []entity.Ref { return merge(have, given) })
	})
}

func (c *call) addQueryUsers() error {
	names, err := list[string](c)
	if err != nil {
		return err
	}
	return c.editQuery(func(tx store.Tx, ent *entity.Entity) error {
		users, err := c.usersNamed(tx, names)
		if err != nil {
			return err
		}
		return editMember(ent, "users", func(have []entity.Ref) []entity.Ref {
			for _, user := range users {
				if !slices.ContainsFunc(have, func(r entity.Ref) bool { return r.ID == user.ID }) {
					have = append(have, user)
				}
			}
			return have
		})
	})
}

// usersNamed returns the users with the names, or with the ids.
func (c *call) usersNamed(r store.Reader, names []string) ([]entity.Ref, error) {
	t, err := c.userType()
	if err != nil {
		return nil, err
	}
	users := make([]entity.Ref, len(names))
	for i, name := range names {
		sel := engine.ByFQN(entity.QuoteName(name))
		if id, err := entity.ParseID(name); err == nil {
			sel = engine.ByID(id)
		}
		row, err := c.engine.Row(c.ctx(), r, t, sel)
		if err != nil {
			return nil, err
		}
		users[i] = entity.Ref{ID: row.ID, Type: row.Type}
	}
	return users, nil
}

// addQueryUsedBy adds people who ran the query without being users here.
func (c *call) addQueryUsedBy() error {
	names, err := list[string](c)
	if err != nil {
		return err
	}
	return c.editQuery(func(_ store.Tx, ent *entity.Entity) error {
		return editMember(ent, "usedBy", func(have []string) []string {
			for _, name := range names {
				if !slices.Contains(have, name) {
					have = append(have, name)
				}
			}
			return have
		})
	})
}

// editMember decodes a member, lets edit change it, and puts it back.
func editMember[T any](ent *entity.Entity, name string, edit func([]T) []T) error {
	var items []T
	if raw := ent.Rest[name]; raw != nil {
		if err := json.Unmarshal(raw, &items); err != nil {
			return entity.Internal(err)
		}
	}
	items = edit(items)
	if len(items) == 0 {
		delete(ent.Rest, name)
		return nil
	}
	raw, err := json.Marshal(items)
	if err != nil {
		return entity.Internal(err)
	}
	ent.Rest[name] = raw
	return nil
}

// editQuery changes the query that the path names and answers the change.
func (c *call) editQuery(edit func(store.Tx, *entity.Entity) error) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	t, err := c.entityType("query")
	if err != nil {
		return err
	}
	fields, err := c.engine.ParseFields(t, "users,queryUsedIn")
	if err != nil {
		return err
	}
	result, err := c.engine.Edit(c.ctx(), c.by, t, sel, []policy.Operation{policy.EditAll}, engine.View{Fields: fields, Base: c.base()}, edit)
	if err != nil {
		return err
	}
	return c.changed(t, result)
}

// changed answers a change event that holds the entity after the change.
func (c *call) changed(t *registry.Type, result engine.Result) error {
	raw, err := engine.Encode(result.Entity)
	if err != nil {
		return entity.Internal(err)
	}
	ent := result.Entity
	event := engine.ChangeEvent{
		ID: entity.NewID(), EventType: result.Event, EntityType: t.Name, EntityID: ent.ID, EntityFullyQualifiedName: ent.FullyQualifiedName,
		PreviousVersion: ent.Version, CurrentVersion: ent.Version, UserName: c.by.Name, Timestamp: time.Now().UnixMilli(), Entity: raw,
	}
	if result.Event != entity.EventNoChange && ent.ChangeDescription != nil {
		event.ChangeDescription, event.PreviousVersion = ent.ChangeDescription, ent.ChangeDescription.PreviousVersion
	}
	c.w.Header().Set(ChangeHeader, result.Event)
	return c.json(http.StatusOK, event)
}
