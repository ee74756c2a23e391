// Package job runs work in the background that takes longer than a request should:
// a few pieces at a time, a limited number waiting, and what came of them kept for a
// while for whoever began them. A journal, if there is one, remembers what was begun
// and what came of it beyond the process, so that another one can go on or tell that
// it was broken off; results are in memory alone.
//
// The package may import entity; never net/http or database/sql.
package job
