// Package entity holds the words of the domain: what an entity is, how it is
// named (fully qualified names, entity links), how it refers to others, how it
// changes, who acts on it, and which kinds of error there are.
//
// It imports nothing else of ours, nor net/http nor database/sql: every other
// room of the house may enter this one.
package entity
