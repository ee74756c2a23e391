package sqlite

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	driver "modernc.org/sqlite"

	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/groupcommit"
)

// Options of a Store. The zero value is fit for production.
type Options struct {
	// Readers is the number of connections that read; 0 means 4.
	Readers int
	// BusyTimeout is how long to wait for another process's transaction; 0
	// means five seconds.
	BusyTimeout time.Duration
	// Watch is how often to look for another process's writes while there are
	// none of our own; 0 means every second.
	Watch time.Duration
	// Log receives what no caller can be told; nil means slog.Default.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Readers <= 0 {
		o.Readers = 4
	}
	if o.BusyTimeout <= 0 {
		o.BusyTimeout = 5 * time.Second
	}
	if o.Watch <= 0 {
		o.Watch = time.Second
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// Store implements store.Store on one file.
type Store struct {
	readers chan *conn
	size    int
	written *conn // by the writer alone
	writer  *groupcommit.Writer

	closing   chan struct{}
	closeOnce sync.Once
	closeErr  error
}

var _ store.Store = (*Store)(nil)

// Open opens the database at path, creating or migrating it as needed. Errors
// are for the operator: they name the path.
func Open(ctx context.Context, path string, opts Options) (*Store, error) {
	opts = opts.withDefaults()
	if err := prepareFile(path); err != nil {
		return nil, err
	}
	source, err := dataSource(path)
	if err != nil {
		return nil, err
	}
	connector, err := driver.NewConnector(source)
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	// A commit syncs the log's data and length; its time stamps may lag. Where
	// the platform has no such call, the full sync stays.
	if _, err := driver.Fdatasync(true); err != nil && !errors.Is(err, driver.ErrFdatasyncUnavailable) {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	busy := opts.BusyTimeout.Milliseconds()
	err = retryBusy(ctx, opts.BusyTimeout, func() error { return claim(ctx, connector, path, busy) })
	if err != nil {
		return nil, err
	}
	if err := migrate(ctx, connector, opts.BusyTimeout); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}

	var open []*conn
	for i := range opts.Readers + 1 {
		c, err := newConn(ctx, connector)
		if err == nil {
			open = append(open, c)
			err = configure(ctx, c, i == 0, busy)
		}
		if err != nil {
			for _, c := range open {
				err = errors.Join(err, c.close())
			}
			return nil, fmt.Errorf("open the database %s: %w", path, err)
		}
	}
	s := &Store{
		readers: make(chan *conn, opts.Readers),
		size:    opts.Readers,
		written: open[0],
		closing: make(chan struct{}),
	}
	for _, c := range open[1:] {
		s.readers <- c
	}
	s.writer, err = groupcommit.StartWriter(writing{open[0]}, s.closing, opts.Watch, opts.Log)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, err), s.closeReaders(), open[0].close())
	}
	return s, nil
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, fn func(store.Reader) error) (err error) {
	c, err := s.borrow(ctx)
	if err != nil {
		return err
	}
	defer func() { s.readers <- c }()
	if _, err := c.exec("BEGIN"); err != nil {
		return translate(err)
	}
	r := &reader{session: session{c: c}, Snapshot: groupcommit.Snapshot{Counts: s.writer.Counts()}}
	defer func() {
		r.End()
		if _, endErr := c.exec("ROLLBACK"); endErr != nil && err == nil && r.Failed() == nil {
			err = translate(endErr)
		}
	}()
	return fn(r)
}

func (s *Store) borrow(ctx context.Context) (*conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	select {
	case <-s.closing:
		return nil, store.ErrClosed
	default:
	}
	select {
	case c := <-s.readers:
		return c, nil
	default:
	}
	select {
	case c := <-s.readers:
		return c, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-s.closing:
		return nil, store.ErrClosed
	}
}

// Update implements store.Store. fn runs on the caller's goroutine.
func (s *Store) Update(ctx context.Context, fn func(store.Tx) error) error {
	return s.writer.Update(ctx, fn)
}

// Failures counts the write transactions that the database did not take.
func (s *Store) Failures() uint64 { return s.writer.Failures() }

// OnCommit implements store.Store. fn must be quick and must not write: the
// next transactions wait for it. Callers whose writes share a commit share the
// call.
func (s *Store) OnCommit(fn func(store.Commit)) { s.writer.OnCommit(fn) }

// Close implements store.Store. It waits for the functions that run; those
// that still wait for their turn are answered with ErrClosed.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		close(s.closing)
		// The writer closes last: the last connection to close a database
		// moves the log into it.
		err := s.closeReaders()
		<-s.writer.Stopped()
		s.closeErr = errors.Join(err, s.written.close())
	})
	return s.closeErr
}

func (s *Store) closeReaders() error {
	var err error
	for range s.size {
		err = errors.Join(err, (<-s.readers).close())
	}
	return err
}
