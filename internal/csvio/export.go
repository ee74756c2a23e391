package csvio

import (
	"context"
	"io"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Export writes what lies below an entity, a page at a time. Nothing is written
// when the entity does not exist or may not be seen.
func (s *Service) Export(ctx context.Context, by entity.Principal, req Request, to io.Writer) error {
	c, err := s.open(ctx, by, req)
	if err != nil {
		return err
	}
	x := &exporter{s: s, ctx: ctx, by: by, c: c, w: writer{to: to}, seen: map[entity.ID]bool{}, tell: req.tell}
	headers := make([]string, len(c.sheet.fields))
	for i := range c.sheet.fields {
		headers[i] = c.sheet.fields[i].header()
	}
	if err := x.w.record(headers...); err != nil {
		return err
	}
	return x.rows(req)
}

type exporter struct {
	s    *Service
	ctx  context.Context
	by   entity.Principal
	c    *container
	w    writer
	seen map[entity.ID]bool // teams and users, who are found on several ways
	tell func(done, total int)
	done int
}

func (x *exporter) rows(req Request) error {
	switch req.Kind {
	case "table":
		return x.list("table", store.ListQuery{IDs: []entity.ID{x.c.id}}, x.columns)
	case "team":
		return x.teams()
	case "user":
		return x.users()
	case "testCase":
		return x.list("testCase", x.c.casesQuery(), x.entity)
	case "securityService":
		return x.list(req.Kind, store.ListQuery{IDs: []entity.ID{x.c.id}}, x.entity)
	}
	query := store.ListQuery{Under: x.c.fqn}
	if !req.Recursive && !alwaysWhole(req.Kind) {
		query = store.ListQuery{Parent: x.c.id}
		return x.list(x.c.sheet.rows[0], query, x.entity)
	}
	for _, typ := range x.c.sheet.rows {
		visit := x.entity
		switch typ {
		case columnRow:
			continue // with their tables
		case "table":
			visit = x.tableAndColumns
		}
		if err := x.list(typ, query, visit); err != nil {
			return err
		}
	}
	return nil
}

// alwaysWhole tells of which types everything below is exported, asked for or not.
func alwaysWhole(kind string) bool {
	return kind == "glossary" || kind == "glossaryTerm" || kind == "directory"
}

func (x *exporter) list(typ string, query store.ListQuery, visit func(typ string, ent *entity.Entity) error) error {
	t, ok := x.s.engine.Registry().ByName(typ)
	if !ok {
		return entity.NotFound("entity type", typ)
	}
	return x.s.each(x.ctx, x.by, typ, query, fieldsOf(t), func(ent *entity.Entity) error { return visit(typ, ent) })
}

func (x *exporter) entity(typ string, ent *entity.Entity) error {
	return x.row(&subject{typ: typ, ent: ent, fqn: ent.FullyQualifiedName})
}

func (x *exporter) tableAndColumns(typ string, ent *entity.Entity) error {
	if err := x.entity(typ, ent); err != nil {
		return err
	}
	return x.columns(typ, ent)
}

func (x *exporter) columns(_ string, table *entity.Entity) error {
	columns, err := columnsOf(table)
	if err != nil {
		return err
	}
	return eachColumn(columns, table.FullyQualifiedName, func(c *column, fqn string) error {
		return x.row(&subject{typ: columnRow, col: c, fqn: fqn, path: columnPath(fqn, table.FullyQualifiedName)})
	})
}

// teams writes a team after all teams it is part of that are written at all.
func (x *exporter) teams() error {
	for _, id := range x.c.order[1:] {
		if err := x.list("team", store.ListQuery{IDs: []entity.ID{id}}, x.entity); err != nil {
			return err
		}
	}
	return nil
}

// users writes the users of the team and of those below it, without bots, whose
// accounts are no business of a spreadsheet.
func (x *exporter) users() error {
	once := func(typ string, ent *entity.Entity) error {
		if x.seen[ent.ID] || ent.Rest["isBot"].Kind() == 't' {
			return nil
		}
		x.seen[ent.ID] = true
		return x.entity(typ, ent)
	}
	if x.c.fqn == rootTeam {
		return x.list("user", store.ListQuery{}, once)
	}
	for _, id := range x.c.order {
		query := store.ListQuery{RelatedFrom: &store.RelationFilter{From: id, Kind: "teams"}}
		if err := x.list("user", query, once); err != nil {
			return err
		}
	}
	return nil
}

func (x *exporter) row(s *subject) error {
	cells := make([]string, len(x.c.sheet.fields))
	for i := range x.c.sheet.fields {
		if f := &x.c.sheet.fields[i]; f.applies(s.typ) {
			cells[i] = f.show(s)
		}
	}
	if x.done++; x.done%100 == 0 {
		x.tell(x.done, 0)
	}
	return x.w.record(cells...)
}

func contains(list []string, item string) bool {
	for _, other := range list {
		if other == item {
			return true
		}
	}
	return false
}
