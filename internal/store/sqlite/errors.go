package sqlite

import (
	"errors"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store/migration"
)

// Sentinels of Open, for callers that want to say what to do.
var (
	// ErrNotDatabase means that the file is not a Catalpa database.
	ErrNotDatabase = errors.New("not a Catalpa database")
	// ErrNewerSchema means that a newer Catalpa wrote the file.
	ErrNewerSchema = migration.ErrNewer
)

func primaryCode(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

func isConstraint(err error) bool { return primaryCode(err) == lib.SQLITE_CONSTRAINT }

// translate gives an error of the database a message that is fit for clients.
func translate(err error) error {
	switch primaryCode(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return &entity.Error{
			Kind: entity.KindUnavailable, Cause: err,
			Message: "The catalog is busy with another process's writes; try again in a moment.",
		}
	case lib.SQLITE_FULL:
		return &entity.Error{
			Kind: entity.KindUnavailable, Cause: err,
			Message: "The server has no disk space left to store this.",
		}
	case lib.SQLITE_READONLY:
		return &entity.Error{
			Kind: entity.KindUnavailable, Cause: err,
			Message: "The catalog can only be read at the moment.",
		}
	case lib.SQLITE_IOERR, lib.SQLITE_CANTOPEN, lib.SQLITE_PROTOCOL: // its disk is away, perhaps for a moment
		return &entity.Error{
			Kind: entity.KindUnavailable, Cause: err,
			Message: "The catalog's files do not answer at the moment; try again later.",
		}
	}
	return entity.Internal(err)
}

// isRaw tells whether an error is one of the database.
func isRaw(err error) bool {
	var raw *driver.Error
	return errors.As(err, &raw)
}
