// Package postgres keeps the catalog in a PostgreSQL database, 15 or newer, so that
// several servers can share it.
//
// Writes of all servers are serialised by the lock on the one row of the table
// state, and share commits as package groupcommit lets them; reads run on a pool of
// connections, each on its own snapshot. The package may import store, groupcommit, migration
// and entity only.
package postgres
