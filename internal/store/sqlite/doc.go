// Package sqlite keeps the catalog in one SQLite file, without cgo.
//
// One connection writes and shares its commits among waiting callers; a few
// others read, each on its own snapshot. The package may import store, groupcommit, migration and
// entity only.
package sqlite
