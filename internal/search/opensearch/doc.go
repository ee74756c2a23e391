// Package opensearch is a search index in an OpenSearch cluster, for catalogs and companies that one machine does not
// serve any more.
//
// It answers as the embedded engine does, because it compares the same things: documents are taken apart here, by the
// rules of package search, and the cluster stores the parts as they are.
//
//   - Every value becomes a term "path=kind+value" of one field, every word a term "path:word", so that a query is a
//     union of terms whatever the field, and new fields of documents cost no mapping.
//   - What is sorted or counted has a field of its own, f/path for whole values and n/path for numbers.
//   - Scores are sums of constants. How often words occur is asked first, what a match is worth is reckoned here, and the
//     cluster adds up.
//   - The position in the change log is a document of the same index. It is written after the documents it speaks for
//     have become visible, and moves only from where its writer believes it to be: after a crash, a batch may be applied
//     again, and none is missed; of several writers, who has read less of the log begins again where the index is.
//
// The index is an alias. What it stands for is exchanged as a whole: another index is filled under a second alias, and
// one change of aliases puts it in the place of the first.
//
// The package may import search and entity.
package opensearch
