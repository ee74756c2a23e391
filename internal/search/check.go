package search

import (
	"bytes"
	"context"
	"slices"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Check is how far a comparison of store and index is, or how the last one went.
type Check struct {
	Running     bool
	Repair      bool // differences are mended
	Began       time.Time
	Ended       time.Time
	Done, Total int         // entities compared, of how many
	Missing     int         // entities that the index did not have
	Different   int         // documents that were not as they should be
	Extra       int         // documents of entities that are no more
	Repaired    int         // of all these
	Examples    []entity.ID // the first of all these
}

// maxExamples is how many differences a check names.
const maxExamples = 20

// checking is a check at work: the types that are still to come, or the documents.
type checking struct {
	Check
	types   []string
	after   string // name of the last entity compared
	afterID string // id of the last document compared; they come when no type is left
}

// StartCheck has Run compare the index with the store, page by page between the
// events that it follows. Searches go on meanwhile.
func (x *Indexer) StartCheck(repair bool) error {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.progress.Running || x.position == 0 {
		return entity.Conflict("the index is being built; check it afterwards")
	}
	if x.check.Running {
		return entity.Conflict("the index is being checked already")
	}
	x.check = checking{Check: Check{Running: true, Repair: repair, Began: time.Now()}, types: x.types}
	signal(x.urgent)
	x.Wake()
	return nil
}

// Checked tells how far the check is that runs, or how the last one went.
func (x *Indexer) Checked() Check {
	x.mu.Lock()
	defer x.mu.Unlock()
	c := x.check.Check
	c.Examples = slices.Clone(c.Examples)
	return c
}

// checkPage goes on with a check, if there is one.
func (x *Indexer) checkPage(ctx context.Context) (more bool, err error) {
	x.mu.Lock()
	c := x.check
	x.mu.Unlock()
	if !c.Running {
		return false, nil
	}
	x.working.Lock()
	defer x.working.Unlock()
	if c.Total == 0 {
		if _, c.Total, err = x.extent(ctx); err != nil {
			return true, err
		}
	}
	pending, behind, err := x.pending(ctx)
	if err != nil || behind {
		return true, err
	}
	if len(c.types) > 0 {
		err = x.compareEntities(ctx, &c, pending)
	} else {
		err = x.compareDocuments(ctx, &c, pending)
	}
	if err != nil { // following the events goes before: whoever wants to may check again
		c.Running, c.Ended = false, time.Now()
	}
	x.mu.Lock()
	x.check = c
	x.mu.Unlock()
	if err != nil {
		x.log.ErrorContext(ctx, "the check of the search index was given up", "error", err, "entities", c.Done, "of", c.Total)
		return false, nil
	}
	if !c.Running {
		x.log.InfoContext(ctx, "search index checked", "entities", c.Done, "missing", c.Missing, "different", c.Different, "extra", c.Extra, "repaired", c.Repaired)
	}
	return c.Running, nil
}

// pending are the entities whose last changes are not in the index yet: that is no
// difference. behind tells that there are too many of them to tell.
func (x *Indexer) pending(ctx context.Context) (ids map[entity.ID]bool, behind bool, err error) {
	ids = map[entity.ID]bool{}
	err = x.outbox.View(ctx, func(r store.Reader) error {
		events, err := r.Events(ctx, store.EventQuery{After: x.Position(), Limit: batchEvents})
		for _, event := range events {
			ids[event.EntityID] = true
			reach := x.source.Reach(event)
			behind = behind || reach.Below || reach.Related || len(reach.Facts) > 0
		}
		behind = behind || len(events) == batchEvents
		return err
	})
	return ids, behind, err
}

// compareEntities compares the next page of entities with their documents.
func (x *Indexer) compareEntities(ctx context.Context, c *checking, pending map[entity.ID]bool) error {
	ids, last, err := x.idsAfter(ctx, c.types[0], c.after)
	if err != nil {
		return err
	}
	if len(ids) == 0 {
		c.types, c.after = c.types[1:], ""
		return nil
	}
	batch, err := x.batch(ctx, ids)
	if err != nil {
		return err
	}
	wanted := make([]string, len(batch.Upserts))
	for i, doc := range batch.Upserts {
		wanted[i] = doc.ID.String()
	}
	there := map[entity.ID]Hit{}
	if len(wanted) > 0 {
		found, err := x.index.Search(ctx, Request{Filter: IDs{Values: wanted}, Size: len(wanted)})
		if err != nil {
			return err
		}
		for _, hit := range found.Hits {
			there[hit.ID] = hit
		}
	}
	repair := Batch{Position: x.Position()}
	for _, doc := range batch.Upserts {
		hit, ok := there[doc.ID]
		if pending[doc.ID] || ok && hit.Index == doc.Index && bytes.Equal(hit.Source, doc.Source) {
			continue
		}
		if ok {
			c.Different++
		} else {
			c.Missing++
		}
		c.example(doc.ID)
		repair.Upserts = append(repair.Upserts, doc)
	}
	c.after, c.Done = last, c.Done+len(ids)
	c.Total = max(c.Total, c.Done)
	return x.repair(ctx, c, repair)
}

// compareDocuments looks for documents whose entities are no more.
func (x *Indexer) compareDocuments(ctx context.Context, c *checking, pending map[entity.ID]bool) error {
	req := Request{Sort: []Sort{{Field: "_id"}}, Size: rebuildPage, NoSource: true}
	if c.afterID != "" {
		req.After = []string{c.afterID}
	}
	found, err := x.index.Search(ctx, req)
	if err != nil {
		return err
	}
	if len(found.Hits) == 0 {
		c.Running, c.Ended = false, time.Now()
		return nil
	}
	ids := make([]entity.ID, len(found.Hits))
	for i, hit := range found.Hits {
		ids[i] = hit.ID
	}
	c.afterID = ids[len(ids)-1].String()
	there := map[entity.ID]bool{}
	err = x.outbox.View(ctx, func(r store.Reader) error {
		rows, err := r.Entities(ctx, ids)
		for _, row := range rows {
			there[row.ID] = true
		}
		return err
	})
	if err != nil {
		return err
	}
	repair := Batch{Position: x.Position()}
	for _, id := range ids {
		if !there[id] && !pending[id] {
			c.Extra++
			c.example(id)
			repair.Deletes = append(repair.Deletes, id)
		}
	}
	return x.repair(ctx, c, repair)
}

func (c *checking) example(id entity.ID) {
	if len(c.Examples) < maxExamples {
		c.Examples = append(slices.Clone(c.Examples), id)
	}
}

// repair writes what was wrong, if the check may.
func (x *Indexer) repair(ctx context.Context, c *checking, batch Batch) error {
	wrong := len(batch.Upserts) + len(batch.Deletes)
	if !c.Repair || wrong == 0 {
		return nil
	}
	if err := x.index.Apply(ctx, batch); err != nil {
		return err
	}
	c.Repaired += wrong
	return nil
}
