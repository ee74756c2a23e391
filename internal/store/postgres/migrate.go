package postgres

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"github.com/catalpa-metadata/catalpa/internal/store/migration"
)

// Sentinels of Open, for callers that want to say what to do.
var (
	// ErrNewerSchema means that a newer Catalpa has been at the database.
	ErrNewerSchema = migration.ErrNewer
	// ErrUnfit means that the server or the database cannot hold a catalog.
	ErrUnfit = errors.New("the database cannot hold a catalog")
)

// oldestServer is the first version of PostgreSQL that is supported.
const oldestServer = 150000

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrate brings the schema up to date; it never goes back. Servers that start
// together wait for each other.
func migrate(ctx context.Context, cfg *pgx.ConnConfig) (err error) {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	db := stdlib.OpenDB(*cfg)
	defer func() { err = errors.Join(err, db.Close()) }()
	if err := fit(ctx, db); err != nil {
		return err
	}
	locker, err := lock.NewPostgresSessionLocker()
	if err != nil {
		return fmt.Errorf("prepare the lock of the migrations: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files,
		goose.WithDisableGlobalRegistry(true), goose.WithSessionLocker(locker), goose.WithTableName("catalpa_schema"))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	return migration.Up(ctx, provider)
}

// fit makes sure that what is stored comes back as it was.
func fit(ctx context.Context, db *sql.DB) error {
	var version int
	var encoding string
	row := db.QueryRowContext(ctx, "SELECT current_setting('server_version_num')::int, current_setting('server_encoding')")
	if err := row.Scan(&version, &encoding); err != nil {
		return fmt.Errorf("ask the server for its version: %w", err)
	}
	if version < oldestServer {
		return fmt.Errorf("%w: the server is PostgreSQL %d, 15 is the oldest that works", ErrUnfit, version/10000)
	}
	if encoding != "UTF8" {
		return fmt.Errorf("%w: its encoding is %s; make one with CREATE DATABASE ... ENCODING 'UTF8' TEMPLATE template0", ErrUnfit, encoding)
	}
	return ours(ctx, db)
}

// ours makes sure that nothing of somebody else lies where the tables go: a database of
// OpenMetadata's server, say, named by its old configuration.
func ours(ctx context.Context, db *sql.DB) error {
	var known bool
	var foreign sql.NullString
	row := db.QueryRowContext(ctx, `SELECT
		EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = current_schema() AND tablename = 'catalpa_schema'),
		(SELECT min(tablename) FROM pg_tables WHERE schemaname = current_schema())`)
	if err := row.Scan(&known, &foreign); err != nil {
		return fmt.Errorf("look for tables: %w", err)
	}
	if !known && foreign.Valid {
		return fmt.Errorf("%w: it holds tables of another program, such as %s; name an empty database or schema", ErrUnfit, foreign.String)
	}
	return nil
}
