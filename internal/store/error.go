package store

import "github.com/catalpa-metadata/catalpa/internal/entity"

// ErrClosed answers every call on a closed store.
var ErrClosed = &entity.Error{Kind: entity.KindUnavailable, Message: "the server is shutting down; try again in a moment"}

// Taken is the error of a row whose id, or type and name, another has.
func Taken(row Row, cause error) error {
	conflict := entity.Conflict("%s %s already exists", row.Type, entity.Shorten(row.FQN, 300))
	conflict.Cause = cause
	return conflict
}
