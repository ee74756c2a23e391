package embedded

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// shadowSuffix ends the name of the file of an index in the making.
const shadowSuffix = ".new"

// besides end the names of what SQLite keeps beside a database that is open.
var besides = []string{"-wal", "-shm"}

var _ search.Resumable = (*Engine)(nil)

// shadow is an index in the making, in a file of its own.
type shadow struct {
	*Engine
	of     *Engine
	closed bool
}

// Mark implements search.Resumable.
func (e *Engine) Mark(ctx context.Context, mark string) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	_, err := e.stmts.setMeta.ExecContext(ctx, "mark", []byte(mark))
	return err
}

// Marked implements search.Resumable.
func (e *Engine) Marked(ctx context.Context) (string, error) {
	e.writing.Lock()
	defer e.writing.Unlock()
	var mark []byte
	err := e.writer.QueryRowContext(ctx, "SELECT value FROM meta WHERE key = 'mark'").Scan(&mark)
	if errors.Is(err, sql.ErrNoRows) {
		return "", nil
	}
	return string(mark), err
}

// Unfinished implements search.Resumable.
func (e *Engine) Unfinished(ctx context.Context) (bool, error) {
	s, err := e.unfinished(ctx)
	if err != nil || s == nil {
		return false, err
	}
	return true, s.Close()
}

// unfinished opens what an earlier process has left; nil if there is nothing to go on
// with.
func (e *Engine) unfinished(ctx context.Context) (*Engine, error) {
	path := e.path + shadowSuffix
	if _, err := os.Stat(path); err != nil {
		return nil, nil //nolint:nilerr // there is none
	}
	s, err := Open(ctx, path)
	if err != nil {
		return nil, nil //nolint:nilerr // damaged: it is made again
	}
	mark, err := s.Marked(ctx)
	if err != nil || mark == "" {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Shadow returns an index in a file beside this one: an empty one, or what an earlier
// process has left, with its mark.
func (e *Engine) Shadow(ctx context.Context) (search.Shadow, error) {
	path := e.path + shadowSuffix
	left, err := e.unfinished(ctx)
	if err != nil {
		return nil, fmt.Errorf("make a new search index: %w", err)
	}
	if left != nil {
		return &shadow{Engine: left, of: e}, nil
	}
	if err := removeFiles(path); err != nil {
		return nil, fmt.Errorf("make a new search index: %w", err)
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return nil, fmt.Errorf("make a new search index: %w", err)
	}
	made, err := Open(ctx, path)
	if err != nil {
		return nil, err
	}
	return &shadow{Engine: made, of: e}, nil
}

// Replace puts the file in the place of the other engine's, which waits for the searches
// that run and opens it. A crash before leaves the old index, one after it the new one.
func (s *shadow) Replace(ctx context.Context) error {
	s.closed = true
	if err := s.Engine.Close(); err != nil {
		return err
	}
	if log, err := os.Stat(s.path + "-wal"); err == nil && log.Size() > 0 {
		return errors.New("the new search index could not be written to one file")
	}
	return s.of.become(ctx, s.path)
}

// Close gives the index up, unless it has replaced the other.
func (s *shadow) Close() error {
	if s.closed {
		return nil
	}
	s.closed = true
	return errors.Join(s.Engine.Close(), removeFiles(s.path))
}

// become goes on with another file, which takes the place of the engine's own.
func (e *Engine) become(ctx context.Context, path string) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	if err := e.drain(ctx); err != nil {
		return err
	}
	// From here on nobody searches: there is no way back but through the open below.
	e.mu.Lock()
	defer e.mu.Unlock()
	// What the old file's log still holds goes with it.
	err := errors.Join(e.writer.Close(), e.db.Close(), removeBesides(e.path), os.Rename(path, e.path), removeBesides(path))
	if opened := e.connect(context.WithoutCancel(ctx)); opened != nil {
		return fmt.Errorf("open search index: %w", errors.Join(err, opened))
	}
	return err
}

// drain takes all connections that search away from those who search, waiting for what
// runs, and closes them.
func (e *Engine) drain(ctx context.Context) error {
	var held []*reader
	for range cap(e.free) {
		select {
		case r := <-e.free:
			held = append(held, r)
		case <-ctx.Done():
			for _, r := range held {
				e.free <- r
			}
			return ctx.Err()
		}
	}
	var err error
	for _, r := range held {
		err = errors.Join(err, r.conn.Close())
	}
	return err
}

func removeFiles(path string) error { return errors.Join(remove(path), removeBesides(path)) }

func removeBesides(path string) error {
	var err error
	for _, suffix := range besides {
		err = errors.Join(err, remove(path+suffix))
	}
	return err
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}
