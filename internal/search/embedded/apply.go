package embedded

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/klauspost/compress/s2"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// writerStmts are the statements of a write, prepared once.
type writerStmts struct {
	number, setNumber, dropNumber *sql.Stmt
	addDocument, dropDocument     *sql.Stmt
	addTail, addDead, setMeta     *sql.Stmt
	dropMeta                      *sql.Stmt
	addField                      *sql.Stmt
	posting, setPosting, dropPost *sql.Stmt
	setIDs, clearTail, clearDead  *sql.Stmt
	sweepFrom, setDocs            *sql.Stmt
}

func (w *writerStmts) prepare(ctx context.Context, conn *sql.Conn) error {
	for target, query := range map[**sql.Stmt]string{
		&w.number:       "SELECT doc FROM numbers WHERE id = ?",
		&w.setNumber:    "INSERT OR REPLACE INTO numbers (id, doc) VALUES (?, ?)",
		&w.dropNumber:   "DELETE FROM numbers WHERE id = ?",
		&w.addDocument:  "INSERT INTO documents (doc, id, idx, source) VALUES (?, ?, ?, ?)",
		&w.dropDocument: "DELETE FROM documents WHERE doc = ?",
		&w.addTail:      "INSERT INTO tail (doc, id, terms) VALUES (?, ?, ?)",
		&w.addDead:      "INSERT OR REPLACE INTO dead (doc) VALUES (?)",
		&w.setMeta:      "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)",
		&w.dropMeta:     "DELETE FROM meta WHERE key = ?",
		&w.addField:     "INSERT INTO fields (id, path) VALUES (?, ?)",
		&w.posting:      "SELECT label, docs FROM postings WHERE term = ?",
		&w.setPosting:   "INSERT OR REPLACE INTO postings (term, label, docs) VALUES (?, ?, ?)",
		&w.dropPost:     "DELETE FROM postings WHERE term = ?",
		&w.setIDs:       "INSERT OR REPLACE INTO ids (chunk, ids) VALUES (?, ?)",
		&w.clearTail:    "DELETE FROM tail",
		&w.clearDead:    "DELETE FROM dead",
		&w.sweepFrom:    "SELECT term, docs FROM postings WHERE term > ? ORDER BY term LIMIT ?",
		&w.setDocs:      "UPDATE postings SET docs = ? WHERE term = ?",
	} {
		stmt, err := conn.PrepareContext(ctx, query)
		if err != nil {
			return err
		}
		*target = stmt
	}
	return nil
}

// change is a batch in the making: what becomes of the state when it commits.
type change struct {
	e        *Engine
	ctx      context.Context
	position uint64
	next     uint32
	merged   bool
	added    []addedDoc
	dead     []uint32
	numbers  map[entity.ID]uint32 // of documents added by this batch
	fields   map[string]uint16    // paths first seen in this batch
	err      error                // of giving a path its number
}

type addedDoc struct {
	number uint32
	id     entity.ID
	terms  []term
}

// Apply writes the batch and its position in one transaction.
func (e *Engine) Apply(ctx context.Context, batch search.Batch) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	return e.transact(ctx, func(c *change) error {
		for _, id := range batch.Deletes {
			if err := c.remove(id); err != nil {
				return err
			}
		}
		for _, doc := range batch.Upserts {
			if err := c.upsert(doc); err != nil {
				return err
			}
		}
		return c.setPosition(batch.Position)
	}, false)
}

// transact runs fn in a transaction, after merging the tail when it has grown.
// The caller holds writing.
func (e *Engine) transact(ctx context.Context, fn func(*change) error, merge bool) error {
	err := ctx.Err()
	if err == nil {
		err = e.whole(ctx, "BEGIN IMMEDIATE")
	}
	if err != nil {
		return fmt.Errorf("write search index: %w", err)
	}
	c := &change{
		e: e, ctx: ctx, position: e.state.position, next: e.state.next,
		numbers: map[entity.ID]uint32{}, fields: map[string]uint16{},
	}
	err = c.mergeIf(merge || e.state.tail.docs >= mergeAt)
	if err == nil {
		err = fn(c)
	}
	if err == nil {
		err = c.commit()
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write search index: %w", err), e.whole(ctx, "ROLLBACK"))
	}
	return nil
}

// whole runs a statement that begins or ends a transaction whatever becomes of the
// context: the driver calls one that ran while the context ended a failure, and nobody
// would know whether there is a transaction.
func (e *Engine) whole(ctx context.Context, statement string) error {
	_, err := e.writer.ExecContext(context.WithoutCancel(ctx), statement)
	return err
}

// commit makes the change visible: readers take their snapshot under the same
// lock, so that the file and the state they see belong together.
func (c *change) commit() error {
	e := c.e
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := c.ctx.Err(); err != nil {
		return err
	}
	if err := e.whole(c.ctx, "COMMIT"); err != nil {
		return err
	}
	s := &e.state
	s.position, s.next = c.position, c.next
	if c.merged {
		s.tail = newTail()
		s.merges++
		e.cache.purge()
	}
	for _, doc := range c.dead {
		s.live.Remove(doc)
	}
	for _, doc := range c.added {
		s.tail.add(doc.number, doc.terms)
		s.setID(doc.number, doc.id)
	}
	for _, doc := range c.added {
		if c.numbers[doc.id] == doc.number {
			s.live.Add(doc.number)
		}
	}
	for path, id := range c.fields {
		s.fields[path] = id
	}
	return nil
}

func (c *change) setPosition(position uint64) error {
	c.position = position
	_, err := c.e.stmts.setMeta.ExecContext(c.ctx, "position", binary.BigEndian.AppendUint64(nil, position))
	if err == nil && position > 0 {
		_, err = c.e.stmts.dropMeta.ExecContext(c.ctx, "mark")
	}
	return err
}

func (c *change) remove(id entity.ID) error {
	var number uint32
	err := c.e.stmts.number.QueryRowContext(c.ctx, id[:]).Scan(&number)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	_, dropped := c.e.stmts.dropNumber.ExecContext(c.ctx, id[:])
	delete(c.numbers, id)
	return errors.Join(dropped, c.bury(number))
}

// bury ends the life of a document's number.
func (c *change) bury(number uint32) error {
	c.dead = append(c.dead, number)
	_, dead := c.e.stmts.addDead.ExecContext(c.ctx, number)
	_, dropped := c.e.stmts.dropDocument.ExecContext(c.ctx, number)
	return errors.Join(dead, dropped)
}

func (c *change) upsert(doc search.Document) error {
	terms, err := analyze(doc, c.fieldOf)
	if err = errors.Join(err, c.err); err != nil {
		return fmt.Errorf("document %s: %w", doc.ID, err)
	}
	if c.next == 1<<32-1 {
		return errors.New("the index has used up its document numbers; rebuild it")
	}
	if err := c.remove(doc.ID); err != nil {
		return err
	}
	number := c.next
	c.next++
	source := pack(doc.Source)
	s := &c.e.stmts
	if _, err := s.setNumber.ExecContext(c.ctx, doc.ID[:], number); err != nil {
		return err
	}
	if _, err := s.addDocument.ExecContext(c.ctx, number, doc.ID[:], doc.Index, source); err != nil {
		return err
	}
	if _, err := s.addTail.ExecContext(c.ctx, number, doc.ID[:], appendTerms(nil, terms)); err != nil {
		return err
	}
	c.numbers[doc.ID] = number
	c.added = append(c.added, addedDoc{number: number, id: doc.ID, terms: terms})
	return nil
}

// fieldOf returns the number of a path, giving it one when it is new. Beyond
// maxPaths new paths are not indexed.
func (c *change) fieldOf(path string) (uint16, bool) {
	if id, ok := c.e.state.fields[path]; ok {
		return id, true
	}
	if id, ok := c.fields[path]; ok {
		return id, true
	}
	count := len(c.e.state.fields) + len(c.fields)
	if count >= maxPaths {
		return 0, false
	}
	id := firstPath + uint16(count)
	if _, err := c.e.stmts.addField.ExecContext(c.ctx, id, path); err != nil {
		c.err = err
		return 0, false
	}
	c.fields[path] = id
	return id, true
}

// Reset empties the index.
func (e *Engine) Reset(ctx context.Context) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	e.mu.Lock()
	defer e.mu.Unlock()
	const empty = `BEGIN IMMEDIATE; DELETE FROM meta; DELETE FROM fields; DELETE FROM numbers; DELETE FROM documents;
DELETE FROM postings; DELETE FROM ids; DELETE FROM tail; DELETE FROM dead; COMMIT`
	err := ctx.Err()
	if err == nil {
		if err = e.whole(ctx, empty); err != nil {
			err = errors.Join(err, e.whole(ctx, "ROLLBACK"))
		}
	}
	if err != nil {
		return fmt.Errorf("empty search index: %w", err)
	}
	e.cache.purge()
	e.sweep = nil
	e.state = state{live: roaring.New(), tail: newTail(), fields: map[string]uint16{}, merges: e.state.merges + 1}
	return nil
}

// pack compresses a document. Speed counts more than size here: each write of an
// entity packs its document once.
func pack(source jsontext.Value) []byte { return s2.Encode(nil, source) }

func unpack(blob []byte) (jsontext.Value, error) { return s2.Decode(nil, blob) }
