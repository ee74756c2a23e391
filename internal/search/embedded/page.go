package embedded

import (
	"bytes"
	"cmp"
	"container/heap"
	"slices"
	"strings"

	"github.com/RoaringBitmap/roaring/v2"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

// readBelow is the number of matches up to which sort values are read from the
// documents; beyond, the dictionary of the field is walked in its order.
const readBelow = 100

// row is a match with what it is sorted by.
type row struct {
	doc   uint32
	id    entity.ID
	score float64
	keys  []string // one for each sort field but _score and _id; "" when missing
}

type page struct {
	rows     []row
	maxScore float64
}

// sortValues are what search_after takes to go on after the row: the values of
// the sort fields, and the id that breaks ties.
func (r row) sortValues(sorts []search.Sort) []any {
	if len(sorts) == 0 {
		return nil
	}
	values := make([]any, 0, len(sorts)+1)
	for i, sort := range sorts {
		switch sort.Field {
		case "_score":
			values = append(values, r.score)
		case "_id", "_doc":
			values = append(values, r.id.String())
		default:
			values = append(values, search.KeyValue(r.keys[i]))
		}
	}
	if !search.EndsWithID(sorts) {
		values = append(values, r.id.String())
	}
	return values
}

// order compares rows by the sort fields and then by id.
func order(sorts []search.Sort) func(a, b row) int {
	return func(a, b row) int {
		for i, sort := range sorts {
			c := 0
			switch sort.Field {
			case "_score":
				c = cmp.Compare(a.score, b.score)
			case "_id", "_doc":
				c = bytes.Compare(a.id[:], b.id[:])
			default:
				c = strings.Compare(a.keys[i], b.keys[i])
				if c != 0 && (a.keys[i] == "" || b.keys[i] == "") {
					return -c // missing comes last either way
				}
			}
			if sort.Desc {
				c = -c
			}
			if c != 0 {
				return c
			}
		}
		return bytes.Compare(a.id[:], b.id[:])
	}
}

// page returns the rows of the page the request asks for.
func (s *snapshot) page(req search.Request, matched *roaring.Bitmap) (page, error) {
	sorts := req.Sort
	if len(sorts) == 0 {
		sorts = []search.Sort{{Field: "_score", Desc: true}}
	}
	scores := &scorer{snapshot: s, matched: matched}
	if slices.ContainsFunc(sorts, func(sort search.Sort) bool { return sort.Field == "_score" }) {
		var err error
		if scores, err = s.score(req, matched); err != nil {
			return page{}, err
		}
	}
	after, err := s.readAfter(req)
	if err != nil {
		return page{}, err
	}
	want := req.From + req.Size
	if len(sorts) == 1 && sorts[0].OfField() && search.Indexed(basePath(sorts[0])) && matched.GetCardinality() > readBelow {
		rows, err := s.walk(sorts[0], matched, after, want)
		return page{rows: skip(rows, req.From), maxScore: 1}, err
	}
	if byScore(sorts) {
		if found, ok := scores.best(after, want); ok {
			found.rows = skip(found.rows, req.From)
			return found, nil
		}
	}
	keys, err := s.sortKeys(sorts, matched)
	if err != nil {
		return page{}, err
	}
	compare := order(sorts)
	top := &topRows{compare: compare, limit: want}
	highest := 0.0
	for it := matched.Iterator(); it.HasNext(); {
		doc := it.Next()
		r := row{doc: doc, id: s.state.ids[doc], score: scores.of(doc), keys: keys[doc]}
		highest = max(highest, r.score)
		if after == nil || compare(r, *after) > 0 {
			top.offer(r)
		}
	}
	return page{rows: skip(top.sorted(), req.From), maxScore: highest}, nil
}

func basePath(sort search.Sort) string {
	path, _ := search.BasePath(sort.Field)
	return path
}

func skip(rows []row, from int) []row { return rows[min(from, len(rows)):] }

// readAfter turns search_after into the row it names; see search.Request.Cursor.
func (s *snapshot) readAfter(req search.Request) (*row, error) {
	if len(req.After) == 0 {
		return nil, nil
	}
	values, id, err := req.Cursor()
	if err != nil {
		return nil, err
	}
	r := row{id: id, keys: make([]string, len(req.Sort))}
	for i, sort := range req.Sort {
		switch {
		case sort.Field == "_score":
			key, ok := search.NumberKeyOf(values[i])
			if !ok {
				return nil, entity.BadRequest("search_after needs a number for _score")
			}
			r.score, _ = search.KeyValue(key).(float64)
		case sort.OfField():
			key, err := s.afterKey(basePath(sort), values[i])
			if err != nil {
				return nil, err
			}
			r.keys[i] = key
		}
	}
	return &r, nil
}

// afterKey reads a sort value as what the field holds: null for none, a number
// where there are numbers, text otherwise.
func (s *snapshot) afterKey(path, text string) (string, error) {
	if text == "null" || text == "None" {
		return "", nil
	}
	field, known := s.state.fields[path]
	for _, key := range search.TermKeys(text)[1:] {
		if !known {
			break
		}
		kind := key[:1]
		there := false
		err := s.scan(field, search.Span{From: kind, To: string(kind[0] + 1)}, false, func(string, func() (*roaring.Bitmap, error)) (bool, error) {
			there = true
			return false, nil
		})
		if err != nil || there {
			return key, err
		}
	}
	return search.StringKey(text), nil
}

// walk goes through the values of the field in order and takes matches until
// there are enough, then those that lack the field.
func (s *snapshot) walk(sort search.Sort, matched *roaring.Bitmap, after *row, want int) ([]row, error) {
	compare := order([]search.Sort{sort})
	var rows []row
	left := matched.Clone()
	take := func(key string, docs *roaring.Bitmap) {
		first := len(rows)
		for it := docs.Iterator(); it.HasNext(); {
			doc := it.Next()
			r := row{doc: doc, id: s.state.ids[doc], score: 1, keys: []string{key}}
			if after == nil || compare(r, *after) > 0 {
				rows = append(rows, r)
			}
		}
		slices.SortFunc(rows[first:], compare)
	}
	field, known := s.state.fields[basePath(sort)]
	if known {
		err := s.scan(field, spanAfter(sort, after), sort.Desc, func(key string, set func() (*roaring.Bitmap, error)) (bool, error) {
			docs, err := set()
			if err != nil {
				return false, err
			}
			docs.And(left)
			if !docs.IsEmpty() {
				left.AndNot(docs)
				take(key, docs)
			}
			return len(rows) < want, nil
		})
		if err != nil {
			return nil, err
		}
		if singleValued(basePath(sort)) {
			present, err := s.set(field, presence)
			if err != nil {
				return nil, err
			}
			unsorted, err := s.set(field, overlong)
			if err != nil {
				return nil, err
			}
			left = roaring.AndNot(matched, present)
			left.Or(roaring.And(matched, unsorted))
		}
	}
	if len(rows) < want {
		take("", left)
	}
	return rows[:min(want, len(rows))], nil
}

// spanAfter is the part of the dictionary where the page after a row begins.
// Where documents have several values, the values before tell which documents
// the pages before have shown, so all have to be walked.
func spanAfter(sort search.Sort, after *row) search.Span {
	span := search.Span{From: "\x01", To: "\x04"}
	if after == nil || !singleValued(basePath(sort)) {
		return span
	}
	switch key := after.keys[0]; {
	case key == "":
		return search.Span{}
	case sort.Desc:
		span.To = key + "\x00"
	default:
		span.From = key
	}
	return span
}

func singleValued(path string) bool {
	switch path {
	case "id", "name", "displayName", "fullyQualifiedName", "updatedAt", "version", "entityType":
		return true
	}
	return false
}

// sortKeys returns the keys of the matches for the sort fields that need them.
func (s *snapshot) sortKeys(sorts []search.Sort, matched *roaring.Bitmap) (map[uint32][]string, error) {
	keys := map[uint32][]string{}
	for i, sort := range sorts {
		if !sort.OfField() {
			continue
		}
		set := func(doc uint32, key string) {
			if keys[doc] == nil {
				keys[doc] = make([]string, len(sorts))
			}
			if old := keys[doc][i]; old == "" || (key < old) != sort.Desc {
				keys[doc][i] = key
			}
		}
		if err := s.sortKey(basePath(sort), matched, set); err != nil {
			return nil, err
		}
	}
	for it := matched.Iterator(); len(keys) > 0 && it.HasNext(); {
		if doc := it.Next(); keys[doc] == nil {
			keys[doc] = make([]string, len(sorts))
		}
	}
	if len(keys) == 0 && slices.ContainsFunc(sorts, search.Sort.OfField) {
		empty := make([]string, len(sorts))
		for it := matched.Iterator(); it.HasNext(); {
			keys[it.Next()] = empty
		}
	}
	return keys, nil
}

func (s *snapshot) sortKey(path string, matched *roaring.Bitmap, set func(doc uint32, key string)) error {
	if matched.GetCardinality() <= readBelow {
		return s.readKeys(path, matched, set)
	}
	field, known := s.state.fields[path]
	if !known {
		return nil
	}
	if !search.Indexed(path) {
		return entity.BadRequest("the results cannot be sorted by %q", entity.Shorten(path, 100))
	}
	return s.scan(field, search.Span{From: "\x01", To: "\x04"}, false, func(key string, docs func() (*roaring.Bitmap, error)) (bool, error) {
		found, err := docs()
		if err != nil {
			return false, err
		}
		found.And(matched)
		for it := found.Iterator(); it.HasNext(); {
			set(it.Next(), key)
		}
		return true, nil
	})
}

func (s *snapshot) readKeys(path string, matched *roaring.Bitmap, set func(doc uint32, key string)) error {
	for it := matched.Iterator(); it.HasNext(); {
		doc := it.Next()
		_, source, found, err := s.load(doc)
		if err != nil {
			return err
		}
		if !found {
			continue
		}
		err = search.WalkFields(source, func(p string, v search.Value) {
			if p == path && v.Kind != search.Present && len(v.Text) <= search.MaxExact {
				set(doc, v.Key())
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// topRows keeps the first rows of an order. As a heap, its root is the last of
// them.
type topRows struct {
	compare func(a, b row) int
	limit   int
	rows    []row
}

func (t *topRows) Len() int           { return len(t.rows) }
func (t *topRows) Less(i, j int) bool { return t.compare(t.rows[i], t.rows[j]) > 0 }
func (t *topRows) Swap(i, j int)      { t.rows[i], t.rows[j] = t.rows[j], t.rows[i] }

// Push implements heap.Interface.
func (t *topRows) Push(x any) {
	if r, ok := x.(row); ok {
		t.rows = append(t.rows, r)
	}
}

// Pop implements heap.Interface.
func (t *topRows) Pop() any {
	last := t.rows[len(t.rows)-1]
	t.rows = t.rows[:len(t.rows)-1]
	return last
}

func (t *topRows) offer(r row) {
	if len(t.rows) < t.limit {
		heap.Push(t, r)
		return
	}
	if t.limit > 0 && t.compare(r, t.rows[0]) < 0 {
		t.rows[0] = r
		heap.Fix(t, 0)
	}
}

func (t *topRows) sorted() []row {
	slices.SortFunc(t.rows, t.compare)
	return t.rows
}
