package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/api"
	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/key"
	"github.com/catalpa-metadata/catalpa/internal/auth/secret"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/internal/metrics"
	"github.com/catalpa-metadata/catalpa/internal/notify"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/search/embedded"
	"github.com/catalpa-metadata/catalpa/internal/search/opensearch"
	"github.com/catalpa-metadata/catalpa/internal/sight"
	"github.com/catalpa-metadata/catalpa/internal/signon"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/postgres"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
	"github.com/catalpa-metadata/catalpa/schema"
)

// Names of the files in the data directory.
const (
	storeFile    = "catalpa.db"
	indexFile    = "search.db"
	lockFile     = "catalpa.lock"
	keysDir      = "keys"
	botTokenFile = "ingestion-bot.jwt"
)

// assembly is everything of a server but its listener, on one data directory.
type assembly struct {
	dataDir string
	store   store.Store
	schemas *jsonschema.Set
	sealer  *secret.Sealer
	engine  *engine.Engine
	auth    *auth.Service
	signOn  *signon.Manager
	alerts  *notify.Service
	index   search.Index
	indexer *search.Indexer
	metrics *metrics.Metrics // nil when nobody can read them

	locks []func() error // give directories to others
	log   *logTarget     // of a server; nil in commands

	guarded config.Findings // what only showed while starting

	keysOpen <-chan struct{} // closed when keys and keysErr are set
	keys     *key.Ring
	keysErr  error
}

// assemble opens the data directory for a command. withIndex also opens the
// search index, which only one process may do at a time.
func assemble(ctx context.Context, cfg *config.Config, log *slog.Logger, withIndex bool) (*assembly, error) {
	indexDir := ""
	if withIndex {
		indexDir = cfg.DataDir
	}
	a, err := open(ctx, cfg, log, indexDir)
	if err != nil {
		return nil, err
	}
	if err := a.authenticate(ctx, cfg, log); err != nil {
		a.close(ctx)
		return nil, err
	}
	return a, nil
}

// open opens all but sign-in, for which authenticate has to be called. The search
// index lies in indexDir; there is none if that is empty.
func open(ctx context.Context, cfg *config.Config, log *slog.Logger, indexDir string) (*assembly, error) {
	a := &assembly{dataDir: cfg.DataDir}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("making the data directory: %w", err)
	}
	if err := halfRestored(cfg.DataDir); err != nil {
		return nil, err
	}
	if err := a.take(indexDir); err != nil {
		return nil, errors.Join(err, a.release())
	}
	a.openKeys(cfg, log)
	st, err := openStore(ctx, cfg, log)
	if err != nil {
		<-a.keysOpen // nobody should write into the directory any more
		return nil, errors.Join(err, a.release())
	}
	a.store = st
	if err = a.build(cfg, log); err == nil && indexDir != "" {
		err = a.openIndex(ctx, cfg, indexDir, log)
	}
	if err != nil {
		a.close(ctx)
		return nil, err
	}
	return a, nil
}

// take locks what this process uses. The data directory is its own if the index lies
// there, and shared with other replicas if the index is elsewhere. Who needs no index
// works beside whatever runs.
func (a *assembly) take(indexDir string) error {
	if indexDir == "" {
		return nil
	}
	dirs := []string{a.dataDir}
	if indexDir != a.dataDir {
		dirs = append(dirs, indexDir)
	}
	for i, dir := range dirs {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return fmt.Errorf("making the directory: %w", err)
		}
		release, err := lock(dir, i < len(dirs)-1)
		if err != nil {
			return err
		}
		a.locks = append(a.locks, release)
	}
	return nil
}

// openKeys begins to open the ring of signing keys. At the first start that takes
// as long as all the rest, so it happens beside it.
func (a *assembly) openKeys(cfg *config.Config, log *slog.Logger) {
	options := keyOptions(cfg)
	options.Log = log
	opened := make(chan struct{})
	a.keysOpen = opened
	go func() {
		defer close(opened)
		a.keys, a.keysErr = key.Open(filepath.Join(cfg.DataDir, keysDir), options)
	}()
}

func (a *assembly) build(cfg *config.Config, log *slog.Logger) error {
	var err error
	if a.schemas, err = jsonschema.Load(schema.Files); err != nil {
		return fmt.Errorf("reading the schemas: %w", err)
	}
	types, err := registry.New(a.schemas)
	if err != nil {
		return fmt.Errorf("reading the registry: %w", err)
	}
	if a.sealer, _, err = secret.OpenDir(cfg.DataDir); err != nil {
		return err
	}
	a.engine, err = engine.New(engine.Options{Store: a.store, Schemas: a.schemas, Registry: types, Sealer: a.sealer, IsSealed: secret.IsSealed, Log: log})
	return err
}

func (a *assembly) openIndex(ctx context.Context, cfg *config.Config, dir string, log *slog.Logger) error {
	index, err := openEngine(ctx, cfg.Search, dir)
	if err != nil {
		return fmt.Errorf("opening the search index: %w", err)
	}
	a.index = index
	var types []string
	for _, t := range a.engine.Registry().All() {
		types = append(types, t.Name)
	}
	a.indexer = search.NewIndexer(index, a.store, sight.Source{Engine: a.engine}, types, log)
	a.engine.UseFinder(sight.NewFinder(index, a.indexer, search.NewCatalog(types), api.DefaultLimits().SearchDelay))
	a.store.OnCommit(func(c store.Commit) {
		if c.All || c.LastSeq > 0 {
			a.indexer.Wake()
			a.indexer.Pace(c.LastSeq)
		}
	})
	return nil
}

// openStore opens the store that the configuration names.
func openStore(ctx context.Context, cfg *config.Config, log *slog.Logger) (store.Store, error) {
	if cfg.Database.Engine == config.EnginePostgreSQL {
		return postgres.Open(ctx, cfg.Database.Source(), postgres.Options{Readers: cfg.Database.MaxConnections - 1, Log: log})
	}
	return sqlite.Open(ctx, filepath.Join(cfg.DataDir, storeFile), sqlite.Options{Log: log})
}

// openEngine opens the engine that the configuration names. A search server need not answer yet.
func openEngine(ctx context.Context, cfg config.Search, dir string) (search.Index, error) {
	if cfg.Engine != config.EngineOpenSearch {
		path := filepath.Join(dir, indexFile)
		if err := private(path); err != nil {
			return nil, err
		}
		return embedded.Open(ctx, path)
	}
	opts := opensearch.Options{
		Addresses: cfg.Addresses, Username: cfg.Username, Password: cfg.Password.Reveal(), APIKey: cfg.APIKey.Reveal(),
		Index: "catalpa", BulkBytes: cfg.PayloadBytes, ConnectTimeout: cfg.ConnectTimeout, Timeout: cfg.Timeout,
	}
	if cfg.Alias != "" {
		opts.Index = cfg.Alias + "-catalpa"
	}
	if cfg.CAPath != "" {
		var err error
		if opts.CACert, err = os.ReadFile(cfg.CAPath); err != nil {
			return nil, err
		}
	}
	return opensearch.Open(opts)
}

// private makes a file that only the server's account can read, unless there is
// one; the index's other files take its mode.
func private(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

// people finds users among the entities, and makes them.
func (a *assembly) people() directory { return directory{store: a.store, engine: a.engine} }

// close ends everything that was opened, in the opposite order.
func (a *assembly) close(ctx context.Context) error {
	var first error
	keep := func(err error) {
		if err != nil && first == nil {
			first = err
		}
	}
	if a.index != nil {
		keep(a.index.Close())
	}
	if a.signOn != nil {
		a.signOn.Close()
	}
	if a.auth != nil {
		keep(a.auth.Close(ctx))
	}
	if a.engine != nil {
		keep(a.engine.Close(ctx))
	}
	if a.store != nil {
		keep(a.store.Close())
	}
	<-a.keysOpen // nobody writes into the directory after close
	keep(a.release())
	return first
}

// release gives the directories to others.
func (a *assembly) release() error {
	var errs []error
	for _, unlock := range a.locks {
		errs = append(errs, unlock())
	}
	return errors.Join(errs...)
}

// closeTimeout bounds how long the last writes may take.
const closeTimeout = 10 * time.Second
