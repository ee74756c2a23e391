package engine

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// teamNode is what a team passes on to those in it and below it.
type teamNode struct {
	parents []entity.ID
	roles   []entity.ID
	domains []entity.Ref
	persona []entity.ID // one or none; for those right in the team
}

// shownWith are members that come along when another one is asked for.
var shownWith = map[string][]string{
	"inheritedRoles": {"roles", "defaultRoles"}, "inheritedPersonas": {"personas"},
}

// peopleView is what answers about users and teams show beside the document.
type peopleView struct {
	roles, personas []entity.Ref
	domains         []entity.Ref
	persona         []entity.Ref // the default of those who have chosen none
	children, users []entity.Ref
}

// chain lists teams with all above them, each once; the root is always among them.
func (s *surroundings) chain(teams ...entity.ID) []entity.ID {
	var out []entity.ID
	seen := map[entity.ID]bool{}
	for next := append(slices.Clone(teams), s.root); len(next) > 0; {
		var further []entity.ID
		for _, id := range next {
			if node := s.tree[id]; node != nil && !seen[id] {
				seen[id] = true
				out = append(out, id)
				further = append(further, node.parents...)
			}
		}
		next = further
	}
	return out
}

// inheritance collects what teams pass on: roles and domains from any height,
// personas from the teams themselves.
func (s *surroundings) inheritance(teams []entity.ID) peopleView {
	var out peopleView
	for _, id := range s.chain(teams...) {
		out.roles = addRefs(out.roles, refsTo("role", s.tree[id].roles)...)
		out.domains = addRefs(out.domains, s.tree[id].domains...)
	}
	for _, id := range teams {
		if node := s.tree[id]; node != nil {
			out.personas = addRefs(out.personas, refsTo("persona", node.persona)...)
		}
	}
	return out
}

func refsTo(typ string, ids []entity.ID) []entity.Ref {
	refs := make([]entity.Ref, len(ids))
	for i, id := range ids {
		refs[i] = entity.Ref{ID: id, Type: typ}
	}
	return refs
}

// addRefs adds those references that are not there yet.
func addRefs(refs []entity.Ref, more ...entity.Ref) []entity.Ref {
	return append(refs, refsMinus(more, refs)...)
}

// readPeople works out what users and teams get from the teams above them.
func (h *hydration) readPeople(ctx context.Context, r store.Reader, ids []entity.ID) error {
	field := map[string]string{"user": "teams", "team": "parents"}[h.t.Name]
	if field == "" {
		return nil
	}
	around, err := h.e.around(ctx, r)
	if err != nil {
		return err
	}
	h.people = make(map[entity.ID]peopleView, len(ids))
	h.root = entity.Ref{ID: around.root, Type: "team"}
	var persona []entity.Ref
	if h.t.Name == "user" && h.asks("defaultPersona") {
		if persona, err = defaultPersonas(ctx, r); err != nil {
			return err
		}
	}
	for i, ent := range h.ents {
		refs, err := refsOf(ent.Rest[field])
		if err != nil {
			return entity.Internal(err)
		}
		got := around.inheritance(refIDs(refs))
		switch {
		case flag(ent, "isBot"): // bots hold only roles of their own
			got.roles, got.personas = nil, nil
		case ent.ID == around.root:
			got = peopleView{}
		}
		if got.persona = persona; flag(ent, "isBot") {
			got.persona = nil
		}
		if h.t.Name == "team" {
			if err := h.countTeam(ctx, r, around, h.rows[i], &got); err != nil {
				return err
			}
		}
		h.people[ent.ID] = got
	}
	return nil
}

// countTeam finds the teams right below one and the users in it and below, as far
// as the caller may see them.
func (h *hydration) countTeam(ctx context.Context, r store.Reader, around *surroundings, row store.Row, got *peopleView) error {
	if h.asks("childrenCount") {
		got.children = refsTo("team", around.childrenOf(row.ID))
	}
	if h.asks("userCount") {
		members, err := around.membersOf(ctx, r, row.Name)
		if err != nil {
			return err
		}
		for _, id := range members {
			if around.tree[id] == nil {
				got.users = append(got.users, entity.Ref{ID: id, Type: "user"})
			}
		}
	}
	for _, refs := range []*[]entity.Ref{&got.children, &got.users} {
		sees, err := h.v.look(ctx, r, *refs)
		if err != nil {
			return err
		}
		*refs = slices.DeleteFunc(*refs, func(ref entity.Ref) bool { return !sees(ref.ID) })
	}
	return nil
}

// fillPeople adds to a user or team what comes from the teams above.
func (h *hydration) fillPeople(ent *entity.Entity) {
	got, ok := h.people[ent.ID]
	if !ok {
		return
	}
	list := func(name string, refs []entity.Ref) {
		if h.shows(name) {
			ent.Rest[name] = mustEncode(h.orEmpty(refs))
		}
	}
	count := func(name string, refs []entity.Ref) {
		if h.asks(name) {
			ent.Rest[name] = mustEncode(len(refs))
		}
	}
	list("inheritedRoles", got.roles)
	if h.t.Name == "user" {
		list("inheritedPersonas", got.personas)
		if full := h.full(got.persona); h.asks("defaultPersona") && ent.Rest["defaultPersona"] == nil && len(full) > 0 {
			ent.Rest["defaultPersona"] = mustEncode(full[0])
		}
		if teams := ent.Rest["teams"]; h.shows("teams") && (teams == nil || string(teams) == "[]") {
			ent.Rest["teams"] = mustEncode(h.orEmpty([]entity.Ref{h.root}))
		}
		return
	}
	count("childrenCount", got.children)
	count("userCount", got.users)
}

// inheritDomains adds the domains of the teams above to those a user or team has of
// its own. They are shown to who asks for domains.
func (h *hydration) inheritDomains(ent *entity.Entity) {
	if got := h.people[ent.ID].domains; len(got) > 0 && h.v.Fields.Has("domains") {
		ent.Domains = addRefs(ent.Domains, inheritedRefs(got)...)
	}
}

// dropRoot takes the root team out of a user's teams: everybody is in it.
func (w *write) dropRoot(ctx context.Context) error {
	if w.t.Name != "user" || w.in.ent.Rest["teams"] == nil {
		return nil
	}
	root, err := w.tx.EntityByFQN(ctx, store.Key{Type: "team", FQN: rootTeam})
	if err != nil {
		if entity.KindOf(err) == entity.KindNotFound {
			return nil
		}
		return err
	}
	refs, err := refsOf(w.in.ent.Rest["teams"])
	if err != nil {
		return entity.Internal(err)
	}
	kept := slices.DeleteFunc(slices.Clone(refs), func(ref entity.Ref) bool { return ref.ID == root.ID })
	switch {
	case len(kept) == len(refs):
	case len(kept) == 0:
		w.in.ent.Rest["teams"] = jsontext.Value("[]")
	default:
		w.in.ent.Rest["teams"] = mustEncode(kept)
	}
	return nil
}
