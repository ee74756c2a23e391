package engine

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// complete adds to a create request what only the database knows. Most types
// need nothing; what needs no look-up is a hook of the registry instead.
func (w *write) complete(ctx context.Context) error {
	if w.t.Name == "testCase" {
		return w.completeTestCase(ctx)
	}
	return nil
}

// completeNew does the same for what only a new entity needs.
func (w *write) completeNew(ctx context.Context) error {
	switch w.t.Name {
	case "app":
		return w.completeApp(ctx)
	case "llmModel": // required in answers, but requests have no word for it
		if w.in.ent.Rest["modelType"] == nil {
			w.in.ent.Rest["modelType"] = jsontext.Value(`"BaseModel"`)
		}
	}
	return nil
}

// checkAllowed looks at what only those may learn about who have the right to write
// it: the caller's right is certain by now.
func (w *write) checkAllowed(ctx context.Context) error {
	if err := w.checkConditions(ctx); err != nil {
		return err
	}
	return w.checkTeam(ctx)
}

// changeOthers changes what a write says of other entities: the far ends of relations,
// and the persona that was the default until now.
func (w *write) changeOthers(ctx context.Context) error {
	if err := w.oneDefault(ctx); err != nil {
		return err
	}
	if err := w.announceReview(ctx); err != nil {
		return err
	}
	return w.applyInverse(ctx)
}

// oneDefault keeps one persona the default of everybody who has chosen none.
func (w *write) oneDefault(ctx context.Context) error {
	if w.t.Name != "persona" || !flag(w.in.ent, "default") || w.old != nil && flag(w.old, "default") {
		return nil
	}
	others, err := defaultPersonas(ctx, w.tx)
	if err != nil {
		return err
	}
	for _, other := range others {
		if other.ID == w.in.ent.ID {
			continue
		}
		child := &write{e: w.e, s: w.s, t: w.t, by: w.by, method: methodInternal, tx: w.tx, look: w.e.newLookup(w.tx, 0, false)}
		err := child.edit(ctx, ByID(other.ID), nil, func(_ store.Tx, ent *entity.Entity) error {
			ent.Rest["default"] = jsontext.Value("false")
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// defaultPersonas are the personas marked as the default: one at most.
func defaultPersonas(ctx context.Context, r store.Reader) ([]entity.Ref, error) {
	rows, err := r.List(ctx, store.ListQuery{Type: "persona", Members: map[string]string{"default": "true"}, Limit: 10})
	refs := make([]entity.Ref, len(rows))
	for i, row := range rows {
		refs[i] = entity.Ref{ID: row.ID, Type: row.Type}
	}
	return refs, err
}

// completeApp takes over what the marketplace's definition of the same name says
// of an application and the request cannot: its class, type, schedule and rights.
func (w *write) completeApp(ctx context.Context) error {
	name := w.in.ent.Name
	row, err := w.tx.EntityByFQN(ctx, store.Key{Type: "appMarketPlaceDefinition", FQN: entity.QuoteName(name)})
	if err != nil && entity.KindOf(err) != entity.KindNotFound {
		return err
	}
	if err != nil || row.Deleted {
		return entity.NotFound("appMarketPlaceDefinition", name)
	}
	definition, err := decodeDoc(row.Doc)
	if err != nil {
		return err
	}
	for member, value := range definition.Rest {
		if w.s.properties[member] && !w.s.computed[member] && w.in.ent.Rest[member] == nil {
			w.in.ent.Rest[member] = value
		}
	}
	if w.in.ent.Description == "" {
		w.in.ent.Description = definition.Description
	}
	if w.in.ent.DisplayName == "" {
		w.in.ent.DisplayName = definition.DisplayName
	}
	return nil
}

// completeTestCase finds the table a test case is about and puts the case into
// the table's basic suite, which is made when there is none yet.
func (w *write) completeTestCase(ctx context.Context) error {
	for i := range w.in.pending {
		if w.in.pending[i].field == "testSuite" && len(w.in.pending[i].items) > 0 {
			return nil
		}
	}
	link, err := entity.ParseLink(text(w.in.ent.Rest["entityLink"]))
	if err != nil {
		return err
	}
	s := w.e.shapes[link.Type]
	if s == nil {
		return entity.BadRequest("the entity link names the unknown type %q", entity.Shorten(link.Type, 60))
	}
	subject, err := w.tx.EntityByFQN(ctx, store.Key{Type: link.Type, FQN: s.canonical(link.FQN)})
	if err != nil || subject.Deleted {
		return entity.NotFound(link.Type, link.FQN)
	}
	suite, err := w.basicSuite(ctx, subject)
	if err != nil {
		return err
	}
	w.in.pending = append(w.in.pending, pendingRef{field: "testSuite", types: []string{"testSuite"}, items: []entity.Ref{{ID: suite}}})
	return nil
}

// basicSuite returns the suite that holds the tests of one table.
func (w *write) basicSuite(ctx context.Context, subject store.Row) (entity.ID, error) {
	name := subject.FQN + ".testSuite"
	row, err := w.tx.EntityByFQN(ctx, store.Key{Type: "testSuite", FQN: name})
	if err == nil {
		return row.ID, nil
	}
	if entity.KindOf(err) != entity.KindNotFound {
		return entity.NilID, err
	}
	request, err := json.Marshal(map[string]any{
		"name": name, "basicEntityReference": subject.FQN, "description": "Tests of " + subject.FQN,
	})
	if err != nil {
		return entity.NilID, entity.Internal(err)
	}
	s := w.e.shapes["testSuite"]
	in, err := s.parse(request)
	if err != nil {
		return entity.NilID, err
	}
	suite := &write{e: w.e, s: s, t: s.t, by: w.by, method: methodInternal, in: in, tx: w.tx, look: w.e.newLookup(w.tx, 0, false)}
	if err := suite.createOrUpdate(ctx); err != nil {
		return entity.NilID, err
	}
	return suite.in.ent.ID, nil
}
