// Package job runs work in the background that takes longer than a request should:
// a few pieces at a time, a limited number waiting, and what came of them kept for a
// while for whoever began them. All of it is in memory: what a piece of work has
// written is in the store, the report about it ends with the process.
//
// The package may import entity; never net/http or database/sql.
package job
