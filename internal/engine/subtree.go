package engine

import (
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// A tree that is large is deleted, or brought back, in steps, so that other writers need
// not wait until all of it is done. A record says what was decided before the first
// step, and goes with the last: whoever finds one carries it out. So the outcome is all
// or nothing, also across a crash, although what lies between is seen for a moment.

const (
	// stepsFrom is the number of entities below one from which steps are taken.
	stepsFrom = 1000
	// stepSize is how many entities one step writes: others wait that long.
	stepSize = 100
	// subtreeKind is the kind of the records, by the id of the root.
	subtreeKind = "subtree"
	// maxSubtrees is how many may be under way.
	maxSubtrees = 100
)

// subtree is what was decided about an entity and all below it.
type subtree struct {
	Root    entity.ID `json:"root"`
	Type    string    `json:"type"`
	FQN     string    `json:"fqn"`
	Hard    bool      `json:"hard,omitzero"`
	Restore bool      `json:"restore,omitzero"`
	// Who decided it: the events say so.
	User   entity.ID `json:"user"`
	Name   string    `json:"name"`
	Bot    string    `json:"bot,omitzero"`
	Token  string    `json:"token,omitzero"`
	ByABot bool      `json:"byABot,omitzero"`
}

func (s *subtree) principal() entity.Principal {
	return entity.Principal{UserID: s.User, Name: s.Name, Bot: s.Bot, TokenType: s.Token, IsBot: s.ByABot}
}

func (s *subtree) what() string {
	if s.Restore {
		return "restored"
	}
	return "deleted"
}

// subtrees are those that this process works on.
type subtrees struct {
	ctx    context.Context
	cancel context.CancelFunc
	mu     sync.Mutex
	ends   map[entity.ID]*ending
	idle   sync.WaitGroup
}

// ending is known once done is closed.
type ending struct {
	done chan struct{}
	err  error
	tell func(done, total int)
}

func newSubtrees() *subtrees {
	ctx, cancel := context.WithCancel(context.Background())
	return &subtrees{ctx: ctx, cancel: cancel, ends: map[entity.ID]*ending{}}
}

// Close stops what is done in steps after the step it is at; Resume goes on with it.
// The store has to be open until then.
func (e *Engine) Close(ctx context.Context) error {
	e.trees.mu.Lock()
	e.trees.cancel()
	e.trees.mu.Unlock()
	done := make(chan struct{})
	go func() {
		e.trees.idle.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Resume goes on with what an earlier process had decided and not finished. It returns
// at once.
func (e *Engine) Resume(ctx context.Context) error {
	return e.store.View(ctx, func(r store.Reader) error {
		list, err := pendingSubtrees(ctx, r)
		for i := range list {
			e.log.InfoContext(ctx, "going on with what was begun before", "entity", list[i].FQN, "is", list[i].what())
			e.carryOut(&list[i], nil)
		}
		return err
	})
}

func pendingSubtrees(ctx context.Context, r store.Reader) ([]subtree, error) {
	records, err := r.Records(ctx, store.RecordQuery{Kind: subtreeKind, Limit: maxSubtrees})
	if err != nil {
		return nil, err
	}
	list := make([]subtree, len(records))
	for i, record := range records {
		if err := json.Unmarshal(record.Doc, &list[i]); err != nil {
			return nil, entity.Internal(err)
		}
	}
	return list, nil
}

// unhindered refuses to delete or restore an entity while it, something above or
// something below it is being deleted or restored.
func (w *write) unhindered(ctx context.Context, row store.Row) error {
	list, err := pendingSubtrees(ctx, w.tx)
	if err != nil || len(list) == 0 {
		return err
	}
	mine, err := lineOf(ctx, w.tx, row)
	if err != nil {
		return err
	}
	for i := range list {
		s := &list[i]
		hindered := mine[s.Root]
		if !hindered {
			other, err := w.tx.Entity(ctx, s.Root)
			if entity.KindOf(err) == entity.KindNotFound && err != nil {
				continue
			}
			if err != nil {
				return err
			}
			theirs, err := lineOf(ctx, w.tx, other)
			if err != nil {
				return err
			}
			hindered = theirs[row.ID]
		}
		if hindered {
			w.e.carryOut(s, nil) // in case that nobody is at it, after a fault
			return entity.Conflict("a %s that this is part of, or that is part of this, is being %s with all below it; try again when that has ended", s.Type, s.what())
		}
	}
	if len(list) == maxSubtrees {
		return entity.Errorf(entity.KindUnavailable, "%d large deletions and restores are under way; try again later", len(list))
	}
	return nil
}

// lineOf returns an entity and all above it.
func lineOf(ctx context.Context, r store.Reader, row store.Row) (map[entity.ID]bool, error) {
	line := map[entity.ID]bool{row.ID: true}
	for parent := row.Parent; parent != entity.NilID && !line[parent]; {
		line[parent] = true
		above, err := r.Entity(ctx, parent)
		if err != nil {
			return nil, err
		}
		parent = above.Parent
	}
	return line, nil
}

// decide writes down what is to be done with the tree below an entity.
func (w *write) decide(ctx context.Context, row store.Row, hard, restore bool) (*subtree, error) {
	s := &subtree{
		Root: row.ID, Type: row.Type, FQN: row.FQN, Hard: hard, Restore: restore,
		User: w.by.UserID, Name: w.by.Name, Bot: w.by.Bot, Token: w.by.TokenType, ByABot: w.by.IsBot,
	}
	doc, err := json.Marshal(s, json.Deterministic(true))
	if err != nil {
		return nil, entity.Internal(err)
	}
	return s, w.tx.PutRecord(ctx, store.Record{Kind: subtreeKind, Key: row.ID.String(), At: w.e.now(), Doc: doc})
}

// large tells whether a tree is worked on in steps. It looks at a snapshot, which no
// writer waits for.
func (e *Engine) large(ctx context.Context, t *registry.Type, sel Selector, check func(r store.Reader, row store.Row, below []entity.ID) error) (bool, error) {
	large := false
	err := e.store.View(ctx, func(r store.Reader) error {
		row, err := e.find(ctx, r, t, sel)
		if err != nil {
			return err
		}
		below, err := r.Descendants(ctx, row.ID)
		if large = len(below) >= e.stepsFrom; err != nil || !large {
			return err
		}
		return check(r, row, below)
	})
	return large, err
}

// finish does what was decided and waits for the end. When the caller gives up before,
// it goes on all the same: it was decided.
func (e *Engine) finish(ctx context.Context, s *subtree, tell func(done, total int)) error {
	end := e.carryOut(s, tell)
	select {
	case <-end.done:
		return end.err
	case <-ctx.Done():
		return &entity.Error{Kind: entity.KindUnavailable, Message: "this takes longer than the request may; it has begun and goes on until " + s.FQN + " is " + s.what(), Cause: ctx.Err()}
	}
}

// carryOut begins to do what was decided, unless this process is at it.
func (e *Engine) carryOut(s *subtree, tell func(done, total int)) *ending {
	if tell == nil {
		tell = func(int, int) {}
	}
	e.trees.mu.Lock()
	defer e.trees.mu.Unlock()
	if end := e.trees.ends[s.Root]; end != nil {
		return end
	}
	end := &ending{done: make(chan struct{}), tell: tell}
	if e.trees.ctx.Err() != nil {
		end.err = stopping(e.trees.ctx.Err())
		close(end.done)
		return end
	}
	e.trees.ends[s.Root] = end
	e.trees.idle.Add(1)
	go func() {
		defer e.trees.idle.Done()
		if end.err = e.steps(e.trees.ctx, s, end.tell); e.trees.ctx.Err() != nil && end.err != nil {
			end.err = stopping(end.err)
		}
		if end.err != nil {
			e.log.Error("a large tree is not done; it is gone on with at the next start", "entity", s.FQN, "is", s.what(), "err", end.err)
		}
		e.trees.mu.Lock()
		delete(e.trees.ends, s.Root)
		e.trees.mu.Unlock()
		close(end.done)
	}()
	return end
}

func stopping(cause error) error {
	return &entity.Error{Kind: entity.KindUnavailable, Message: "the server is about to stop; what has begun is finished after the next start", Cause: cause}
}

// errOver says that somebody else has done the rest.
var errOver = errors.New("the record is gone")

// steps does what was decided. What comes to be below meanwhile goes along.
func (e *Engine) steps(ctx context.Context, s *subtree, tell func(done, total int)) error {
	seen := map[entity.ID]bool{}
	for over := false; !over; {
		var below []entity.ID
		err := e.store.View(ctx, func(r store.Reader) (err error) {
			below, err = r.Descendants(ctx, s.Root)
			return err
		})
		if err != nil {
			return err
		}
		below = slices.DeleteFunc(below, func(id entity.ID) bool { return seen[id] })
		if s.Hard {
			slices.Reverse(below) // nothing is without what it lies in
		}
		total := len(seen) + len(below)
		for chunk := range slices.Chunk(below, stepSize) {
			if err := e.step(ctx, s, chunk); err != nil {
				return unlessOver(err)
			}
			for _, id := range chunk {
				seen[id] = true
			}
			tell(len(seen), total)
		}
		if len(below) == 0 || s.Hard || s.Restore {
			if over, err = e.lastStep(ctx, s); err != nil {
				return unlessOver(err)
			}
		}
	}
	return nil
}

func unlessOver(err error) error {
	if errors.Is(err, errOver) {
		return nil
	}
	return err
}

// step writes some of the tree.
func (e *Engine) step(ctx context.Context, s *subtree, ids []entity.ID) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return e.store.Update(ctx, func(tx store.Tx) error {
		w := &write{e: e, by: s.principal(), tx: tx, look: e.newLookup(tx, 0, false)}
		if err := stillDecided(ctx, tx, s); err != nil {
			return err
		}
		return w.stepOver(ctx, s, ids)
	})
}

func stillDecided(ctx context.Context, tx store.Tx, s *subtree) error {
	_, err := tx.Record(ctx, subtreeKind, "", s.Root.String())
	if entity.KindOf(err) == entity.KindNotFound && err != nil {
		return errOver
	}
	return err
}

func (w *write) stepOver(ctx context.Context, s *subtree, ids []entity.ID) error {
	switch {
	case s.Restore:
		return w.markBelow(ctx, ids, false, entity.EventRestored)
	case !s.Hard:
		return w.markBelow(ctx, ids, true, entity.EventSoftDeleted)
	}
	rows, err := w.tx.Entities(ctx, ids)
	if err != nil {
		return err
	}
	at := make(map[entity.ID]int, len(ids))
	for i, id := range ids {
		at[id] = i
	}
	slices.SortFunc(rows, func(a, b store.Row) int { return at[a.ID] - at[b.ID] })
	if err := w.dropContractSuites(ctx, rows...); err != nil {
		return err
	}
	events := make([]store.Event, len(rows))
	for i, row := range rows {
		events[i] = w.deletion(row)
	}
	if err := w.tx.Delete(ctx, ids); err != nil {
		return err
	}
	return w.tx.AppendEvent(ctx, events...)
}

// lastStep ends the work, with the root where it goes for good, and tells whether it
// did: not when more than a step has come to be below meanwhile.
func (e *Engine) lastStep(ctx context.Context, s *subtree) (over bool, err error) {
	err = e.store.Update(ctx, func(tx store.Tx) error {
		over = false
		if err := stillDecided(ctx, tx, s); err != nil {
			return err
		}
		if s.Hard {
			below, err := tx.Descendants(ctx, s.Root)
			if err != nil || len(below) > stepSize {
				return err
			}
			if err := e.deleteRoot(ctx, tx, s, below); err != nil {
				return err
			}
		}
		over = true
		_, err := tx.DeleteRecord(ctx, subtreeKind, "", s.Root.String())
		return err
	})
	return over, err
}

func (e *Engine) deleteRoot(ctx context.Context, tx store.Tx, s *subtree, below []entity.ID) error {
	w := &write{e: e, by: s.principal(), tx: tx, look: e.newLookup(tx, 0, false)}
	slices.Reverse(below)
	if err := w.stepOver(ctx, s, below); err != nil {
		return err
	}
	row, err := tx.Entity(ctx, s.Root)
	if err != nil {
		return err
	}
	t, ok := e.registry.ByName(s.Type)
	if !ok {
		return entity.NotFound("entity type", s.Type)
	}
	w.t, w.s = t, e.shapeOf(t)
	if w.old, err = decodeDoc(row.Doc); err != nil {
		return err
	}
	w.oldRow = row
	if err := w.dismiss(ctx); err != nil {
		return err
	}
	if err := w.dropContractSuites(ctx, row); err != nil {
		return err
	}
	if err := tx.Delete(ctx, []entity.ID{s.Root}); err != nil {
		return err
	}
	return tx.AppendEvent(ctx, w.deletion(row))
}

// TakeStepsFrom says how large a tree is that is worked on in steps. Call it at start
// only.
func (e *Engine) TakeStepsFrom(n int) { e.stepsFrom = n }

// Wait returns when nothing is worked on in steps any more.
func (e *Engine) Wait() { e.trees.idle.Wait() }
