package embedded

import (
	"bytes"
	"cmp"
	"container/heap"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/catalpa-metadata/catalpa/internal/search"
)

// part is one reason for matches to score: all documents of the set get the
// worth.
type part struct {
	docs  *roaring.Bitmap
	worth float64
}

// maxClasses bounds the classes a ranking takes apart before it gives up and
// scores every match.
const maxClasses = 512

// class is a set of matches that the parts before next do not tell apart.
type class struct {
	docs  *roaring.Bitmap
	next  int
	score float64
	bound float64 // what its best document may score
}

// classes is a heap with the highest bound on top.
type classes []class

func (c classes) Len() int           { return len(c) }
func (c classes) Less(i, j int) bool { return c[i].bound > c[j].bound }
func (c classes) Swap(i, j int)      { c[i], c[j] = c[j], c[i] }

// Push implements heap.Interface.
func (c *classes) Push(x any) {
	if one, ok := x.(class); ok {
		*c = append(*c, one)
	}
}

// Pop implements heap.Interface.
func (c *classes) Pop() any {
	last := (*c)[len(*c)-1]
	*c = (*c)[:len(*c)-1]
	return last
}

// byScore tells whether the rows are wanted in the order of relevance alone.
func byScore(sorts []search.Sort) bool {
	return len(sorts) == 1 && sorts[0].Field == "_score" && sorts[0].Desc
}

// best returns the first rows by relevance. The score of a match depends on the
// parts it is in and nothing else, so whole sets of matches are ranked, the most
// promising first, and documents are looked at only within the sets that make it
// to the page. ok is false when the query has too many parts for that.
func (sc *scorer) best(after *row, want int) (found page, ok bool) {
	parts := sc.sortedParts()
	rest := make([]float64, len(parts)+1)
	for i := len(parts) - 1; i >= 0; i-- {
		rest[i] = rest[i+1] + parts[i].worth
	}
	// A sum in another order may differ in its last digits; bounds must not be low.
	bound := func(score float64, next int) float64 { return (score + rest[next]) * (1 + 1e-9) }
	top := &topRows{compare: order([]search.Sort{{Field: "_score", Desc: true}}), limit: want}
	open := &classes{{docs: sc.matched, score: sc.start(), bound: bound(sc.start(), 0)}}
	for taken := 0; open.Len() > 0; {
		c, _ := heap.Pop(open).(class)
		if want == 0 || len(top.rows) == want && c.bound < top.rows[0].score {
			break
		}
		for ; c.next < len(parts); c.next++ {
			p := parts[c.next]
			in := roaring.And(c.docs, p.docs)
			if in.IsEmpty() {
				continue
			}
			if in.GetCardinality() < c.docs.GetCardinality() {
				if taken++; taken > maxClasses {
					return page{}, false
				}
				out := roaring.AndNot(c.docs, in)
				heap.Push(open, class{docs: out, next: c.next + 1, score: c.score, bound: bound(c.score, c.next+1)})
			}
			c.docs, c.score = in, c.score+p.worth
		}
		found.maxScore = max(found.maxScore, c.score)
		sc.take(top, c, after)
	}
	found.rows = top.sorted()
	return found, true
}

// take offers the documents of a class, which all score the same.
func (sc *scorer) take(top *topRows, c class, after *row) {
	if after != nil && c.score > after.score {
		return
	}
	ids := sc.state.ids
	for it := c.docs.Iterator(); it.HasNext(); {
		doc := it.Next()
		r := row{doc: doc, id: ids[doc], score: c.score}
		if after != nil && top.compare(r, *after) <= 0 {
			continue
		}
		if len(top.rows) == top.limit && c.score == top.rows[0].score && bytes.Compare(r.id[:], top.rows[0].id[:]) > 0 {
			continue
		}
		top.offer(r)
	}
}

// sortedParts returns the parts in the order in which scores add them up.
func (sc *scorer) sortedParts() []part {
	slices.SortStableFunc(sc.parts, func(a, b part) int { return cmp.Compare(b.worth, a.worth) })
	return sc.parts
}
