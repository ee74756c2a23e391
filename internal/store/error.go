package store

import "github.com/catalpa-metadata/catalpa/internal/entity"

// ErrClosed answers every call on a closed store.
var ErrClosed = &entity.Error{Kind: entity.KindUnavailable, Message: "the server is shutting down; try again in a moment"}
