// Package server wires the rooms of the house together: it opens the data
// directory, starts what runs in the background, serves HTTP until it is told to
// stop, and carries out the commands that work on a data directory directly.
//
// It may import everything; only cmd imports it.
package server
