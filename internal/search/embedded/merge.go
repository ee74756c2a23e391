package embedded

import (
	"database/sql"
	"encoding/binary"
	"errors"
	"maps"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

const (
	// sweepFrom is the number of dead documents at which merges begin to look
	// for them in postings they would not touch, sweepTerms of these at a time.
	sweepFrom  = 10_000
	sweepTerms = 20_000
)

// mergeIf moves the tail into the postings.
func (c *change) mergeIf(wanted bool) error {
	s := &c.e.state
	if !wanted || s.tail.docs == 0 {
		return nil
	}
	first := s.next
	for _, field := range slices.Sorted(maps.Keys(s.tail.terms)) {
		byKey := s.tail.terms[field]
		for _, key := range slices.Sorted(maps.Keys(byKey)) {
			first = min(first, byKey[key].docs[0])
			if err := c.mergePosting(termKey(field, key), byKey[key]); err != nil {
				return err
			}
		}
	}
	if err := c.saveIDs(first); err != nil {
		return err
	}
	if dead := uint64(s.next) - s.live.GetCardinality(); dead > sweepFrom && dead > s.live.GetCardinality() {
		if err := c.sweepPostings(); err != nil {
			return err
		}
	}
	c.merged = true
	return c.saveLive()
}

func (c *change) mergePosting(term []byte, p *tailPosting) error {
	set := roaring.New()
	var label sql.NullString
	var blob []byte
	err := c.e.stmts.posting.QueryRowContext(c.ctx, term).Scan(&label, &blob)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	if err := addPosting(set, blob); err != nil {
		return err
	}
	set.Or(roaring.BitmapOf(p.docs...)) // cheaper than AddMany where the set has runs
	set.And(c.e.state.live)
	if set.IsEmpty() {
		_, err := c.e.stmts.dropPost.ExecContext(c.ctx, term)
		return err
	}
	if len(blob) == 0 && p.label != "" {
		label = sql.NullString{String: p.label, Valid: true}
	}
	blob, err = appendPosting(set)
	if err != nil {
		return err
	}
	_, err = c.e.stmts.setPosting.ExecContext(c.ctx, term, label, blob)
	return err
}

// saveIDs writes the chunks of ids from the one that holds the first number on.
func (c *change) saveIDs(first uint32) error {
	ids := c.e.state.ids
	for start := int(first) / idChunk * idChunk; start < len(ids); start += idChunk {
		var blob []byte
		for _, id := range ids[start:min(start+idChunk, len(ids))] {
			blob = append(blob, id[:]...)
		}
		if _, err := c.e.stmts.setIDs.ExecContext(c.ctx, start/idChunk, blob); err != nil {
			return err
		}
	}
	return nil
}

func (c *change) saveLive() error {
	s := &c.e.state
	live := s.live.Clone()
	live.RunOptimize()
	blob, err := live.ToBytes()
	if err != nil {
		return err
	}
	_, setLive := c.e.stmts.setMeta.ExecContext(c.ctx, "live", blob)
	_, setNext := c.e.stmts.setMeta.ExecContext(c.ctx, "next", binary.BigEndian.AppendUint64(nil, uint64(s.next)))
	_, clearTail := c.e.stmts.clearTail.ExecContext(c.ctx)
	_, clearDead := c.e.stmts.clearDead.ExecContext(c.ctx)
	return errors.Join(setLive, setNext, clearTail, clearDead)
}

// sweepPostings takes dead numbers out of the next run of postings.
func (c *change) sweepPostings() error {
	type slimmer struct{ term, docs []byte }
	var changed []slimmer
	from := c.e.sweep
	if from == nil {
		from = []byte{}
	}
	rows, err := c.e.stmts.sweepFrom.QueryContext(c.ctx, from, sweepTerms)
	if err != nil {
		return err
	}
	seen := 0
	var term []byte
	for rows.Next() {
		var blob []byte
		if err := rows.Scan(&term, &blob); err != nil {
			return errors.Join(err, rows.Close())
		}
		seen++
		set := roaring.New()
		err := addPosting(set, blob)
		before := set.GetCardinality()
		set.And(c.e.state.live)
		if set.GetCardinality() < before {
			if blob, err = appendPosting(set); err == nil {
				changed = append(changed, slimmer{term: slices.Clone(term), docs: blob})
			}
		}
		if err != nil {
			return errors.Join(err, rows.Close())
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, p := range changed {
		var err error
		if len(p.docs) == 1 { // nothing but the format
			_, err = c.e.stmts.dropPost.ExecContext(c.ctx, p.term)
		} else {
			_, err = c.e.stmts.setDocs.ExecContext(c.ctx, p.docs, p.term)
		}
		if err != nil {
			return err
		}
	}
	c.e.sweep = slices.Clone(term)
	if seen < sweepTerms {
		c.e.sweep = nil
	}
	return nil
}
