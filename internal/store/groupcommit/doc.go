// Package groupcommit lets the callers of a store share commits: one writer runs
// their functions one after the other in one transaction of the database, each in
// a savepoint, so that what a commit costs is paid once for all who wait. It also
// keeps exact counts of entities across commits.
//
// It knows nothing of SQL; each backend below package store brings a Connection.
// The package may import store and entity only.
package groupcommit
