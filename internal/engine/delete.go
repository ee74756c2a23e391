package engine

import (
	"context"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// DeleteOptions say how to delete.
type DeleteOptions struct {
	Hard      bool // remove for good instead of marking as deleted
	Recursive bool // with everything below; else an entity with children is refused
	// Progress is told how much of a large tree is done. Optional.
	Progress func(done, total int)
}

// Delete removes an entity: softly, so that Restore brings it back, or for good.
// An entity that has children needs Recursive, or the error is a KindBadRequest. A
// large tree goes in steps, between which others write; see subtree.
func (e *Engine) Delete(ctx context.Context, by entity.Principal, t *registry.Type, sel Selector, opts DeleteOptions, v View) (Result, error) {
	if opts.Recursive {
		large, err := e.large(ctx, t, sel, func(r store.Reader, _ store.Row, _ []entity.ID) error {
			d := newDraft(r)
			w := &write{e: e, s: e.shapeOf(t), t: t, by: by, tx: d, look: e.newLookup(d, 0, false)}
			_, _, err := w.deletable(ctx, sel, opts)
			return err
		})
		if err != nil {
			return Result{}, err
		}
		if large {
			return e.deleteInSteps(ctx, by, t, sel, opts, v)
		}
	}
	var w *write
	var shown *entity.Entity
	err := e.store.Update(ctx, func(tx store.Tx) error {
		w = &write{e: e, s: e.shapeOf(t), t: t, by: by, tx: tx, look: e.newLookup(tx, 0, false)}
		row, below, err := w.deletable(ctx, sel, opts)
		if err != nil {
			return err
		}
		if opts.Hard {
			shown, err = w.deleteHard(ctx, row, below, v)
			return err
		}
		return w.deleteSoft(ctx, row, below)
	})
	if err != nil {
		return Result{}, err
	}
	if opts.Hard {
		return Result{Entity: shown, Event: entity.EventDeleted}, nil
	}
	return e.result(ctx, w, v)
}

// deleteInSteps deletes a large tree after the caller's right to all of it was looked at.
func (e *Engine) deleteInSteps(ctx context.Context, by entity.Principal, t *registry.Type, sel Selector, opts DeleteOptions, v View) (Result, error) {
	var w *write
	var s *subtree
	var shown *entity.Entity
	err := e.store.Update(ctx, func(tx store.Tx) error {
		w = &write{e: e, s: e.shapeOf(t), t: t, by: by, tx: tx, look: e.newLookup(tx, 0, false)}
		row, err := w.found(ctx, sel, opts)
		if err != nil {
			return err
		}
		if opts.Hard {
			shown, err = w.last(ctx, row, v)
		} else {
			err = w.deleteSoft(ctx, row, nil)
		}
		if err != nil {
			return err
		}
		s, err = w.decide(ctx, row, opts.Hard, false)
		return err
	})
	if err == nil {
		err = e.finish(ctx, s, opts.Progress)
	}
	if err != nil {
		return Result{}, err
	}
	if opts.Hard {
		return Result{Entity: shown, Event: entity.EventDeleted}, nil
	}
	return e.result(ctx, w, v)
}

// CheckDelete tells whether Delete would find the entity and may begin, without a look
// at what lies below it, and returns it.
func (e *Engine) CheckDelete(ctx context.Context, by entity.Principal, t *registry.Type, sel Selector, opts DeleteOptions) (*entity.Entity, error) {
	var w *write
	err := e.store.View(ctx, func(r store.Reader) error {
		d := newDraft(r)
		w = &write{e: e, s: e.shapeOf(t), t: t, by: by, tx: d, look: e.newLookup(d, 0, false)}
		row, err := w.found(ctx, sel, opts)
		if err != nil || opts.Recursive {
			return err
		}
		return w.empty(ctx, row, opts.Hard)
	})
	if err != nil {
		return nil, err
	}
	return w.old, nil
}

// deletable finds the entity and what is below it, and checks that the caller
// may delete it and that nothing stands in the way.
func (w *write) deletable(ctx context.Context, sel Selector, opts DeleteOptions) (store.Row, []entity.ID, error) {
	row, err := w.found(ctx, sel, opts)
	if err != nil {
		return row, nil, err
	}
	below, err := w.tx.Descendants(ctx, row.ID)
	switch {
	case err != nil || len(below) == 0:
	case opts.Recursive:
		err = w.authorizeBelow(ctx, below)
	default:
		err = w.empty(ctx, row, opts.Hard)
	}
	return row, below, err
}

// found is the part of deletable that is about the entity alone.
func (w *write) found(ctx context.Context, sel Selector, opts DeleteOptions) (store.Row, error) {
	row, err := w.e.find(ctx, w.tx, w.t, sel)
	if err != nil {
		return row, err
	}
	if row.Deleted && !opts.Hard {
		return row, entity.NotFound(w.t.Name, sel.String())
	}
	if w.old, err = decodeDoc(row.Doc); err != nil {
		return row, err
	}
	w.oldRow = row
	if err := w.e.authorizeIn(ctx, w.tx, w.look, w.by, w.t, w.old, row.Parent, policy.Delete); err != nil {
		return row, err
	}
	if err := w.mayGo(ctx, row, opts.Hard); err != nil {
		return row, err
	}
	return row, w.unhindered(ctx, row)
}

// authorizeBelow checks that the caller may also delete what goes along: the right to
// delete a schema is none to delete its tables.
func (w *write) authorizeBelow(ctx context.Context, below []entity.ID) error {
	if w.by.TokenType == "SYSTEM" {
		return nil
	}
	s, err := w.e.subjectIn(ctx, w.tx, w.by.UserID)
	if err != nil || s.Admin {
		return err
	}
	for chunk := range slices.Chunk(below, batchSize) {
		rows, err := w.tx.Entities(ctx, chunk)
		if err != nil {
			return err
		}
		allowed, err := w.e.seen(ctx, w.tx, w.look, w.by, rows, policy.Delete)
		if err != nil {
			return err
		}
		if len(allowed) == len(rows) {
			continue
		}
		may := make(map[entity.ID]bool, len(allowed))
		for _, row := range allowed {
			may[row.ID] = true
		}
		first := rows[slices.IndexFunc(rows, func(row store.Row) bool { return !may[row.ID] })]
		return w.refuseBelow(ctx, first)
	}
	return nil
}

// refuseBelow says why something does not go along, without the name of what the
// caller may not see.
func (w *write) refuseBelow(ctx context.Context, row store.Row) error {
	seen, err := w.e.seen(ctx, w.tx, w.look, w.by, []store.Row{row}, policy.ViewBasic)
	if err != nil {
		return err
	}
	what := "a " + row.Type
	if len(seen) > 0 {
		what = row.Type + " " + entity.Shorten(row.FQN, 200)
	}
	return entity.Forbidden("Principal: CatalogPrincipal{name='%s'} operations [Delete] not allowed. It would also delete %s, which you may not; an administrator can grant it.", w.by.Name, what)
}

// mayGo refuses to delete what the server itself rests on.
func (w *write) mayGo(ctx context.Context, row store.Row, hard bool) error {
	if text(w.old.Rest["provider"]) == "system" {
		return entity.BadRequest("System entity [name=%s, type=%s] can not be deleted.", row.Name, row.Type)
	}
	if w.t.Name == "team" && row.FQN == rootTeam {
		return entity.BadRequest("%s is above all other teams and can not be deleted.", rootTeam)
	}
	if w.t.Name != "user" {
		return nil
	}
	if flag(w.old, "isAdmin") {
		if err := w.otherAdmin(ctx); err != nil {
			return err
		}
	}
	if hard && flag(w.old, "isBot") {
		return w.ofOwnBot(ctx)
	}
	return nil
}

// ofOwnBot refuses to delete the account of a bot that the server brings along for
// good: the bot would be left without one. Softly deleted it is the bot switched off.
func (w *write) ofOwnBot(ctx context.Context) error {
	relations, err := w.tx.RelationsFrom(ctx, []entity.ID{w.old.ID}, "botUser")
	if err != nil {
		return err
	}
	for _, rel := range relations {
		row, err := w.tx.Entity(ctx, rel.To)
		if err != nil {
			return err
		}
		bot, err := decodeDoc(row.Doc)
		if err != nil {
			return err
		}
		if text(bot.Rest["provider"]) == "system" {
			return entity.BadRequest("%s is the account of the system bot %s and can not be deleted for good. Without hardDelete it is deactivated.", w.old.Name, bot.Name)
		}
	}
	return nil
}

// empty refuses to delete an entity with children; those that are softly deleted
// count only when it is for good.
func (w *write) empty(ctx context.Context, row store.Row, hard bool) error {
	children, err := w.tx.Children(ctx, []entity.ID{row.ID}, "", maxChildren)
	if err != nil {
		return err
	}
	for _, child := range children {
		if !child.Deleted || hard {
			return entity.BadRequest("%s is not empty", w.t.Name)
		}
	}
	return nil
}

func (w *write) deleteHard(ctx context.Context, row store.Row, below []entity.ID, v View) (*entity.Entity, error) {
	shown, err := w.last(ctx, row, v)
	if err != nil {
		return nil, err
	}
	events := []store.Event{w.deletion(row)}
	if err := w.dismiss(ctx); err != nil {
		return nil, err
	}
	for chunk := range slices.Chunk(below, batchSize) {
		rows, err := w.tx.Entities(ctx, chunk)
		if err != nil {
			return nil, err
		}
		if err := w.dropContractSuites(ctx, rows...); err != nil {
			return nil, err
		}
		for _, r := range rows {
			events = append(events, w.deletion(r))
		}
	}
	if err := w.dropContractSuites(ctx, row); err != nil {
		return nil, err
	}
	if err := w.tx.Delete(ctx, append([]entity.ID{row.ID}, below...)); err != nil {
		return nil, err
	}
	w.event = entity.EventDeleted
	return shown, w.tx.AppendEvent(ctx, events...)
}

// last is how an entity is shown that goes for good.
func (w *write) last(ctx context.Context, row store.Row, v View) (*entity.Entity, error) {
	v.whole, v.Include, v.reveal = true, store.All, false
	shown, err := w.e.hydrate(ctx, w.tx, w.look, w.t, []store.Row{row}, v)
	if err != nil {
		return nil, err
	}
	return shown[0], nil
}

// deletion is the event of a row that goes for good; it carries the last state.
func (w *write) deletion(row store.Row) store.Event {
	return store.Event{
		ID: entity.NewID(), Type: entity.EventDeleted, EntityType: row.Type, EntityID: row.ID, EntityFQN: row.FQN,
		Version: row.Version, PreviousVersion: row.Version, At: w.e.now(), User: w.by.Name, Bot: w.by.Bot, Doc: row.Doc,
	}
}

// batchSize is how many entities are read at a time where there may be many.
const batchSize = 500

// deleteSoft marks the entity and everything below it.
func (w *write) deleteSoft(ctx context.Context, row store.Row, below []entity.ID) error {
	if !w.s.properties["deleted"] {
		return entity.BadRequest("%s cannot be deleted softly; use hardDelete=true", w.t.Name)
	}
	if err := w.mark(ctx, row, true, entity.EventSoftDeleted); err != nil {
		return err
	}
	return w.markBelow(ctx, below, true, entity.EventSoftDeleted)
}

// markBelow marks descendants; those that are in the wanted state are left alone.
func (w *write) markBelow(ctx context.Context, below []entity.ID, deleted bool, event string) error {
	for chunk := range slices.Chunk(below, batchSize) {
		rows, err := w.tx.Entities(ctx, chunk)
		if err != nil {
			return err
		}
		for _, row := range rows {
			s := w.e.shapes[row.Type]
			if row.Deleted == deleted || s == nil || !s.properties["deleted"] {
				continue
			}
			child := &write{e: w.e, s: s, t: s.t, by: w.by, tx: w.tx, look: w.look}
			if err := child.mark(ctx, row, deleted, event); err != nil {
				return err
			}
		}
	}
	return nil
}

// mark steps one entity into or out of the deleted state.
func (w *write) mark(ctx context.Context, row store.Row, deleted bool, event string) error {
	old, err := decodeDoc(row.Doc)
	if err != nil {
		return err
	}
	copied := *old // what both have in common is not changed
	next := &copied
	next.Deleted = &deleted
	next.Version = old.Version.Next(false)
	w.sign(next)
	w.old, w.oldRow, w.event = old, row, event
	w.parentRow.ID = row.Parent
	w.in = &incoming{ent: next}
	w.change = &entity.ChangeDescription{
		FieldsAdded: []entity.FieldChange{}, FieldsDeleted: []entity.FieldChange{}, PreviousVersion: old.Version,
		FieldsUpdated: []entity.FieldChange{{Name: "deleted", OldValue: boolJSON(!deleted), NewValue: boolJSON(deleted)}},
	}
	next.ChangeDescription = w.change
	doc, err := encode(next)
	if err != nil {
		return err
	}
	if err := w.tx.AddVersion(ctx, row.ID, old.Version, row.Doc); err != nil {
		return err
	}
	row.Deleted, row.Version, row.UpdatedAt, row.Doc = deleted, next.Version, next.UpdatedAt, doc
	if err := w.tx.Replace(ctx, row); err != nil {
		return err
	}
	if deleted {
		if err := w.dismiss(ctx); err != nil {
			return err
		}
	}
	return w.emit(ctx, nil)
}

// Restore brings back a softly deleted entity with what was below it. One that
// is not deleted is an error of entity.KindNotFound.
func (e *Engine) Restore(ctx context.Context, by entity.Principal, t *registry.Type, id entity.ID, v View) (Result, error) {
	large, err := e.large(ctx, t, ByID(id), func(store.Reader, store.Row, []entity.ID) error { return nil })
	if err != nil {
		return Result{}, err
	}
	var w *write
	var s *subtree
	err = e.store.Update(ctx, func(tx store.Tx) error {
		w = &write{e: e, s: e.shapeOf(t), t: t, by: by, tx: tx, look: e.newLookup(tx, 0, false)}
		row, err := w.e.find(ctx, tx, t, ByID(id))
		if err != nil {
			return err
		}
		if !row.Deleted {
			return entity.NotFound(t.Name, id.String())
		}
		if err := w.restorable(ctx, row); err != nil {
			return err
		}
		if err := w.mark(ctx, row, false, entity.EventRestored); err != nil {
			return err
		}
		if large {
			s, err = w.decide(ctx, row, false, true)
			return err
		}
		below, err := tx.Descendants(ctx, row.ID)
		if err != nil {
			return err
		}
		return w.markBelow(ctx, below, false, entity.EventRestored)
	})
	if err == nil && large {
		err = e.finish(ctx, s, nil)
	}
	if err != nil {
		return Result{}, err
	}
	return e.result(ctx, w, v)
}

// restorable tells whether the caller may bring an entity back, and nothing is in the way.
func (w *write) restorable(ctx context.Context, row store.Row) error {
	old, err := decodeDoc(row.Doc)
	if err != nil {
		return err
	}
	if err := w.e.authorizeIn(ctx, w.tx, w.look, w.by, w.t, old, row.Parent, restoreOperations(w.t)...); err != nil {
		return err
	}
	if row.Parent != entity.NilID {
		parent, err := w.tx.Entity(ctx, row.Parent)
		if err != nil {
			return err
		}
		if parent.Deleted {
			return entity.BadRequest("%s %s is deleted: restore it first", parent.Type, parent.FQN)
		}
	}
	return w.unhindered(ctx, row)
}

// restoreOperations are what bringing back asks for. Who comes back comes back
// with all rights, so that it takes as much as sending somebody away.
func restoreOperations(t *registry.Type) []policy.Operation {
	if t.Name == "user" || t.Name == "team" {
		return []policy.Operation{policy.EditAll, policy.Delete}
	}
	return []policy.Operation{policy.EditAll}
}
