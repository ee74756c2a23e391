package csvio

import (
	"context"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Everything is the name that stands for all test cases.
const Everything = "*"

// Service exports and imports. It is safe for concurrent use.
type Service struct{ engine *engine.Engine }

// New makes a service over an engine.
func New(e *engine.Engine) *Service { return &Service{engine: e} }

// Kinds are the types whose content can be exported and imported.
func Kinds() []string {
	return []string{"databaseService", "database", "databaseSchema", "table", "glossary", "glossaryTerm", "team", "user", "testCase", "driveService", "directory", "securityService"}
}

// sheetOf returns the sheet of the files about a type, nil when there is none.
func sheetOf(kind string, recursive bool) *sheet {
	switch kind {
	case "databaseService", "database", "databaseSchema":
		return assetSheet(kind, recursive)
	case "table":
		return tableSheet()
	case "glossary", "glossaryTerm":
		return termSheet()
	case "team":
		return teamSheet()
	case "user":
		return userSheet()
	case "testCase":
		return caseSheet()
	case "driveService", "directory":
		return directorySheet()
	case "securityService":
		return serviceSheet(kind)
	}
	return nil
}

// Request names what is exported or imported into.
type Request struct {
	Kind      string // one of Kinds
	Name      string // fully qualified name of what holds the rows: for users a team, for test cases a table or suite
	Recursive bool   // all levels, not only the next one
	// Progress is told from time to time how many rows were done, of how many; of an
	// export the total is not known and 0. Optional.
	Progress func(done, total int)
}

func (r Request) tell(done, total int) {
	if r.Progress != nil {
		r.Progress(done, total)
	}
}

// Check finds what a request names, as Export and Import do first. A missing one is an
// error of entity.KindNotFound.
func (s *Service) Check(ctx context.Context, by entity.Principal, req Request) error {
	_, err := s.open(ctx, by, req)
	return err
}

// container is what a file is about.
type container struct {
	sheet *sheet
	kind  string // type of the entity; "" for everything
	id    entity.ID
	fqn   string
	teams map[entity.ID]bool // the team and those below, where rows are teams or users
	order []entity.ID        // the same, those above first
	made  map[string]bool    // names of the teams that the import has saved
	cases map[string]bool    // the test cases of a logical suite; nil for other containers
}

// open finds what a request names. A missing one is an error of
// entity.KindNotFound.
func (s *Service) open(ctx context.Context, by entity.Principal, req Request) (*container, error) {
	c := &container{sheet: sheetOf(req.Kind, req.Recursive), kind: req.Kind}
	if c.sheet == nil {
		return nil, entity.NotFound("CSV", req.Kind)
	}
	types := []string{req.Kind}
	switch req.Kind {
	case "user":
		types = []string{"team"}
	case "testCase":
		if req.Name == Everything {
			c.kind = ""
			return c, s.engine.Authorize(ctx, by, "testCase", policy.ViewAll)
		}
		types = []string{"table", "testSuite"}
	}
	ent, typ, err := s.find(ctx, by, req.Name, types)
	if err != nil {
		return nil, err
	}
	c.kind, c.id, c.fqn = typ, ent.ID, ent.FullyQualifiedName
	switch typ {
	case "team":
		err = s.openTeam(ctx, by, c)
	case "testSuite":
		err = s.openSuite(ctx, by, c, ent)
	}
	return c, err
}

// find returns the first entity with the name that is there and may be seen.
func (s *Service) find(ctx context.Context, by entity.Principal, name string, types []string) (*entity.Entity, string, error) {
	var missing error
	for _, typ := range types {
		t, ok := s.engine.Registry().ByName(typ)
		if !ok {
			return nil, "", entity.NotFound(typ, name)
		}
		ent, err := s.engine.AuthorizeEntity(ctx, by, t, engine.ByFQN(name), policy.ViewAll)
		switch {
		case err == nil && ent.IsDeleted():
			missing = entity.NotFound(typ, name)
		case err == nil:
			return ent, typ, nil
		case entity.KindOf(err) != entity.KindNotFound:
			return nil, "", err
		}
		if missing == nil {
			missing = err
		}
	}
	return nil, "", missing
}

// openTeam finds the teams below a team, one statement a level.
func (s *Service) openTeam(ctx context.Context, by entity.Principal, c *container) error {
	c.made = map[string]bool{}
	c.teams, c.order = map[entity.ID]bool{c.id: true}, []entity.ID{c.id}
	for i := 0; i < len(c.order); i++ {
		query := store.ListQuery{RelatedFrom: &store.RelationFilter{From: c.order[i], Kind: "parents"}}
		err := s.each(ctx, by, "team", query, nil, func(ent *entity.Entity) error {
			if !c.teams[ent.ID] {
				c.teams[ent.ID] = true
				c.order = append(c.order, ent.ID)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// openSuite turns the suite of one table into the table, and remembers what a
// logical suite gathers.
func (s *Service) openSuite(ctx context.Context, by entity.Principal, c *container, suite *entity.Entity) error {
	if table := refOf(suite.Rest["basicEntityReference"]); table.ID != entity.NilID {
		refs, err := s.references(ctx, table.ID)
		if err != nil {
			return err
		}
		if ref, ok := refs[table.ID]; ok {
			c.kind, c.id, c.fqn = "table", ref.ID, ref.FullyQualifiedName
			return nil
		}
	}
	c.cases = map[string]bool{}
	return s.each(ctx, by, "testCase", c.casesQuery(), nil, func(ent *entity.Entity) error {
		c.cases[ent.FullyQualifiedName] = true
		return nil
	})
}

func (s *Service) references(ctx context.Context, id entity.ID) (map[entity.ID]entity.Ref, error) {
	var refs map[entity.ID]entity.Ref
	err := s.engine.Store().View(ctx, func(r store.Reader) error {
		var err error
		refs, err = s.engine.References(ctx, r, []entity.ID{id}, "")
		return err
	})
	return refs, err
}

// casesQuery selects the test cases of the container.
func (c *container) casesQuery() store.ListQuery {
	switch c.kind {
	case "table":
		return store.ListQuery{Under: c.fqn}
	case "testSuite":
		return store.ListQuery{RelatedFrom: &store.RelationFilter{From: c.id, Kind: engine.RelationTests}}
	}
	return store.ListQuery{}
}

// pageSize is how many entities are held in memory at a time.
const pageSize = 200

// each visits what a query finds, page by page.
func (s *Service) each(ctx context.Context, by entity.Principal, typ string, query store.ListQuery, fields []string, visit func(*entity.Entity) error) error {
	t, ok := s.engine.Registry().ByName(typ)
	if !ok {
		return entity.NotFound("entity type", typ)
	}
	req := engine.ListRequest{Query: query, Limit: pageSize, View: engine.View{Fields: engine.FieldsOf(fields...)}}
	for {
		page, err := s.engine.List(ctx, by, t, req)
		if err != nil {
			return err
		}
		for _, ent := range page.Items {
			if err := visit(ent); err != nil {
				return err
			}
		}
		if page.After == "" {
			return nil
		}
		req.After = page.After
	}
}

// fieldsOf are the members that a row of a type shows.
func fieldsOf(t *registry.Type) []string {
	out := []string{
		"owners", "tags", "domains", "extension", "certification", "columns", "reviewers", "relatedTerms", "parent", "parents", "defaultRoles",
		"policies", "roles", "teams", "testDefinition", "testSuite", "retentionPeriod", "sourceUrl",
	}
	return slices.DeleteFunc(out, func(name string) bool {
		return !slices.Contains(t.Expand, name) && !slices.Contains([]string{"owners", "tags", "domains"}, name)
	})
}
