package postgres

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/groupcommit"
)

// Options of a Store. The zero value is fit for production.
type Options struct {
	// Readers is how many connections read at most; 0 means 16. One more writes.
	Readers int
	// StatementTimeout ends a statement that takes longer; 0 means 30 seconds.
	StatementTimeout time.Duration
	// LockTimeout is how long to wait for another server's transaction; 0 means ten
	// seconds.
	LockTimeout time.Duration
	// Watch is how often to look for other servers' writes while there are none of
	// our own; 0 means four times a second.
	Watch time.Duration
	// Log receives what no caller can be told; nil means slog.Default.
	Log *slog.Logger
}

func (o Options) withDefaults() Options {
	if o.Readers <= 0 {
		o.Readers = 16
	}
	if o.StatementTimeout <= 0 {
		o.StatementTimeout = 30 * time.Second
	}
	if o.LockTimeout <= 0 {
		o.LockTimeout = 10 * time.Second
	}
	if o.Watch <= 0 {
		o.Watch = 250 * time.Millisecond
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return o
}

// connectTimeout bounds how long one connection may take to be made.
const connectTimeout = 10 * time.Second

// Store implements store.Store on a database.
type Store struct {
	reads  *pgxpool.Pool
	writes *pgxpool.Pool // of one connection, which a waiting reader cannot take
	writer *groupcommit.Writer

	closing   chan struct{}
	closeOnce sync.Once
}

var _ store.Store = (*Store)(nil)

// Open connects to the database that source names, a URL (postgres://...) or a list
// of key=value pairs as libpq reads them, and creates or migrates its schema. Errors
// are for the operator: they name the server, never a password.
func Open(ctx context.Context, source string, opts Options) (*Store, error) {
	opts = opts.withDefaults()
	cfg, err := pgxpool.ParseConfig(source)
	if err != nil {
		// The error repeats the source, less its password; ours says where to look.
		return nil, fmt.Errorf("the address of the PostgreSQL database cannot be read: %w", err)
	}
	where := fmt.Sprintf("PostgreSQL at %s:%d, database %s, as %s",
		cfg.ConnConfig.Host, cfg.ConnConfig.Port, cfg.ConnConfig.Database, cfg.ConnConfig.User)
	if cfg.ConnConfig.ConnectTimeout == 0 {
		cfg.ConnConfig.ConnectTimeout = connectTimeout
	}
	if err := migrate(ctx, cfg.ConnConfig.Copy()); err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	limit(cfg.ConnConfig, opts)
	s := &Store{closing: make(chan struct{})}
	cfg.MaxConns, cfg.MinConns = int32(min(opts.Readers, 1000)), 0
	if s.reads, err = pgxpool.NewWithConfig(ctx, cfg.Copy()); err != nil {
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	cfg.MaxConns = 1
	if s.writes, err = pgxpool.NewWithConfig(ctx, cfg.Copy()); err != nil {
		s.reads.Close()
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	s.writer, err = groupcommit.StartWriter(&writing{pool: s.writes}, s.closing, opts.Watch, opts.Log)
	if err != nil {
		s.reads.Close()
		s.writes.Close()
		return nil, fmt.Errorf("%s: %w", where, err)
	}
	return s, nil
}

// limit has the server end what takes too long, so that a client that is gone, or
// hangs, holds up nobody.
func limit(cfg *pgx.ConnConfig, opts Options) {
	set := func(name string, d time.Duration) {
		if _, given := cfg.RuntimeParams[name]; !given {
			cfg.RuntimeParams[name] = strconv.FormatInt(d.Milliseconds(), 10)
		}
	}
	set("statement_timeout", opts.StatementTimeout)
	set("lock_timeout", opts.LockTimeout)
	set("idle_in_transaction_session_timeout", 2*opts.StatementTimeout)
	if _, given := cfg.RuntimeParams["application_name"]; !given {
		cfg.RuntimeParams["application_name"] = "catalpa"
	}
}

// View implements store.Store.
func (s *Store) View(ctx context.Context, fn func(store.Reader) error) (err error) {
	if err := ctx.Err(); err != nil {
		return err
	}
	c, err := begin(ctx, s.reads, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	if err != nil {
		select {
		case <-s.closing:
			return store.ErrClosed
		default:
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return translate(err)
	}
	defer c.Release()
	r := &reader{session: session{c: c.Conn()}, Snapshot: groupcommit.Snapshot{Counts: s.writer.Counts()}}
	defer func() {
		r.End()
		if _, endErr := c.Exec(context.WithoutCancel(ctx), "ROLLBACK"); endErr != nil && err == nil && r.Failed() == nil {
			err = translate(endErr)
		}
	}()
	return fn(r)
}

// begin takes a connection and begins a transaction on it. When the server has been
// restarted, all the connections that idle are cut: they are given up, once, for new ones.
func begin(ctx context.Context, pool *pgxpool.Pool, sql string) (*pgxpool.Conn, error) {
	for again := true; ; again = false {
		c, err := pool.Acquire(ctx)
		if err != nil {
			return nil, err
		}
		if _, err = c.Exec(context.WithoutCancel(ctx), sql); err == nil {
			return c, nil
		}
		c.Release()
		if !again || !isCut(err) {
			return nil, err
		}
		pool.Reset()
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
		s.reads.Close() // waits for connections to come back, and ends the waiting for one
		<-s.writer.Stopped()
		s.writes.Close()
	})
	return nil
}
