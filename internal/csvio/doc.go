// Package csvio writes parts of the catalog as CSV (RFC 4180) and reads them
// back: the columns of a table, what lies below a database service, the terms of
// a glossary, teams, users, test cases, the directories of a drive.
//
// What was exported and is imported unchanged changes nothing. Every row of an
// import is a write of its own through the engine, with the checks, versions and
// events that any other call would have; a dry run does all of it on a snapshot
// and keeps nothing.
//
// The package may import entity, registry, store, policy and engine; never
// net/http, search, auth or api.
package csvio
