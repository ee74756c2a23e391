// Package embedded is the search engine inside the server: an inverted index in
// a SQLite file of its own.
//
// Every document gets a number that is never used again. A posting is the set
// of numbers of the documents that have a term: the exact value of a field, a
// word of a group of text, or the mere presence of a field. Postings lie in one
// table, ordered by field and value, so that it also serves as dictionary for
// prefixes, ranges, sorting and facets.
//
// New documents first go to the tail: their terms are kept in memory and, to
// survive a crash, as one row a document. When the tail has grown, it is merged
// into the postings. A replaced or removed document only loses its place in the
// set of live numbers; merges drop it from the postings they touch.
//
// Queries become sets by way of roaring bitmaps. What postings cannot decide -
// phrases, fields that are not indexed - is verified on the documents, up to a
// limit.
//
// The package may import search and entity.
package embedded
