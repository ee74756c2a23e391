// Package migration brings the schema of a database up to date, whatever the database:
// backends of package store bring the numbered files and the way to run them. It may
// import nothing of ours.
package migration

import (
	"context"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"
)

// ErrNewer means that a newer Catalpa has been at the database.
var ErrNewer = errors.New("the database was written by a newer version of Catalpa")

// Up runs the migrations that the database has not seen; it never goes back. A schema
// that the program does not know is ErrNewer. Errors are for the operator.
func Up(ctx context.Context, provider *goose.Provider) error {
	current, target, err := provider.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if current > target {
		return fmt.Errorf("%w: its schema is version %d, this program knows versions up to %d; install the newer version, or restore a backup made before the upgrade",
			ErrNewer, current, target)
	}
	if current == target {
		return nil
	}
	if _, err := provider.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database from schema version %d to %d: %w", current, target, err)
	}
	return nil
}
