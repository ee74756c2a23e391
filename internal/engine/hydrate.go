package engine

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// hydration turns stored documents of one type into what clients see. Everything
// is looked up for all rows together, so a page costs no more statements than a
// single entity.
type hydration struct {
	e    *Engine
	s    *shape
	t    *registry.Type
	v    View
	l    *lookup
	rows []store.Row
	ents []*entity.Entity

	follows  map[entity.ID][]entity.Ref
	votes    map[entity.ID]*entity.Votes
	children map[string]map[entity.ID][]entity.ID // by field
	inverse  map[string]map[entity.ID][]entity.Ref
	records  map[string]map[string]store.Record // by field, owner
	quality  qualityView
	people   map[entity.ID]peopleView // of users and teams
	root     entity.Ref               // the root team
	samples  *sampleRights            // nil when there are none to decide about
}

func (e *Engine) hydrate(ctx context.Context, r store.Reader, l *lookup, t *registry.Type, rows []store.Row, v View) ([]*entity.Entity, error) {
	h := &hydration{e: e, s: e.shapeOf(t), t: t, v: v, l: l, rows: rows, ents: make([]*entity.Entity, len(rows))}
	for i, row := range rows {
		ent, err := decodeDoc(row.Doc)
		if err != nil {
			return nil, err
		}
		if ent.Rest == nil {
			ent.Rest = map[string]jsontext.Value{}
		}
		h.ents[i] = ent
	}
	if err := h.gather(ctx, r); err != nil {
		return nil, err
	}
	for i := range h.ents {
		if err := h.fill(i); err != nil {
			return nil, err
		}
	}
	return h.ents, nil
}

// shows tells whether a member is part of the answer.
func (h *hydration) shows(name string) bool {
	if with := shownWith[name]; with != nil {
		return h.s.properties[name] && slices.ContainsFunc(with, h.v.Fields.Has)
	}
	return h.s.properties[name] && (!h.s.hidden[name] || h.v.whole && !h.s.computed[name] || h.v.Fields.Has(name))
}

// asks tells whether a costly member was asked for.
func (h *hydration) asks(name string) bool { return h.s.properties[name] && h.v.Fields.Has(name) }

// gather looks up all that the rows refer to.
func (h *hydration) gather(ctx context.Context, r store.Reader) error {
	ids := make([]entity.ID, len(h.rows))
	parents := make([]entity.ID, 0, len(h.rows))
	for i, row := range h.rows {
		ids[i] = row.ID
		if row.Parent != entity.NilID {
			parents = append(parents, row.Parent)
		}
	}
	if err := h.l.loadAncestors(ctx, parents); err != nil {
		return err
	}
	for _, read := range []func(context.Context, store.Reader, []entity.ID) error{h.readFollowers, h.readVotes, h.readChildren, h.readInverse, h.readRecords, h.readQuality, h.readPeople, h.readSampleRights} {
		if err := read(ctx, r, ids); err != nil {
			return err
		}
	}
	refs, keys, err := h.references()
	if err != nil {
		return err
	}
	if err := h.l.load(ctx, refs); err != nil {
		return err
	}
	return h.l.loadKeys(ctx, keys)
}

func (h *hydration) readFollowers(ctx context.Context, r store.Reader, ids []entity.ID) error {
	if !h.asks("followers") {
		return nil
	}
	relations, err := r.RelationsTo(ctx, ids, RelationFollows)
	if err != nil {
		return err
	}
	h.follows = map[entity.ID][]entity.Ref{}
	for _, rel := range relations {
		h.follows[rel.To] = append(h.follows[rel.To], entity.Ref{ID: rel.From, Type: rel.FromType})
	}
	return nil
}

func (h *hydration) readVotes(ctx context.Context, r store.Reader, ids []entity.ID) error {
	if !h.asks("votes") {
		return nil
	}
	relations, err := r.RelationsTo(ctx, ids, RelationVotes)
	if err != nil {
		return err
	}
	h.votes = map[entity.ID]*entity.Votes{}
	for _, rel := range relations {
		v := h.votes[rel.To]
		if v == nil {
			v = &entity.Votes{}
			h.votes[rel.To] = v
		}
		voter := entity.Ref{ID: rel.From, Type: rel.FromType}
		if string(rel.Doc) == voteUp {
			v.UpVotes++
			v.UpVoters = append(v.UpVoters, voter)
		} else {
			v.DownVotes++
			v.DownVoters = append(v.DownVoters, voter)
		}
	}
	return nil
}

// maxChildren bounds how many children one answer lists for all its entities.
const maxChildren = 20_000

func (h *hydration) readChildren(ctx context.Context, r store.Reader, ids []entity.ID) error {
	for _, c := range h.t.Children {
		if !h.asks(c.Field) {
			continue
		}
		found, err := r.Children(ctx, ids, c.Type, maxChildren)
		if err != nil {
			return err
		}
		refs := make([]entity.Ref, len(found))
		for i, child := range found {
			refs[i] = entity.Ref{ID: child.ID, Type: c.Type}
		}
		sees, err := h.v.look(ctx, r, refs)
		if err != nil {
			return err
		}
		byParent := map[entity.ID][]entity.ID{}
		for _, child := range found {
			if !child.Deleted && sees(child.ID) {
				byParent[child.Parent] = append(byParent[child.Parent], child.ID)
			}
		}
		if h.children == nil {
			h.children = map[string]map[entity.ID][]entity.ID{}
		}
		h.children[c.Field] = byParent
	}
	return nil
}

func (h *hydration) readInverse(ctx context.Context, r store.Reader, ids []entity.ID) error {
	for _, rel := range h.s.inverse {
		if !h.asks(rel.Field) {
			continue
		}
		found, err := r.RelationsFrom(ctx, ids, rel.Of)
		if err != nil {
			return err
		}
		refs := make([]entity.Ref, len(found))
		for i, f := range found {
			refs[i] = entity.Ref{ID: f.To, Type: f.ToType}
		}
		sees, err := h.v.look(ctx, r, refs)
		if err != nil {
			return err
		}
		byID := map[entity.ID][]entity.Ref{}
		for _, f := range found {
			if (len(rel.Types) == 0 || contains(rel.Types, f.ToType)) && sees(f.To) {
				byID[f.From] = append(byID[f.From], entity.Ref{ID: f.To, Type: f.ToType})
			}
		}
		if h.inverse == nil {
			h.inverse = map[string]map[entity.ID][]entity.Ref{}
		}
		h.inverse[rel.Field] = byID
	}
	return nil
}

// look returns a function that tells which of the references the answer may show.
func (v *View) look(ctx context.Context, r store.Reader, refs []entity.Ref) (func(entity.ID) bool, error) {
	if v.viewer == nil {
		return func(entity.ID) bool { return true }, nil
	}
	return v.viewer.Sees, v.viewer.Look(ctx, r, refs...)
}

func contains(list []string, s string) bool {
	for _, item := range list {
		if item == s || item == "*" {
			return true
		}
	}
	return false
}

func (h *hydration) readRecords(ctx context.Context, r store.Reader, ids []entity.ID) error {
	for _, field := range h.t.Records {
		if !h.asks(field) {
			continue
		}
		owners := make([]string, len(ids))
		for i, id := range ids {
			owners[i] = id.String()
		}
		found, err := r.RecordsOf(ctx, RecordKind(h.t.Name, field), "", owners)
		if err != nil {
			return err
		}
		byOwner := make(map[string]store.Record, len(found))
		for _, rec := range found {
			byOwner[rec.Owner] = rec
		}
		if h.records == nil {
			h.records = map[string]map[string]store.Record{}
		}
		h.records[field] = byOwner
	}
	return nil
}

// RecordKind is the kind of the record that holds a field kept beside the
// document; its key is "".
func RecordKind(typ, field string) string { return typ + "." + field }

// references collects what is to be looked up for all entities.
func (h *hydration) references() ([]entity.ID, []store.Key, error) {
	var ids []entity.ID
	var keys []store.Key
	for i, ent := range h.ents {
		ids = append(ids, refIDs(ent.Owners, ent.Domains, ent.DataProducts, ent.Reviewers, ent.Experts)...)
		owners, domains := h.l.inherited(h.rows[i].Parent)
		ids = append(ids, refIDs(owners, domains, h.l.inheritedReviewers(h.rows[i].Parent))...)
		for _, rel := range h.s.stored {
			if !h.shows(rel.Field) && !h.v.whole {
				continue
			}
			refs, err := refsOf(ent.Rest[rel.Field])
			if err != nil {
				return nil, nil, entity.Internal(err)
			}
			ids = append(ids, refIDs(refs)...)
		}
		labels, err := allLabels(h.s, ent)
		if err != nil {
			return nil, nil, err
		}
		for _, label := range labels {
			keys = append(keys, labelKey(h.e, label))
		}
		ids = append(ids, refIDs(h.follows[ent.ID])...)
		if v := h.votes[ent.ID]; v != nil {
			ids = append(ids, refIDs(v.UpVoters, v.DownVoters)...)
		}
		for _, byID := range h.children {
			ids = append(ids, byID[ent.ID]...)
		}
		if got, ok := h.people[ent.ID]; ok {
			ids = append(append(ids, h.root.ID), refIDs(got.roles, got.personas, got.domains, got.persona)...)
		}
		for _, byID := range h.inverse {
			ids = append(ids, refIDs(byID[ent.ID])...)
		}
	}
	return ids, keys, nil
}

// fill completes one entity from what was gathered.
func (h *hydration) fill(i int) error {
	ent, row := h.ents[i], h.rows[i]
	h.fillEnvelope(ent, row)
	if err := h.fillRest(ent, row); err != nil {
		return err
	}
	if err := h.fillLabels(ent); err != nil {
		return err
	}
	if err := h.e.unseal(h.t, ent, h.v.reveal); err != nil {
		return err
	}
	if h.v.Base != "" && h.s.properties["href"] {
		ent.Href = h.href(h.t.Name, ent.ID)
	}
	h.s.showRequired(ent)
	return nil
}

func (h *hydration) href(typ string, id entity.ID) string {
	s := h.e.shapes[typ]
	if s == nil || h.v.Base == "" {
		return ""
	}
	return h.v.Base + s.t.Collection + "/" + id.String()
}

// full returns references with names and hrefs; those that are gone are left out.
func (h *hydration) full(refs []entity.Ref) []entity.Ref {
	out := h.l.fullRefs(refs)
	for i := range out {
		out[i].Href = h.href(out[i].Type, out[i].ID)
	}
	return out
}

// list is full for a list that was asked for: empty rather than absent.
func (h *hydration) list(field string, refs []entity.Ref) []entity.Ref {
	if !h.shows(field) {
		return nil
	}
	out := h.full(refs)
	if out == nil && (h.v.Fields.Has(field) || !h.v.whole && !h.s.hidden[field] && field != "domains") {
		return []entity.Ref{}
	}
	return out
}

func (h *hydration) fillEnvelope(ent *entity.Entity, row store.Row) {
	owners, domains := h.l.inherited(row.Parent)
	if len(ent.Owners) == 0 && h.t.Supports.Owners {
		ent.Owners = inheritedRefs(owners)
	}
	if len(ent.Domains) == 0 && h.t.Supports.Domains {
		ent.Domains = inheritedRefs(domains)
	}
	if len(ent.Reviewers) == 0 && inheritsReviewers(h.t.Name) {
		ent.Reviewers = inheritedRefs(h.l.inheritedReviewers(row.Parent))
	}
	h.inheritDomains(ent)
	ent.Owners = h.list("owners", ent.Owners)
	ent.Domains = h.list("domains", ent.Domains)
	ent.DataProducts = h.list("dataProducts", ent.DataProducts)
	ent.Reviewers = h.list("reviewers", ent.Reviewers)
	ent.Experts = h.list("experts", ent.Experts)
	if h.asks("followers") {
		ent.Followers = h.list("followers", h.follows[ent.ID])
	}
	if h.asks("votes") {
		ent.Votes = h.votes[ent.ID]
		if ent.Votes == nil {
			ent.Votes = &entity.Votes{}
		}
		ent.Votes.UpVoters = h.orEmpty(ent.Votes.UpVoters)
		ent.Votes.DownVoters = h.orEmpty(ent.Votes.DownVoters)
	}
	if !h.shows("extension") {
		ent.Extension = nil
	}
	if !h.shows("tags") {
		ent.Tags = nil
	} else if ent.Tags == nil && h.v.Fields.Has("tags") {
		ent.Tags = []entity.TagLabel{}
	}
	if !h.s.properties["deleted"] {
		ent.Deleted = nil
	}
}

func (h *hydration) orEmpty(refs []entity.Ref) []entity.Ref {
	if out := h.full(refs); out != nil {
		return out
	}
	return []entity.Ref{}
}

func inheritedRefs(refs []entity.Ref) []entity.Ref {
	if len(refs) == 0 {
		return nil
	}
	out := make([]entity.Ref, len(refs))
	for i, ref := range refs {
		ref.Inherited = true
		out[i] = ref
	}
	return out
}

// fillRest completes the members of the type: parents, ancestors, relations,
// children, records; and takes out what was not asked for.
func (h *hydration) fillRest(ent *entity.Entity, row store.Row) error {
	for _, rel := range h.s.stored {
		if envelopeSlot(ent, rel.Field) != nil {
			continue
		}
		if err := h.fillRelation(ent, rel, row); err != nil {
			return err
		}
	}
	if err := h.fillParents(ent, row); err != nil {
		return err
	}
	h.fillAsked(ent)
	h.fillQuality(ent)
	h.fillPeople(ent)
	if err := h.withholdSamples(ent); err != nil {
		return err
	}
	for name := range ent.Rest {
		if !h.shows(name) && h.children[name] == nil && h.inverse[name] == nil {
			delete(ent.Rest, name)
		}
	}
	return nil
}

// fillAsked adds what was read only because the caller asked for it: children,
// relations kept at the other end, records.
func (h *hydration) fillAsked(ent *entity.Entity) {
	for field, byID := range h.children {
		refs := make([]entity.Ref, 0, len(byID[ent.ID]))
		for _, id := range byID[ent.ID] {
			refs = append(refs, entity.Ref{ID: id})
		}
		ent.Rest[field] = mustEncode(h.orEmpty(refs))
	}
	for field, byID := range h.inverse {
		refs := h.orEmpty(byID[ent.ID])
		if h.s.relations[field].Many {
			ent.Rest[field] = mustEncode(refs)
		} else if len(refs) > 0 {
			ent.Rest[field] = mustEncode(refs[0])
		}
	}
	for field, byOwner := range h.records {
		if rec, ok := byOwner[ent.ID.String()]; ok {
			ent.Rest[field] = rec.Doc
		}
	}
}

func (h *hydration) fillRelation(ent *entity.Entity, rel *registry.Relation, row store.Row) error {
	raw := ent.Rest[rel.Field]
	refs, err := refsOf(raw)
	if err != nil {
		return entity.Internal(err)
	}
	if len(refs) == 0 && rel.Inherit {
		if info := h.l.byID[row.Parent]; info != nil {
			refs = inheritedRefs(info.rest[rel.Field])
		}
	}
	if len(refs) == 0 {
		if rel.Many && h.asks(rel.Field) {
			ent.Rest[rel.Field] = jsontext.Value("[]")
		}
		return nil
	}
	full := h.full(refs)
	switch {
	case rel.Many:
		ent.Rest[rel.Field] = mustEncode(h.orEmpty(refs))
	case len(full) > 0:
		ent.Rest[rel.Field] = mustEncode(full[0])
	default:
		delete(ent.Rest, rel.Field)
	}
	return nil
}

// fillParents sets the parent fields and the ancestors: the entities on the way
// to the root, under the field that bears their type's role.
func (h *hydration) fillParents(ent *entity.Entity, row store.Row) error {
	for field := range h.s.parents {
		if _, declared := h.s.relations[field]; declared || envelopeSlot(ent, field) != nil {
			continue
		}
		refs, err := refsOf(ent.Rest[field])
		if err != nil {
			return entity.Internal(err)
		}
		if full := h.full(refs); len(full) > 0 {
			ent.Rest[field] = mustEncode(full[0])
		}
	}
	if len(h.t.Ancestors) == 0 {
		return nil
	}
	id := row.Parent
	for depth := 0; id != entity.NilID && depth < maxDepth; depth++ {
		info := h.l.byID[id]
		if info == nil {
			break
		}
		h.fillAncestor(ent, info)
		id = info.parent
	}
	return nil
}

func (h *hydration) fillAncestor(ent *entity.Entity, info *refInfo) {
	for _, field := range h.t.Ancestors {
		if field == "serviceType" {
			if info.serviceType != "" {
				ent.Rest[field] = quoted(info.serviceType)
			}
			continue
		}
		if !ancestorMatches(field, info.ref.Type) {
			continue
		}
		if _, isParent := h.s.parents[field]; isParent && ent.Rest[field] != nil {
			continue
		}
		ref := info.ref
		ref.Href = h.href(ref.Type, ref.ID)
		ent.Rest[field] = mustEncode(ref)
	}
}

// ancestorMatches tells whether a field such as "service" or "database" names an
// ancestor of the type.
func ancestorMatches(field, typ string) bool {
	if field == typ {
		return true
	}
	return field == "service" && len(typ) > len("Service") && typ[len(typ)-len("Service"):] == "Service"
}

// fillLabels gives tag labels the name, description and style of their tag.
func (h *hydration) fillLabels(ent *entity.Entity) error {
	for i := range ent.Tags {
		h.fillLabel(&ent.Tags[i])
	}
	for _, n := range h.t.Nested {
		if !hasLabels(ent.Rest[n.Path[0]]) {
			continue
		}
		parts, err := nestedParts(ent, n)
		if err != nil {
			return err
		}
		for _, label := range collectLabels(nil, parts, 0) {
			h.fillLabel(label)
		}
		if err := setNestedParts(ent, n, parts); err != nil {
			return err
		}
	}
	return nil
}

func (h *hydration) fillLabel(label *entity.TagLabel) {
	info := h.l.byKey[labelKey(h.e, label)]
	if info == nil {
		return
	}
	label.Name, label.DisplayName, label.Description = info.ref.Name, info.ref.DisplayName, info.ref.Description
	label.Style = info.style
	label.Href = h.href(info.ref.Type, info.ref.ID)
}

// Encode returns the JSON of an entity as clients see it.
func Encode(ent *entity.Entity) ([]byte, error) { return json.Marshal(ent, writeOptions) }
