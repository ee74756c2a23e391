package engine

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Edit changes one entity by a function, for calls that are not generic: a
// table's data model, a pipeline's state. edit gets the stored document, in
// which references are bare and secrets sealed, and changes it in place; what it
// puts beside the document goes through tx. ops are what the caller must be
// allowed to do. The entity is written, versioned and announced only if the
// document changed.
func (e *Engine) Edit(ctx context.Context, by entity.Principal, t *registry.Type, sel Selector, ops []policy.Operation, v View,
	edit func(tx store.Tx, ent *entity.Entity) error) (Result, error) {
	var w *write
	err := e.store.Update(ctx, func(tx store.Tx) error {
		w = &write{e: e, s: e.shapeOf(t), t: t, by: by, method: methodInternal, tx: tx, look: e.newLookup(tx, 0, false), account: true}
		return w.edit(ctx, sel, ops, edit)
	})
	if err != nil {
		return Result{}, err
	}
	return e.result(ctx, w, v)
}

// Revise is Edit for calls that stand for a PATCH, as accepting a suggestion does: the
// caller must see the entity, and what else they must be allowed to do follows from
// what really changes. unchanged is what they must be allowed to do when nothing does.
func (e *Engine) Revise(ctx context.Context, by entity.Principal, t *registry.Type, sel Selector, unchanged []policy.Operation, v View,
	edit func(tx store.Tx, ent *entity.Entity) error) (Result, error) {
	var w *write
	err := e.store.Update(ctx, func(tx store.Tx) error {
		w = &write{e: e, s: e.shapeOf(t), t: t, by: by, method: methodPatch, tx: tx, look: e.newLookup(tx, 0, false)}
		err := w.edit(ctx, sel, []policy.Operation{policy.ViewBasic}, edit)
		if err != nil || w.event != entity.EventNoChange {
			return err
		}
		return e.authorizeIn(ctx, tx, w.look, by, t, w.old, w.oldRow.Parent, unchanged...)
	})
	if err != nil {
		return Result{}, err
	}
	return e.result(ctx, w, v)
}

func (w *write) edit(ctx context.Context, sel Selector, ops []policy.Operation, edit func(tx store.Tx, ent *entity.Entity) error) error {
	row, err := w.e.find(ctx, w.tx, w.t, sel)
	if err != nil {
		return err
	}
	if row.Deleted {
		return entity.NotFound(w.t.Name, sel.String())
	}
	w.oldRow = row
	if w.old, err = decodeDoc(row.Doc); err != nil {
		return err
	}
	if err := w.e.authorizeIn(ctx, w.tx, w.look, w.by, w.t, w.old, row.Parent, ops...); err != nil {
		return err
	}
	next, err := decodeDoc(row.Doc)
	if err != nil {
		return err
	}
	if err := edit(w.tx, next); err != nil {
		return err
	}
	doc, err := encode(next)
	if err != nil {
		return err
	}
	return w.restate(ctx, doc)
}

// Touch announces a change beside the document (followers, sample data) without
// a new version, so that the index and the change feed learn of it. It runs in
// the caller's transaction.
func (e *Engine) Touch(ctx context.Context, tx store.Tx, by entity.Principal, row store.Row, change *entity.ChangeDescription) error {
	raw, err := encode(change)
	if err != nil {
		return err
	}
	return tx.AppendEvent(ctx, store.Event{
		ID: entity.NewID(), Type: entity.EventUpdated, EntityType: row.Type, EntityID: row.ID, EntityFQN: row.FQN,
		Version: row.Version, PreviousVersion: row.Version, At: e.now(), User: by.Name, Bot: by.Bot, Change: raw,
	})
}

// Row returns the stored row of an entity inside a snapshot or transaction.
func (e *Engine) Row(ctx context.Context, r store.Reader, t *registry.Type, sel Selector) (store.Row, error) {
	return e.find(ctx, r, t, sel)
}

// RowFor is Row for calls that first check what the caller may do.
func (e *Engine) RowFor(ctx context.Context, r store.Reader, by entity.Principal, t *registry.Type, sel Selector, ops ...policy.Operation) (store.Row, error) {
	row, err := e.find(ctx, r, t, sel)
	if err != nil {
		return store.Row{}, err
	}
	ent, err := decodeDoc(row.Doc)
	if err != nil {
		return store.Row{}, err
	}
	return row, e.authorizeIn(ctx, r, e.newLookup(r, 0, false), by, t, ent, row.Parent, ops...)
}
