package rdf

import (
	"context"
	"slices"
	"strings"
	"unicode"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Limits of one exploration.
const (
	MaxDepth = 5
	maxNodes = 500
	perKind  = 100 // of what refers to the entity in one way, and of what lies below it
)

// Neighbourhood is what lies around an entity.
type Neighbourhood struct {
	Nodes []Node `json:"nodes"`
	Edges []Edge `json:"edges"`
}

// Node is an entity of a Neighbourhood.
type Node struct {
	ID                 string    `json:"id"` // its IRI
	EntityID           entity.ID `json:"entityId"`
	Label              string    `json:"label"`
	Name               string    `json:"name"`
	Type               string    `json:"type"`
	Group              string    `json:"group"`
	Title              string    `json:"title"`
	FullyQualifiedName string    `json:"fullyQualifiedName"`
	Description        string    `json:"description,omitzero"`
}

// Edge says how two nodes are related.
type Edge struct {
	From   string `json:"from"`
	To     string `json:"to"`
	Label  string `json:"label"`
	Arrows string `json:"arrows"`
}

// step is an edge between entities, before anybody has looked who sees them.
type step struct {
	from, to entity.Ref
	label    string
}

// explorer walks outward from one entity.
type explorer struct {
	e      *engine.Engine
	r      store.Reader
	viewer *engine.Viewer
	typ    *registry.Type
	known  map[entity.ID]string // types of the nodes
	order  []entity.ID
	steps  []step
	said   map[[3]string]bool
}

// Explore returns what the caller may see of what lies within some steps of an entity:
// of the entity itself what it refers to, what refers to it, what holds it and what it
// holds; of all further ones what they refer to, what holds them, and their lineage.
func Explore(ctx context.Context, e *engine.Engine, by entity.Principal, t *registry.Type, id entity.ID, depth int) (Neighbourhood, error) {
	out := Neighbourhood{Nodes: []Node{}, Edges: []Edge{}}
	err := e.Store().View(ctx, func(r store.Reader) error {
		row, err := e.RowFor(ctx, r, by, t, engine.ByID(id), policy.ViewBasic)
		if err != nil {
			return err
		}
		if row.Deleted {
			return entity.NotFound(t.Name, id.String())
		}
		x := explorer{e: e, r: r, viewer: e.Viewer(by), typ: t, known: map[entity.ID]string{id: t.Name}, order: []entity.ID{id}, said: map[[3]string]bool{}}
		frontier := []entity.ID{id}
		for level := 0; level < depth && len(frontier) > 0; level++ {
			if frontier, err = x.level(ctx, frontier, level == 0); err != nil {
				return err
			}
		}
		refs, err := e.References(ctx, r, x.order, "")
		if err != nil {
			return err
		}
		out = x.answer(refs)
		return nil
	})
	return out, err
}

// level follows one step from each of the entities and returns the new ones.
func (x *explorer) level(ctx context.Context, frontier []entity.ID, first bool) ([]entity.ID, error) {
	found, err := x.outward(ctx, frontier)
	if err != nil {
		return nil, err
	}
	if first {
		more, err := x.inward(ctx, frontier[0])
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	var ends []entity.Ref
	for _, s := range found {
		ends = append(ends, s.from, s.to)
	}
	if err := x.viewer.Look(ctx, x.r, ends...); err != nil {
		return nil, err
	}
	var next []entity.ID
	for _, s := range found {
		if !x.shown(s.from) || !x.shown(s.to) {
			continue
		}
		for _, end := range []entity.Ref{s.from, s.to} {
			if x.known[end.ID] == "" {
				x.known[end.ID] = end.Type
				x.order = append(x.order, end.ID)
				next = append(next, end.ID)
			}
		}
		if key := [3]string{s.from.ID.String(), s.to.ID.String(), s.label}; !x.said[key] {
			x.said[key] = true
			x.steps = append(x.steps, s)
		}
	}
	return next, nil
}

// shown tells whether an end is a node, or may become one.
func (x *explorer) shown(end entity.Ref) bool {
	return x.known[end.ID] != "" || x.viewer.Sees(end.ID) && len(x.order) < maxNodes
}

// lineage is the kind of relation that says which data comes from which.
const lineage = "upstream"

// outward finds what entities refer to, what holds them, and their lineage.
func (x *explorer) outward(ctx context.Context, ids []entity.ID) ([]step, error) {
	relations, err := x.r.RelationsTo(ctx, ids)
	if err != nil {
		return nil, err
	}
	below, err := x.r.RelationsFrom(ctx, ids, lineage)
	if err != nil {
		return nil, err
	}
	var out []step
	for _, rel := range append(relations, below...) {
		if rel.Kind != "votes" {
			out = append(out, stepOf(rel))
		}
	}
	rows, err := x.r.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	var parents []entity.ID
	for _, row := range rows {
		if row.Parent != entity.NilID {
			parents = append(parents, row.Parent)
		}
	}
	above, err := x.r.Entities(ctx, parents)
	if err != nil {
		return nil, err
	}
	types := map[entity.ID]string{}
	for _, row := range above {
		types[row.ID] = row.Type
	}
	slices.SortFunc(rows, func(a, b store.Row) int { return strings.Compare(a.FQN, b.FQN) })
	for _, row := range rows {
		if typ := types[row.Parent]; typ != "" {
			out = append(out, step{from: entity.Ref{ID: row.Parent, Type: typ}, to: entity.Ref{ID: row.ID, Type: row.Type}, label: "Contains"})
		}
	}
	return out, nil
}

// inward finds what refers to the entity, and what it holds, of each a part.
func (x *explorer) inward(ctx context.Context, id entity.ID) ([]step, error) {
	var out []step
	for _, kind := range x.kinds() {
		relations, err := x.r.RelationsOf(ctx, kind, store.Relation{From: id}, perKind)
		if err != nil {
			return nil, err
		}
		for _, rel := range relations {
			if rel.From == id {
				out = append(out, stepOf(rel))
			}
		}
	}
	children, err := x.r.Children(ctx, []entity.ID{id}, "", perKind)
	if err != nil {
		return nil, err
	}
	ids := make([]entity.ID, len(children))
	for i, child := range children {
		ids[i] = child.ID
	}
	rows, err := x.r.Entities(ctx, ids)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b store.Row) int { return strings.Compare(a.FQN, b.FQN) })
	for _, row := range rows {
		out = append(out, step{from: entity.Ref{ID: id, Type: x.typ.Name}, to: entity.Ref{ID: row.ID, Type: row.Type}, label: "Contains"})
	}
	return out, nil
}

// kinds are the ways in which entities of other types refer to the type.
func (x *explorer) kinds() []string {
	kinds := map[string]bool{}
	for _, t := range x.e.Registry().All() {
		for _, rel := range t.Relations {
			if !rel.Inverse && slices.Contains(rel.Types, x.typ.Name) {
				kinds[rel.Field] = true
			}
		}
	}
	for field, types := range map[string][]string{
		"owners": {"user", "team"}, "reviewers": {"user", "team"}, "experts": {"user"}, "followers": {"user"},
		"domains": {"domain"}, "dataProducts": {"dataProduct"}, "tags": {"tag", "glossaryTerm"},
	} {
		if slices.Contains(types, x.typ.Name) {
			kinds[field] = true
		}
	}
	out := make([]string, 0, len(kinds))
	for kind := range kinds {
		out = append(out, kind)
	}
	slices.Sort(out)
	return out
}

// stepOf reads a relation: it is kept from what is referred to, but for lineage, which
// runs with the data.
func stepOf(rel store.Relation) step {
	from, to := entity.Ref{ID: rel.From, Type: rel.FromType}, entity.Ref{ID: rel.To, Type: rel.ToType}
	if rel.Kind == lineage {
		return step{from: from, to: to, label: "Upstream"}
	}
	predicate := predicateOf(rel.ToType, rel.Kind)
	if rel.Kind == "tags" && rel.FromType == "glossaryTerm" {
		predicate = om + "hasGlossaryTerm"
	}
	return step{from: to, to: from, label: labelText(predicate)}
}

// labelText turns the last word of a predicate into words: "hasOwner" into "Has Owner".
func labelText(predicate string) string {
	word := predicate[strings.LastIndexAny(predicate, "/#")+1:]
	var out strings.Builder
	for i, r := range word {
		switch {
		case i == 0:
			out.WriteRune(unicode.ToUpper(r))
		case unicode.IsUpper(r):
			out.WriteString(" " + string(r))
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// answer names the nodes; what is soft-deleted or gone is left out.
func (x *explorer) answer(refs map[entity.ID]entity.Ref) Neighbourhood {
	out := Neighbourhood{Nodes: []Node{}, Edges: []Edge{}}
	there := map[entity.ID]bool{}
	for _, id := range x.order {
		ref, ok := refs[id]
		if !ok || ref.Deleted != nil && *ref.Deleted {
			continue
		}
		there[id] = true
		label := ref.DisplayName
		if label == "" {
			label = ref.Name
		}
		out.Nodes = append(out.Nodes, Node{
			ID: IRI(ref), EntityID: id, Label: label, Name: ref.Name, Type: ref.Type, Group: strings.ToLower(ref.Type),
			Title: ref.Type + ": " + label, FullyQualifiedName: ref.FullyQualifiedName, Description: ref.Description,
		})
	}
	for _, s := range x.steps {
		if there[s.from.ID] && there[s.to.ID] {
			out.Edges = append(out.Edges, Edge{From: IRI(s.from), To: IRI(s.to), Label: s.label, Arrows: "to"})
		}
	}
	return out
}
