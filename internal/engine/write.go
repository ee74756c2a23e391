package engine

import (
	"context"
	"slices"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Result is the outcome of a write.
type Result struct {
	Entity *entity.Entity // as the caller may see it
	Event  string         // one of the entity.Event constants
	Raw    []byte         // the entity as JSON, when Rendered by the call
}

// Created tells whether the write made a new entity.
func (r Result) Created() bool { return r.Event == entity.EventCreated }

// method says which call a write comes from; the rules for what it leaves out
// differ.
type method int

const (
	methodPost method = iota
	methodPut
	methodPatch
	methodInternal // by the server, on behalf of a call that has its own check
)

// write is one write on its way through the fixed order of the package comment.
type write struct {
	e      *Engine
	s      *shape
	t      *registry.Type
	by     entity.Principal
	method method

	in        *incoming
	tx        store.Tx
	look      *lookup
	parentRow store.Row
	parent    *entity.Entity // nil at the root
	oldRow    store.Row
	old       *entity.Entity    // nil on create
	oldParts  map[string][]part // of the old state, by the first member of their path; see partsBefore
	change    *entity.ChangeDescription
	event     string
	doc       []byte // the new state as it was stored
	account   bool   // an internal edit of an account or team by somebody: see authorizeAccount
}

// Create adds an entity from a create request. A taken name is an error of
// entity.KindConflict, a missing parent or reference of entity.KindNotFound.
func (e *Engine) Create(ctx context.Context, by entity.Principal, t *registry.Type, body []byte, opts View) (Result, error) {
	return e.createOrUpdate(ctx, by, t, body, methodPost, opts)
}

// Put creates the entity the request names, or updates it.
func (e *Engine) Put(ctx context.Context, by entity.Principal, t *registry.Type, body []byte, opts View) (Result, error) {
	return e.createOrUpdate(ctx, by, t, body, methodPut, opts)
}

func (e *Engine) createOrUpdate(ctx context.Context, by entity.Principal, t *registry.Type, body []byte, m method, opts View) (Result, error) {
	body, err := e.schemas.Admit(t.Create, body)
	if err != nil {
		return Result{}, err
	}
	return e.save(ctx, by, t, body, m, opts)
}

// save runs a create-or-update whose body is valid.
func (e *Engine) save(ctx context.Context, by entity.Principal, t *registry.Type, body []byte, m method, opts View) (Result, error) {
	s := e.shapeOf(t)
	in, err := s.parse(body)
	if err != nil {
		return Result{}, err
	}
	if err := e.prefetch(ctx, in); err != nil {
		return Result{}, err
	}
	var w *write
	err = e.store.Update(ctx, func(tx store.Tx) error {
		if w != nil { // run again: start from what the client sent
			if in, err = s.parse(body); err != nil {
				return err
			}
		}
		w = &write{e: e, s: s, t: t, by: by, method: m, in: in, tx: tx, look: e.newLookup(tx, 0, false)}
		return w.createOrUpdate(ctx)
	})
	if err != nil {
		return Result{}, err
	}
	return e.result(ctx, w, opts)
}

// prefetch fills the shared cache with what the write will look up, so that
// little is left to do while the store's one writer is held.
func (e *Engine) prefetch(ctx context.Context, in *incoming) error {
	ids, keys := in.wanted(e)
	cold := slices.ContainsFunc(ids, func(id entity.ID) bool { _, ok := e.refs.get(id); return !ok }) ||
		slices.ContainsFunc(keys, func(key store.Key) bool { _, ok := e.refs.getByKey(key); return !ok })
	if !cold {
		return nil
	}
	generation := e.refs.started()
	return e.store.View(ctx, func(r store.Reader) error {
		l := e.newLookup(r, generation, true)
		if err := l.load(ctx, ids); err != nil {
			return err
		}
		if err := l.loadKeys(ctx, keys); err != nil {
			return err
		}
		parents := make([]entity.ID, 0, len(l.byID))
		for id := range l.byID {
			parents = append(parents, id)
		}
		return l.loadAncestors(ctx, parents)
	})
}

func (w *write) createOrUpdate(ctx context.Context) error {
	if err := w.complete(ctx); err != nil {
		return err
	}
	if err := w.place(ctx); err != nil {
		return err
	}
	row, err := w.tx.EntityByFQN(ctx, store.Key{Type: w.t.Name, FQN: w.in.ent.FullyQualifiedName})
	switch {
	case err != nil && entity.KindOf(err) == entity.KindNotFound:
		return w.create(ctx)
	case err != nil:
		return err
	case w.method == methodPost:
		return entity.Conflict("Entity already exists")
	}
	return w.update(ctx, row)
}

// place resolves what the new state refers to, finds its parent and names it.
func (w *write) place(ctx context.Context) error {
	if err := w.in.resolve(ctx, w.e, w.s, w.look); err != nil {
		return err
	}
	if err := w.placeTeam(ctx); err != nil {
		return err
	}
	if err := w.dropRoot(ctx); err != nil {
		return err
	}
	if err := w.findParent(ctx); err != nil {
		return err
	}
	return w.name()
}

// restate takes a document over the old state through the rest of the order. It
// stays the same entity, deleted or not.
func (w *write) restate(ctx context.Context, doc []byte) error {
	var err error
	if w.in, err = w.s.parse(doc); err != nil {
		return err
	}
	w.in.ent.ID, w.in.ent.Deleted = w.old.ID, w.old.Deleted
	if err := w.place(ctx); err != nil {
		return err
	}
	return w.replace(ctx)
}

// findParent reads the parent in this transaction: it must exist at the commit.
func (w *write) findParent(ctx context.Context) error {
	ref, err := w.parentRef()
	if err != nil {
		return err
	}
	if ref == nil {
		if len(w.t.Parents) > 0 && !w.t.ParentOptional {
			return entity.BadRequest("[%s must not be null]", w.t.Parents[len(w.t.Parents)-1].Field)
		}
		return nil
	}
	row, err := w.tx.Entity(ctx, ref.ID)
	if err != nil && entity.KindOf(err) == entity.KindNotFound {
		return entity.NotFound(ref.Type, ref.ID.String())
	}
	if err != nil {
		return err
	}
	if row.Deleted && w.method != methodInternal && w.method != methodPatch {
		return entity.NotFound(row.Type, row.FQN)
	}
	w.parentRow = row
	w.parent, err = decodeDoc(row.Doc)
	return err
}

// parentRef returns the reference to the parent, nil at the root.
func (w *write) parentRef() (*entity.Ref, error) {
	for _, p := range w.t.Parents {
		refs := []entity.Ref(nil)
		if slot := envelopeSlot(w.in.ent, p.Field); slot != nil {
			refs = *slot
		} else {
			var err error
			if refs, err = refsOf(w.in.ent.Rest[p.Field]); err != nil {
				return nil, entity.Internal(err)
			}
		}
		if len(refs) > 0 {
			return &refs[0], nil
		}
	}
	return nil, nil
}

// name sets the FQN of the entity and of its parts.
func (w *write) name() error {
	fqn, err := w.s.buildFQN(w.in.ent, w.parent)
	if err != nil {
		return err
	}
	w.in.ent.FullyQualifiedName = fqn
	for i := range w.in.nested {
		list := &w.in.nested[i]
		if list.at.FQN {
			if err := nameParts(list.parts, fqn, 0); err != nil {
				return err
			}
		}
	}
	return nil
}

// storeNested puts the decoded parts back into the document.
func (w *write) storeNested() error {
	for _, list := range w.in.nested {
		if err := setNestedParts(w.in.ent, list.at, list.parts); err != nil {
			return err
		}
	}
	return nil
}

func (w *write) create(ctx context.Context) error {
	ent := w.in.ent
	if err := w.completeNew(ctx); err != nil {
		return err
	}
	ent.ID = entity.NewID()
	for name, value := range w.s.defaults {
		if ent.Rest[name] == nil && name != "deleted" && !envelopeMember(name) {
			ent.Rest[name] = value
		}
	}
	if w.s.properties["deleted"] {
		no := false
		ent.Deleted = &no
	}
	if err := w.finish(ctx, nil); err != nil {
		return err
	}
	if err := w.checkAllowed(ctx); err != nil {
		return err
	}
	ent.Version = entity.FirstVersion
	w.sign(ent)
	w.event = entity.EventCreated
	doc, err := encode(ent)
	if err != nil {
		return err
	}
	w.doc = doc
	row := store.Row{
		ID: ent.ID, Type: w.t.Name, Name: ent.Name, FQN: ent.FullyQualifiedName, Parent: w.parentRow.ID,
		Version: ent.Version, UpdatedAt: ent.UpdatedAt, Doc: doc,
	}
	if err := w.tx.Insert(ctx, row); err != nil {
		if entity.KindOf(err) == entity.KindConflict {
			return entity.Conflict("Entity already exists")
		}
		return err
	}
	if err := w.relate(ctx); err != nil {
		return err
	}
	if err := w.planInverse(ctx, ent.ID); err != nil {
		return err
	}
	if err := w.changeOthers(ctx); err != nil {
		return err
	}
	return w.emit(ctx, nil)
}

func (w *write) update(ctx context.Context, row store.Row) error {
	old, err := decodeDoc(row.Doc)
	if err != nil {
		return err
	}
	w.oldRow, w.old = row, old
	ent := w.in.ent
	ent.ID = old.ID
	if w.method == methodPut {
		if err := merge(w.s, old, w.in, w.by.IsBot); err != nil {
			return err
		}
		if w.s.properties["deleted"] {
			no := false
			ent.Deleted = &no
		}
	}
	return w.replace(ctx)
}

// replace writes the new state over the old one, if they differ.
func (w *write) replace(ctx context.Context) error {
	if err := w.keepUndescribed(); err != nil {
		return err
	}
	if err := w.finish(ctx, w.old); err != nil {
		return err
	}
	ent := w.in.ent
	change, major, err := diff(w.s, w.old, ent, w.fullRef, w.e.hiderOf(w.t))
	if err != nil {
		return err
	}
	if err := w.planInverse(ctx, ent.ID); err != nil {
		return err
	}
	w.describeInverse(change)
	w.change = change
	if change.Empty() {
		w.event = entity.EventNoChange
		return w.authorizeSeeing(ctx)
	}
	if err := w.mayChange(ctx); err != nil {
		return err
	}
	if again, err := w.reviewAgain(ctx); err != nil {
		return err
	} else if again { // decided after the caller's right to the change, which is none to this
		if change, major, err = diff(w.s, w.old, ent, w.fullRef, w.e.hiderOf(w.t)); err != nil {
			return err
		}
		w.describeInverse(change)
		w.change = change
	}
	ent.Version = w.old.Version.Next(major)
	w.sign(ent)
	ent.ChangeDescription = change
	if w.event == "" {
		w.event = entity.EventUpdated
	}
	return w.overwrite(ctx)
}

// mayChange refuses a change that the caller has no right to, or that must not be.
func (w *write) mayChange(ctx context.Context) error {
	if err := w.authorizeChange(ctx); err != nil {
		return err
	}
	if err := w.checkAllowed(ctx); err != nil {
		return err
	}
	if w.renamed() {
		return w.mayRename(ctx)
	}
	return nil
}

// overwrite stores the new state, what follows from it, and the event.
func (w *write) overwrite(ctx context.Context) error {
	ent := w.in.ent
	doc, err := encode(ent)
	if err != nil {
		return err
	}
	w.doc = doc
	row := store.Row{
		ID: ent.ID, Type: w.t.Name, Name: ent.Name, FQN: ent.FullyQualifiedName, Parent: w.parentRow.ID,
		Deleted: ent.IsDeleted(), Version: ent.Version, UpdatedAt: ent.UpdatedAt, Doc: doc,
	}
	if err := w.tx.AddVersion(ctx, ent.ID, w.old.Version, w.oldRow.Doc); err != nil {
		return err
	}
	if err := w.tx.Replace(ctx, row); err != nil {
		return err
	}
	if err := w.dismissUser(ctx, w.in.ent); err != nil {
		return err
	}
	if err := w.relate(ctx); err != nil {
		return err
	}
	if err := w.changeOthers(ctx); err != nil {
		return err
	}
	if w.renamed() {
		if err := w.carryName(ctx); err != nil {
			return err
		}
	}
	return w.emit(ctx, nil)
}

// sign writes down who wrote a state, and which bot on behalf of whom.
func (w *write) sign(ent *entity.Entity) {
	ent.UpdatedAt, ent.UpdatedBy, ent.ImpersonatedBy = w.e.now(), w.by.Name, ""
	if w.s.properties["impersonatedBy"] {
		ent.ImpersonatedBy = w.by.Bot
	}
}

// finish runs the hooks on the new state, cleans its texts and seals its secrets.
func (w *write) finish(ctx context.Context, old *entity.Entity) error {
	ent := w.in.ent
	if err := w.follow(ctx, old); err != nil {
		return err
	}
	if w.t.Hooks.Prepare != nil {
		if err := w.t.Hooks.Prepare(ent, w.parent); err != nil {
			return err
		}
	}
	if err := w.cleanTexts(); err != nil {
		return err
	}
	if old == nil {
		if err := w.s.requireMembers(ent); err != nil {
			return err
		}
		if err := w.authorizeCreate(ctx); err != nil {
			return err
		}
	}
	if w.t.Hooks.Validate != nil {
		if err := w.t.Hooks.Validate(old, ent); err != nil {
			return err
		}
	}
	if err := w.checkCustom(ctx, old); err != nil {
		return err
	}
	for name := range w.t.RequestOnly {
		if !w.s.properties[name] {
			delete(ent.Rest, name)
		}
	}
	return w.sealFor(ctx, old)
}

// follow does what else the rules of labels, nested parts, reviews and contracts ask for.
func (w *write) follow(ctx context.Context, old *entity.Entity) error {
	if err := w.checkLabels(ctx, old); err != nil {
		return err
	}
	if err := w.storeNested(); err != nil {
		return err
	}
	if err := w.review(ctx, old); err != nil {
		return err
	}
	return w.keepContractSuite(ctx)
}

// requireMembers makes sure that a new entity has what its schema requires, which
// create requests of some types may leave out: clients refuse it otherwise.
func (s *shape) requireMembers(ent *entity.Entity) error {
	for _, p := range s.required {
		if ent.Rest[p.Name] != nil {
			continue
		}
		switch p.Kind {
		case jsonschema.KindArray, jsonschema.KindRefList, jsonschema.KindTags:
			ent.Rest[p.Name] = jsontext.Value("[]")
		default:
			return entity.BadRequest("[%s must not be null]", p.Name)
		}
	}
	return nil
}

// emit appends the change event; doc is set when the state itself is gone.
func (w *write) emit(ctx context.Context, doc []byte) error {
	ev := store.Event{
		ID: entity.NewID(), Type: w.event, EntityType: w.t.Name, EntityID: w.in.ent.ID, EntityFQN: w.in.ent.FullyQualifiedName,
		Version: w.in.ent.Version, PreviousVersion: w.in.ent.Version, At: w.in.ent.UpdatedAt, User: w.by.Name, Bot: w.by.Bot, Doc: doc,
	}
	if w.old != nil {
		ev.PreviousVersion = w.old.Version
	}
	if w.change != nil {
		raw, err := encode(w.change)
		if err != nil {
			return err
		}
		ev.Change = raw
	}
	return w.tx.AppendEvent(ctx, ev)
}

// fullRef gives a bare reference its names, for change descriptions.
func (w *write) fullRef(ref entity.Ref) entity.Ref {
	info := w.look.info(ref.ID)
	if info == nil {
		if err := w.look.load(context.Background(), []entity.ID{ref.ID}); err != nil {
			return ref
		}
		if info = w.look.info(ref.ID); info == nil {
			return ref
		}
	}
	full := info.ref
	full.Description = ""
	return full
}

// envelopeMember tells whether a member is a field of entity.Entity.
func envelopeMember(name string) bool {
	switch name {
	case "id", "name", "displayName", "fullyQualifiedName", "description", "version", "updatedAt", "updatedBy",
		"impersonatedBy", "href", "owners", "domains", "dataProducts", "reviewers", "experts", "tags",
		"followers", "votes", "extension", "changeDescription", "deleted":
		return true
	}
	return false
}
