package engine

import (
	"cmp"
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// incoming is a state on its way into the store: a create request, or a document
// after a patch. References in it may still be names.
type incoming struct {
	ent     *entity.Entity
	pending []pendingRef
	inverse []inverseWrite
	labels  []*entity.TagLabel // all labels, to be checked and made bare
	nested  []partList
	present map[string]bool // members the client sent with a value
}

// partList is a decoded array of parts and where it belongs.
type partList struct {
	at    registry.Nested
	parts []part
}

// pendingRef is a reference member before it was looked up.
type pendingRef struct {
	field string
	types []string
	many  bool
	items []entity.Ref // by id, or by name in FullyQualifiedName
}

var envelopeTypes = map[string][]string{
	"owners": {"user", "team"}, "domains": {"domain"}, "dataProducts": {"dataProduct"},
	"reviewers": {"user", "team"}, "experts": {"user"},
}

// parse reads the members of a validated JSON object into an incoming state.
// Members that the engine computes, and those the entity does not have, are
// dropped.
func (s *shape) parse(body []byte) (*incoming, error) {
	clean, err := dropNulls(body)
	if err != nil {
		return nil, err
	}
	var members map[string]jsontext.Value
	if err := json.Unmarshal(clean, &members, readOptions); err != nil {
		return nil, entity.BadRequest("the body cannot be read: %s", jsonProblem(err))
	}
	in := &incoming{present: make(map[string]bool, len(members))}
	for name := range members {
		in.present[name] = true
	}
	if err := s.takeInverse(in, members); err != nil {
		return nil, err
	}
	if err := s.takeRefs(in, members); err != nil {
		return nil, err
	}
	envelope := make(map[string]jsontext.Value, len(members))
	for name, value := range members {
		switch {
		case s.computed[name] || !s.properties[name] && !s.requestOnly(name):
			delete(members, name)
		case envelopeMember(name):
			envelope[name] = value
			delete(members, name)
		}
	}
	raw, err := encode(envelope)
	if err != nil {
		return nil, err
	}
	in.ent = new(entity.Entity)
	if err := json.Unmarshal(raw, in.ent, readOptions); err != nil {
		return nil, entity.BadRequest("the body cannot be read: %s", jsonProblem(err))
	}
	in.ent.Rest = members // what the envelope does not name stays as it came
	return in, s.takeNested(in)
}

// requestOnly tells whether hooks of the type want to see a member of the create
// request that the entity does not have. They remove it in Prepare.
func (s *shape) requestOnly(name string) bool { return s.t.RequestOnly[name] }

// takeRefs moves the reference members out of the object.
func (s *shape) takeRefs(in *incoming, members map[string]jsontext.Value) error {
	for _, p := range s.t.Parents {
		if s.relations[p.Field] != nil {
			continue
		}
		if err := s.takeRef(in, members, "", pendingRef{field: p.Field, types: []string{p.Type}}); err != nil {
			return err
		}
	}
	for _, rel := range s.stored {
		if err := s.takeRef(in, members, rel.Request, pendingRef{field: rel.Field, types: rel.Types, many: rel.Many}); err != nil {
			return err
		}
	}
	for field, types := range envelopeTypes {
		if !s.properties[field] || s.relations[field] != nil {
			continue
		}
		if err := s.takeRef(in, members, "", pendingRef{field: field, types: types, many: true}); err != nil {
			return err
		}
	}
	return nil
}

// takeRef moves one of them; request is its name in create requests when it
// differs.
func (s *shape) takeRef(in *incoming, members map[string]jsontext.Value, request string, p pendingRef) error {
	raw, ok := members[p.field]
	delete(members, p.field)
	if !ok && request != "" {
		raw, ok = members[request]
		delete(members, request)
	}
	if !ok {
		return nil
	}
	items, err := refItems(p.field, raw)
	if err != nil {
		return err
	}
	p.items = items
	in.pending = append(in.pending, p)
	return nil
}

// refItems reads the forms a reference may have on the wire: a name, an id, an
// object with id and type or with a fullyQualifiedName, or a list of those.
func refItems(field string, raw jsontext.Value) ([]entity.Ref, error) {
	switch raw.Kind() {
	case '[':
		return refList(field, raw)
	case '"':
		name := text(raw)
		if id, err := entity.ParseID(name); err == nil {
			return []entity.Ref{{ID: id}}, nil
		}
		return []entity.Ref{{FullyQualifiedName: name}}, nil
	case '{':
		return refObject(field, raw)
	}
	return nil, entity.BadRequest("%s is not a reference", field)
}

func refList(field string, raw jsontext.Value) ([]entity.Ref, error) {
	var list []jsontext.Value
	if err := json.Unmarshal(raw, &list, readOptions); err != nil {
		return nil, entity.BadRequest("%s cannot be read: %s", field, jsonProblem(err))
	}
	refs := make([]entity.Ref, 0, len(list))
	for _, item := range list {
		if item.Kind() == '[' {
			return nil, entity.BadRequest("%s holds a list inside a list", field)
		}
		one, err := refItems(field, item)
		if err != nil {
			return nil, err
		}
		refs = append(refs, one...)
	}
	return refs, nil
}

// refObject reads one object; an inherited reference is none of the entity's own.
func refObject(field string, raw jsontext.Value) ([]entity.Ref, error) {
	var ref struct {
		ID        string                    `json:"id"`
		Type      string                    `json:"type"`
		FQN       string                    `json:"fullyQualifiedName"`
		Name      string                    `json:"name"`
		Inherited bool                      `json:"inherited"`
		Rest      map[string]jsontext.Value `json:",embed"`
	}
	if err := json.Unmarshal(raw, &ref, readOptions); err != nil {
		return nil, entity.BadRequest("%s cannot be read: %s", field, jsonProblem(err))
	}
	if ref.Inherited {
		return nil, nil
	}
	out := entity.Ref{Type: ref.Type, FullyQualifiedName: cmp.Or(ref.FQN, ref.Name)}
	if ref.ID != "" {
		id, err := entity.ParseID(ref.ID)
		if err != nil {
			return nil, err
		}
		out.ID = id
	}
	if out.ID == entity.NilID && out.FullyQualifiedName == "" {
		return nil, entity.BadRequest("a reference in %s needs an id or a fullyQualifiedName", field)
	}
	return []entity.Ref{out}, nil
}

// takeNested decodes the arrays of parts and collects every tag label.
func (s *shape) takeNested(in *incoming) error {
	in.labels = pointers(in.ent.Tags)
	for _, n := range s.t.Nested {
		parts, err := nestedParts(in.ent, n)
		if err != nil {
			return err
		}
		if parts == nil {
			continue
		}
		in.nested = append(in.nested, partList{at: n, parts: parts})
		in.labels = collectLabels(in.labels, parts, 0)
	}
	for _, label := range in.labels {
		completeLabel(label)
	}
	return nil
}

// completeLabel fills in what a label may leave out.
func completeLabel(label *entity.TagLabel) {
	for _, m := range []struct {
		member  *string
		missing string
	}{{&label.Source, "Classification"}, {&label.LabelType, "Manual"}, {&label.State, "Confirmed"}} {
		if *m.member == "" {
			*m.member = m.missing
		}
	}
}

func collectLabels(labels []*entity.TagLabel, parts []part, depth int) []*entity.TagLabel {
	if depth > maxDepth {
		return labels
	}
	for i := range parts {
		for j := range parts[i].Tags {
			labels = append(labels, &parts[i].Tags[j])
		}
		labels = collectLabels(labels, parts[i].Children, depth+1)
	}
	return labels
}

// resolve looks up all references and labels in one batch each, and puts their
// bare form into the state. A missing one is an error of entity.KindNotFound.
func (in *incoming) resolve(ctx context.Context, e *Engine, s *shape, l *lookup) error {
	ids, keys := in.wanted(e)
	if err := l.load(ctx, ids); err != nil {
		return err
	}
	if err := l.loadKeys(ctx, keys); err != nil {
		return err
	}
	for i := range in.pending {
		p := &in.pending[i]
		refs, err := p.resolve(e, l)
		if err != nil {
			return err
		}
		if err := s.setRefs(in.ent, p, refs); err != nil {
			return err
		}
	}
	for _, label := range in.labels {
		key := labelKey(e, label)
		info := l.byKey[key]
		if info == nil || info.ref.Deleted != nil && *info.ref.Deleted {
			return entity.NotFound(key.Type, label.TagFQN)
		}
		label.TagFQN = info.ref.FullyQualifiedName
		*label = label.Bare()
	}
	in.ent.Tags = uniqueLabels(in.ent.Tags)
	return nil
}

func (in *incoming) wanted(e *Engine) ([]entity.ID, []store.Key) {
	var ids []entity.ID
	var keys []store.Key
	want := func(p *pendingRef) {
		for _, item := range p.items {
			if item.ID != entity.NilID {
				ids = append(ids, item.ID)
				continue
			}
			keys = append(keys, p.keys(e, item)...)
		}
	}
	for i := range in.pending {
		want(&in.pending[i])
	}
	for i := range in.inverse {
		want(&in.inverse[i].pending)
	}
	for _, label := range in.labels {
		keys = append(keys, labelKey(e, label))
	}
	return ids, keys
}

// keys returns the names under which a reference by name may be found.
func (p *pendingRef) keys(e *Engine, item entity.Ref) []store.Key {
	types := p.types
	if item.Type != "" {
		types = []string{item.Type}
	}
	keys := make([]store.Key, 0, len(types))
	for _, typ := range types {
		if s := e.shapes[typ]; s != nil {
			keys = append(keys, store.Key{Type: typ, FQN: s.canonical(item.FullyQualifiedName)})
		}
	}
	return keys
}

// resolve returns the bare references, without duplicates, in the order given.
func (p *pendingRef) resolve(e *Engine, l *lookup) ([]entity.Ref, error) {
	refs := make([]entity.Ref, 0, len(p.items))
	seen := make(map[entity.ID]bool, len(p.items))
	for _, item := range p.items {
		var info *refInfo
		if item.ID != entity.NilID {
			info = l.info(item.ID)
		} else {
			for _, key := range p.keys(e, item) {
				if info = l.byKey[key]; info != nil {
					break
				}
			}
		}
		if info == nil || !p.allows(info.ref.Type) {
			return nil, p.notFound(item)
		}
		if !seen[info.ref.ID] {
			seen[info.ref.ID] = true
			refs = append(refs, info.ref.Bare())
		}
	}
	return refs, nil
}

func (p *pendingRef) allows(typ string) bool {
	if len(p.types) == 0 {
		return true
	}
	for _, t := range p.types {
		if t == typ || t == "*" {
			return true
		}
	}
	return false
}

func (p *pendingRef) notFound(item entity.Ref) error {
	typ, name := item.Type, item.FullyQualifiedName
	if typ == "" && len(p.types) > 0 {
		typ = p.types[0]
	}
	if typ == "" {
		typ = "entity"
	}
	if item.ID != entity.NilID {
		name = item.ID.String()
	}
	return entity.NotFound(typ, name)
}

// setRefs puts resolved references where the document has them.
func (s *shape) setRefs(ent *entity.Entity, p *pendingRef, refs []entity.Ref) error {
	if slot := envelopeSlot(ent, p.field); slot != nil {
		*slot = refs
		return nil
	}
	if len(refs) == 0 {
		delete(ent.Rest, p.field)
		return nil
	}
	var v any = refs
	if !p.many {
		v = refs[0]
	}
	raw, err := encode(v)
	ent.Rest[p.field] = raw
	return err
}

// envelopeSlot returns the envelope's list of references with the name, nil when
// the field lives in Rest.
func envelopeSlot(ent *entity.Entity, field string) *[]entity.Ref {
	switch field {
	case "owners":
		return &ent.Owners
	case "domains":
		return &ent.Domains
	case "dataProducts":
		return &ent.DataProducts
	case "reviewers":
		return &ent.Reviewers
	case "experts":
		return &ent.Experts
	}
	return nil
}

// labelKey returns the name under which a label's tag or term is found.
func labelKey(e *Engine, label *entity.TagLabel) store.Key {
	typ := label.EntityType()
	if s := e.shapes[typ]; s != nil {
		return store.Key{Type: typ, FQN: s.canonical(label.TagFQN)}
	}
	return store.Key{Type: typ, FQN: label.TagFQN}
}

// uniqueLabels drops repeated tags, keeping the first.
func uniqueLabels(labels []entity.TagLabel) []entity.TagLabel {
	if len(labels) < 2 {
		return labels
	}
	seen := make(map[string]bool, len(labels))
	out := labels[:0]
	for _, label := range labels {
		if !seen[label.TagFQN] {
			seen[label.TagFQN] = true
			out = append(out, label)
		}
	}
	return out
}
