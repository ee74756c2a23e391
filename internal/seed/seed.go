// Package seed holds what a new catalog starts with (policies, roles, the root
// team, bots, classifications, test definitions, connection tests, type
// descriptions, settings) and an optional sample catalog, as embedded data, and
// the loader that brings them in.
//
// Loading is idempotent: it creates what is missing and leaves alone what is
// there, so that what people have changed survives restarts and upgrades.
//
// The package imports nothing of ours but entity; the server gives it a Writer.
package seed

import (
	"context"
)

// Writer is what the loader needs of a catalog. All documents of a call have
// the same type and do not depend on each other, so that they may be written in
// one transaction.
type Writer interface {
	// EnsureAll creates the entities that the create requests describe, except
	// those whose name is taken, and returns how many it created.
	EnsureAll(ctx context.Context, typeName string, requests [][]byte) (created int, err error)

	// EnsureDocuments does the same with whole entity documents, which lack only
	// what the engine sets (id, version, updatedAt, FQNs, href). They carry members
	// that no create request has: provider, allowDelete, rules.
	EnsureDocuments(ctx context.Context, typeName string, documents [][]byte) (created int, err error)

	// EnsureSettings stores the settings that have no value yet.
	EnsureSettings(ctx context.Context, settings []Setting) (created int, err error)

	// EnsureLineage adds the edges (PUT /lineage requests) that are not there.
	EnsureLineage(ctx context.Context, requests [][]byte) (created int, err error)

	// Lookup returns the ids of the named entities of one type. A name that is not
	// known is absent from the result.
	Lookup(ctx context.Context, typeName string, fqns []string) (map[string]string, error)
}

// Setting is one server setting.
type Setting struct {
	Type  string // config_type
	Value []byte // config_value, JSON
}

// Report says what a load did.
type Report struct {
	Created  int            // all together
	Existing int            // left alone
	ByType   map[string]int // created, by type name; "settings" and "lineage" among them
}
