package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/pressly/goose/v3"
	driver "modernc.org/sqlite"

	"github.com/catalpa-metadata/catalpa/internal/store/migration"
)

// Snapshot copies the database at path as it is at one moment, whoever works on it
// meanwhile. The copy is one file without a log, which only its owner can read, and is
// checked. Nothing may be at the path into.
func Snapshot(ctx context.Context, path, into string) (err error) {
	f, err := os.OpenFile(into, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600) // the mode it keeps
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	c, err := existing(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := ours(ctx, c, path); err != nil {
		return err
	}
	if _, err := c.exec("VACUUM INTO ?", into); err != nil {
		return fmt.Errorf("copy the database %s: %w", path, err)
	}
	return Verify(ctx, into)
}

// Verify looks for damage in a database that nobody works on, and whether this program
// knows its schema.
func Verify(ctx context.Context, path string) (err error) {
	c, err := existing(ctx, path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, c.close()) }()
	if err := ours(ctx, c, path); err != nil {
		return err
	}
	found := ""
	if err := c.query(ctx, func(r row) error { found = r.text(0); return nil }, "PRAGMA quick_check(1)"); err != nil {
		return fmt.Errorf("the database %s is damaged: %w", path, err)
	}
	if found != "ok" {
		return fmt.Errorf("the database %s is damaged: %s", path, found)
	}
	return knownSchema(ctx, c)
}

// existing opens a database that is there.
func existing(ctx context.Context, path string) (*conn, error) {
	source, err := dataSource(path)
	if err != nil {
		return nil, err
	}
	connector, err := driver.NewConnector(source + "?mode=rw")
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	c, err := newConn(ctx, connector)
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", path, err)
	}
	if err := c.script(ctx, fmt.Sprintf("PRAGMA busy_timeout = %d", (5*time.Second).Milliseconds())); err != nil {
		return nil, errors.Join(fmt.Errorf("open the database %s: %w", path, err), c.close())
	}
	return c, nil
}

// ours is an error unless a database is one of Catalpa.
func ours(ctx context.Context, c *conn, path string) error {
	var id int64
	if err := c.query(ctx, func(r row) error { id = r.integer(0); return nil }, "SELECT application_id FROM pragma_application_id"); err != nil || id != applicationID {
		return errors.Join(fmt.Errorf("%s: %w", path, ErrNotDatabase), err)
	}
	return nil
}

// knownSchema is ErrNewerSchema if a newer Catalpa has been at the database.
func knownSchema(ctx context.Context, c *conn) error {
	var has int64
	if err := c.query(ctx, func(r row) error { has = r.integer(0); return nil }, "SELECT max(version_id) FROM goose_db_version WHERE is_applied"); err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	files, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		return fmt.Errorf("read the migrations: %w", err)
	}
	known := int64(0)
	for _, file := range files {
		version, err := goose.NumericComponent(file.Name())
		if err != nil {
			return fmt.Errorf("read the migrations: %w", err)
		}
		known = max(known, version)
	}
	if has > known {
		return fmt.Errorf("%w: its schema is version %d, this program knows versions up to %d; use the newer version", migration.ErrNewer, has, known)
	}
	return nil
}
