package store

import (
	"context"
	"sync/atomic"
)

// Statements counts the SQL statements run on behalf of one request. Put one
// into a context with WithStatements; implementations add to it.
type Statements struct{ n atomic.Int64 }

// Add counts one more statement; a nil receiver ignores it.
func (s *Statements) Add() {
	if s != nil {
		s.n.Add(1)
	}
}

// Count returns the number so far.
func (s *Statements) Count() int64 { return s.n.Load() }

type statementsKey struct{}

// WithStatements returns a context whose statements are counted, and the count.
func WithStatements(ctx context.Context) (context.Context, *Statements) {
	s := new(Statements)
	return context.WithValue(ctx, statementsKey{}, s), s
}

// StatementsOf returns the counter of the context, nil if it has none.
func StatementsOf(ctx context.Context) *Statements {
	s, _ := ctx.Value(statementsKey{}).(*Statements)
	return s
}
