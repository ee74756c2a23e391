package search

// AggregationKind names what an aggregation computes.
type AggregationKind int

// The kinds of aggregation.
const (
	AggTerms AggregationKind = iota
	AggCardinality
	AggDateHistogram
	AggTopHits
	AggFilter
	AggFilters
	AggNested // evaluates Sub on the same documents
	AggMin
	AggMax
	AggAvg
	AggSum
)

// Aggregation is a computation over the matching documents.
type Aggregation struct {
	Kind    AggregationKind
	Field   string
	Size    int              // buckets of AggTerms, hits of AggTopHits; 0 means 10 and 3
	Include string           // regular expression the keys of AggTerms have to match
	ByKey   bool             // AggTerms: order by key, not by count
	Asc     bool             // AggTerms: smallest count first; with ByKey, ascending
	Every   Interval         // AggDateHistogram
	Filter  Query            // AggFilter
	Filters map[string]Query // AggFilters
	Sort    []Sort           // AggTopHits
	Source  SourceFilter     // AggTopHits
	Sub     map[string]Aggregation
}

// Interval is the width of a date histogram's buckets.
type Interval struct {
	Unit  string // "ms" for a fixed width; "week", "month", "quarter", "year" follow the calendar (UTC)
	Width int64  // milliseconds, for Unit "ms"
}

// AggregationResult is what an aggregation found.
type AggregationResult struct {
	Kind     AggregationKind
	Buckets  []Bucket // AggTerms, AggDateHistogram, AggFilters
	Other    int      // AggTerms: documents in buckets left out
	DocCount int      // AggFilter, AggNested
	Value    *float64 // metrics; nil when there was no value
	Total    int      // AggTopHits
	Hits     []Hit
	Sub      map[string]AggregationResult // AggFilter, AggNested
}

// Bucket is a group of documents.
type Bucket struct {
	Key   any // string, float64, int64 or bool
	Count int
	Sub   map[string]AggregationResult
}

// SourceFilter selects what of _source is shown.
type SourceFilter struct {
	None             bool
	Include, Exclude []string // paths; * stands for any characters
}
