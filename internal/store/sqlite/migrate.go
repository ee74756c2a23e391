package sqlite

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/pressly/goose/v3"

	"github.com/catalpa-metadata/catalpa/internal/store/migration"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migrateAttempts lets a process that lost the race to migrate look again.
const migrateAttempts = 3

// migrate brings the schema up to date; it never goes back.
func migrate(ctx context.Context, connector driver.Connector, patience time.Duration) error {
	files, err := fs.Sub(migrationFiles, "migrations")
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	for attempt := 1; ; attempt++ {
		err = retryBusy(ctx, patience, func() error { return migrateOnce(ctx, connector, files) })
		if err == nil || errors.Is(err, ErrNewerSchema) || attempt == migrateAttempts || ctx.Err() != nil {
			return err
		}
	}
}

func migrateOnce(ctx context.Context, connector driver.Connector, files fs.FS) (err error) {
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(1)
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.ExecContext(ctx, "PRAGMA busy_timeout = 5000"); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	return migration.Up(ctx, provider)
}
