package api

import (
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// filters turns the list parameters of a type into a query. found is false when
// a parameter names something that does not exist: the list is empty then.
func (c *call) filters(t *registry.Type) (q store.ListQuery, found bool, err error) {
	for _, f := range t.Filters {
		value := strings.TrimSpace(c.query.Get(f.Param))
		if value == "" || value == "*" {
			continue
		}
		if len(value) > 4*entity.MaxFQN {
			return q, false, entity.BadRequest("query param %s is too long", f.Param)
		}
		if found, err := c.filter(&q, f, value); err != nil || !found {
			return q, false, err
		}
	}
	return q, true, nil
}

// filter adds one parameter to the query.
func (c *call) filter(q *store.ListQuery, f registry.Filter, value string) (found bool, err error) {
	switch f.Kind {
	case registry.FilterUnder:
		under, err := c.nameOf(value)
		if err != nil || under == "" {
			return false, err
		}
		if len(under) > len(q.Under) {
			q.Under = under
		}
	case registry.FilterParent, registry.FilterRelation:
		id, err := c.named(f, value)
		if err != nil || id == entity.NilID {
			return false, err
		}
		seen, err := c.engine.Visible(c.ctx(), c.by, []entity.ID{id})
		if err != nil || !seen[id] {
			return false, err // a list must not tell what refers to something hidden
		}
		if f.Kind == registry.FilterParent {
			q.Parent = id
		} else {
			q.RelatedFrom = &store.RelationFilter{From: id, Kind: f.Field}
		}
	case registry.FilterField:
		if q.Members == nil {
			q.Members = map[string]string{}
		}
		q.Members[f.Field] = value
	}
	return true, nil
}

// named returns the id of the entity a filter names by id or FQN, NilID when
// there is none.
func (c *call) named(f registry.Filter, value string) (entity.ID, error) {
	if id, err := entity.ParseID(value); err == nil {
		return id, nil
	}
	var out entity.ID
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		for _, name := range f.Types {
			t, ok := c.engine.Registry().ByName(name)
			if !ok {
				continue
			}
			row, err := c.engine.Row(c.ctx(), r, t, engine.ByFQN(value))
			if err == nil {
				out = row.ID
				return nil
			}
			if entity.KindOf(err) != entity.KindNotFound {
				return err
			}
		}
		return nil
	})
	return out, err
}

// nameOf returns the FQN that a filter gives as it is or by an id; "" when the
// entity does not exist.
func (c *call) nameOf(value string) (string, error) {
	id, err := entity.ParseID(value)
	if err != nil {
		return entity.CanonicalFQN(value), nil
	}
	var fqn string
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		row, err := r.Entity(c.ctx(), id)
		if err != nil && entity.KindOf(err) == entity.KindNotFound {
			return nil
		}
		fqn = row.FQN
		return err
	})
	return fqn, err
}
