package engine

import (
	"bytes"
	"context"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// The types of teams that rules name.
const (
	typeOrganization = "Organization"
	typeBusinessUnit = "BusinessUnit"
	typeDivision     = "Division"
	typeDepartment   = "Department"
	typeGroup        = "Group"
)

// parentTypes says below which types of teams a team may be.
func parentTypes(typ string) []string {
	switch typ {
	case typeBusinessUnit:
		return []string{typeOrganization, typeBusinessUnit}
	case typeDivision:
		return []string{typeOrganization, typeBusinessUnit, typeDivision}
	case typeDepartment, typeGroup:
		return []string{typeOrganization, typeBusinessUnit, typeDivision, typeDepartment}
	}
	return nil
}

// placeTeam puts a team that names no team above it right below the organization.
// A PUT that says nothing leaves the team where it is.
func (w *write) placeTeam(ctx context.Context) error {
	if w.t.Name != "team" || w.in.ent.Name == rootTeam {
		return nil
	}
	refs, err := refsOf(w.in.ent.Rest["parents"])
	if err != nil || len(refs) == 1 {
		return err
	}
	if len(refs) == 0 && w.method == methodPut && !w.in.present["parents"] {
		before, err := w.teamParents(ctx)
		if err != nil || before != nil {
			w.in.ent.Rest["parents"] = before
			return err
		}
	}
	root, err := w.tx.EntityByFQN(ctx, store.Key{Type: "team", FQN: rootTeam})
	if err != nil {
		if entity.KindOf(err) == entity.KindNotFound {
			return nil // while a catalog is being filled
		}
		return err
	}
	if len(refs) > 1 { // who is below another team is below the organization anyway
		refs = slices.DeleteFunc(refs, func(ref entity.Ref) bool { return ref.ID == root.ID })
	} else {
		refs = []entity.Ref{{ID: root.ID, Type: "team"}}
	}
	w.in.ent.Rest["parents"] = mustEncode(refs)
	return nil
}

// teamParents are the parents, as stored, of the team that a PUT is about.
func (w *write) teamParents(ctx context.Context) (jsontext.Value, error) {
	row, err := w.tx.EntityByFQN(ctx, store.Key{Type: "team", FQN: entity.QuoteName(w.in.ent.Name)})
	if err != nil {
		if entity.KindOf(err) == entity.KindNotFound {
			return nil, nil
		}
		return nil, err
	}
	old, err := decodeDoc(row.Doc)
	if err != nil {
		return nil, err
	}
	return old.Rest["parents"], nil
}

// checkTeam refuses a place in the tree of teams that the types of the teams do
// not allow, and circles. What a write leaves as it was is not looked at.
func (w *write) checkTeam(ctx context.Context) error {
	if w.t.Name != "team" {
		return nil
	}
	ent, old := w.in.ent, w.old
	typ := text(ent.Rest["teamType"])
	parents, err := refsOf(ent.Rest["parents"])
	if err != nil {
		return entity.Internal(err)
	}
	retyped := old != nil && text(old.Rest["teamType"]) != typ
	if retyped && text(old.Rest["teamType"]) == typeGroup {
		return entity.BadRequest("%s is a team of type %s, and stays one", ent.Name, typeGroup)
	}
	if old == nil || retyped || !bytes.Equal(old.Rest["parents"], ent.Rest["parents"]) {
		if err := w.checkParents(ctx, typ, parents); err != nil {
			return err
		}
	}
	if retyped {
		return w.checkChildren(ctx, typ)
	}
	return nil
}

func (w *write) checkParents(ctx context.Context, typ string, parents []entity.Ref) error {
	name := entity.Shorten(w.in.ent.Name, 200)
	switch {
	case typ == typeOrganization && len(parents) > 0:
		return entity.BadRequest("%s is above all other teams and has no parent", rootTeam)
	case (typ == typeBusinessUnit || typ == typeDivision) && len(parents) > 1:
		return entity.BadRequest("%s can have one parent only, as a team of type %s", name, typ)
	}
	above, err := w.teams(ctx, refIDs(parents))
	if err != nil {
		return err
	}
	for _, team := range above {
		if of := text(team.Rest["teamType"]); !slices.Contains(parentTypes(typ), of) {
			return entity.BadRequest("%s is of type %s and cannot be below %s, which is of type %s", name, typ, team.Name, of)
		}
	}
	return w.checkCircle(ctx, above)
}

// checkCircle climbs the tree from a team's parents.
func (w *write) checkCircle(ctx context.Context, above []*entity.Entity) error {
	seen := map[entity.ID]bool{}
	for len(above) > 0 {
		var next []entity.ID
		for _, team := range above {
			if team.ID == w.in.ent.ID {
				return entity.BadRequest("%s would be below itself", entity.Shorten(team.Name, 200))
			}
			refs, err := refsOf(team.Rest["parents"])
			if err != nil {
				return entity.Internal(err)
			}
			for _, ref := range refs {
				if !seen[ref.ID] {
					seen[ref.ID] = true
					next = append(next, ref.ID)
				}
			}
		}
		var err error
		if above, err = w.teams(ctx, next); err != nil {
			return err
		}
	}
	return nil
}

// checkChildren makes sure that the teams right below still fit.
func (w *write) checkChildren(ctx context.Context, typ string) error {
	relations, err := w.tx.RelationsFrom(ctx, []entity.ID{w.in.ent.ID}, "parents")
	if err != nil {
		return err
	}
	ids := make([]entity.ID, len(relations))
	for i, rel := range relations {
		ids[i] = rel.To
	}
	below, err := w.teams(ctx, ids)
	if err != nil {
		return err
	}
	for _, team := range below {
		if of := text(team.Rest["teamType"]); !slices.Contains(parentTypes(of), typ) {
			return entity.BadRequest("%s cannot become a team of type %s: %s, which is of type %s, is below it",
				entity.Shorten(w.in.ent.Name, 200), typ, team.Name, of)
		}
	}
	return nil
}

// teams reads teams in this transaction; those that are gone are left out.
func (w *write) teams(ctx context.Context, ids []entity.ID) ([]*entity.Entity, error) {
	rows, err := w.tx.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	out := make([]*entity.Entity, 0, len(rows))
	for _, row := range rows {
		if row.Type != "team" {
			continue
		}
		ent, err := decodeDoc(row.Doc)
		if err != nil {
			return nil, err
		}
		out = append(out, ent)
	}
	return out, nil
}
