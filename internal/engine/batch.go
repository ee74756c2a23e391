package engine

import (
	"context"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Batch is a run of writes by one caller, each with the checks, versions and
// events it would have alone. A write that fails leaves nothing behind and does
// not touch the others. Later writes see earlier ones; what the caller may do is
// decided by the rights from before the batch.
type Batch struct {
	e    *Engine
	by   entity.Principal
	tx   store.Tx
	look *lookup // references that the batch itself does not change
}

// Together runs writes in one transaction, which is soon to end: other writers
// wait for it. fn may run more than once.
func (e *Engine) Together(ctx context.Context, by entity.Principal, fn func(*Batch) error) error {
	if _, err := e.Subject(ctx, by); err != nil { // so that it is not worked out again for each write
		return err
	}
	return e.store.Update(ctx, func(tx store.Tx) error {
		return fn(&Batch{e: e, by: by, tx: tx, look: e.newLookup(tx, 0, false)})
	})
}

// Rehearse runs writes against a snapshot and keeps nothing. No writer waits for
// it.
func (e *Engine) Rehearse(ctx context.Context, by entity.Principal, fn func(*Batch) error) error {
	if _, err := e.Subject(ctx, by); err != nil {
		return err
	}
	return e.store.View(ctx, func(r store.Reader) error {
		d := newDraft(r)
		d.forget = true
		return fn(&Batch{e: e, by: by, tx: d, look: e.newLookup(d, 0, false)})
	})
}

// Save changes the entity with the name as edit says, or creates it. edit gets
// the document as the caller would see it, with references in full, or an empty
// one; references it sets need id and type. It runs once. The result is one of
// the entity.Event constants.
func (b *Batch) Save(ctx context.Context, t *registry.Type, fqn string, edit func(ent *entity.Entity, created bool) error) (string, error) {
	d := newDraft(b.tx)
	w := &write{e: b.e, s: b.e.shapeOf(t), t: t, by: b.by, tx: d, look: b.e.newLookup(d, 0, false)}
	row, err := d.EntityByFQN(ctx, store.Key{Type: t.Name, FQN: w.s.canonical(fqn)})
	switch {
	case err == nil:
		err = w.saveOld(ctx, row, edit)
	case entity.KindOf(err) == entity.KindNotFound:
		err = w.saveNew(ctx, edit)
	}
	if err != nil {
		return "", err
	}
	return w.event, d.copyTo(ctx, b.tx)
}

func (w *write) saveOld(ctx context.Context, row store.Row, edit func(*entity.Entity, bool) error) error {
	if row.Deleted {
		return entity.NotFound(w.t.Name, row.FQN)
	}
	w.method, w.oldRow = methodPatch, row
	var err error
	if w.old, err = decodeDoc(row.Doc); err != nil {
		return err
	}
	shown, err := w.e.hydrate(ctx, w.tx, w.look, w.t, []store.Row{row}, View{Include: store.All, whole: true})
	if err != nil {
		return err
	}
	seen, err := encode(shown[0])
	if err != nil {
		return err
	}
	if err := edit(shown[0], false); err != nil {
		return err
	}
	doc, err := encode(shown[0])
	if err != nil {
		return err
	}
	return w.patched(ctx, seen, doc)
}

func (w *write) saveNew(ctx context.Context, edit func(*entity.Entity, bool) error) error {
	w.method = methodPost
	ent := &entity.Entity{Rest: map[string]jsontext.Value{}}
	if err := edit(ent, true); err != nil {
		return err
	}
	ent.ID = entity.NewID() // the schema wants one; create gives the real one
	doc, err := encode(ent)
	if err != nil {
		return err
	}
	if w.in, err = w.s.parse(doc); err != nil {
		return err
	}
	if err := w.complete(ctx); err != nil {
		return err
	}
	for _, p := range w.in.pending { // what complete found, so that the schema is satisfied
		if len(p.items) == 1 && p.items[0].ID != entity.NilID && ent.Rest[p.field] == nil && envelopeSlot(ent, p.field) == nil {
			if ent.Rest[p.field], err = json.Marshal(entity.Ref{ID: p.items[0].ID, Type: p.types[0]}); err != nil {
				return entity.Internal(err)
			}
		}
	}
	if doc, err = encode(ent); err != nil {
		return err
	}
	if err := w.e.schemas.Validate(w.t.Schema, doc); err != nil {
		return err
	}
	return w.createOrUpdate(ctx)
}

// Find returns references to the entities with these names; those that do not
// exist, or are deleted, are left out.
func (b *Batch) Find(ctx context.Context, keys ...store.Key) ([]entity.Ref, error) {
	canonical := make([]store.Key, 0, len(keys))
	for _, key := range keys {
		if s := b.e.shapes[key.Type]; s != nil {
			canonical = append(canonical, store.Key{Type: key.Type, FQN: s.canonical(key.FQN)})
		}
	}
	if err := b.look.loadKeys(ctx, canonical); err != nil {
		return nil, err
	}
	refs := make([]entity.Ref, 0, len(canonical))
	for _, key := range canonical {
		if info := b.look.byKey[key]; info != nil && (info.ref.Deleted == nil || !*info.ref.Deleted) {
			refs = append(refs, info.ref)
		}
	}
	return refs, nil
}

// Public returns what a client may read of an error of a write.
func Public(err error) string { return publicMessage(err) }
