package quality

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The kinds of a level of a report.
const (
	Terms       = "terms"
	Histogram   = "date_histogram"
	NestedIn    = "nested"
	Cardinality = "cardinality"
	Average     = "avg"
	Sum         = "sum"
	Minimum     = "min"
	Maximum     = "max"
)

// Level is one step of a report: documents are grouped by a field, or a figure is
// taken of them.
type Level struct {
	Bucket string
	Kind   string
	Field  string // the path, for NestedIn
	Size   int    // groups at most, for Terms
	Every  string // for Histogram
}

// figure tells levels that end in a figure from those that group.
func (l Level) figure() bool {
	return l.Kind != Terms && l.Kind != Histogram && l.Kind != NestedIn
}

// The bounds of a report.
const (
	maxLevels = 6
	maxGroups = 1000
)

// ReadLevels reads what clients write as
// bucketName=byDay:aggType=date_histogram:field=timestamp&calendar_interval=day,...
// Each level groups what the level before it left together.
func ReadLevels(text string) ([]Level, error) {
	if text == "" {
		return nil, entity.BadRequest("query param aggregationQuery must say what to count, as bucketName=status:aggType=terms:field=testCaseStatus")
	}
	if strings.ContainsAny(text, ";") || strings.Contains(text, "::") {
		return nil, entity.BadRequest("aggregationQuery can have levels, separated by commas, but not several on one level")
	}
	var levels []Level
	for part := range strings.SplitSeq(text, ",") {
		level, err := readLevel(part)
		if err != nil {
			return nil, err
		}
		if len(levels) > 0 && levels[len(levels)-1].figure() {
			return nil, entity.BadRequest("aggregationQuery has a level below %s, which is a figure", entity.Shorten(levels[len(levels)-1].Bucket, 60))
		}
		if levels = append(levels, level); len(levels) > maxLevels {
			return nil, entity.BadRequest("aggregationQuery has more than %d levels", maxLevels)
		}
	}
	return levels, nil
}

func readLevel(text string) (Level, error) {
	level := Level{Size: maxGroups, Every: "day"}
	for _, member := range strings.FieldsFunc(text, func(r rune) bool { return r == ':' || r == '&' }) {
		name, value, ok := strings.Cut(member, "=")
		if !ok {
			return level, entity.BadRequest("aggregationQuery: %q is not of the form name=value", entity.Shorten(member, 60))
		}
		if err := level.set(name, strings.Trim(value, `"`)); err != nil {
			return level, err
		}
	}
	if level.Bucket == "" || level.Field == "" {
		return level, entity.BadRequest("aggregationQuery: each level needs bucketName, aggType and field (or path)")
	}
	if level.Kind == Histogram && !slices.Contains([]string{"hour", "day", "week", "month"}, level.Every) {
		return level, entity.BadRequest("aggregationQuery: calendar_interval must be one of [hour, day, week, month]")
	}
	if kinds := []string{Terms, Histogram, NestedIn, Cardinality, Average, Sum, Minimum, Maximum}; !slices.Contains(kinds, level.Kind) {
		return level, entity.BadRequest("aggregationQuery: %q is none of %s", entity.Shorten(level.Kind, 60), strings.Join(kinds, ", "))
	}
	return level, nil
}

// set takes over a member of a level; those without a meaning here are ignored.
func (l *Level) set(name, value string) error {
	switch name {
	case "bucketName":
		l.Bucket = value
	case "aggType":
		l.Kind = value
	case "field", "path":
		l.Field = value
	case "calendar_interval":
		l.Every = value
	case "size":
		n, err := strconv.Atoi(value)
		if err != nil || n < 1 {
			return entity.BadRequest("aggregationQuery: size must be a number from 1 on")
		}
		l.Size = min(n, maxGroups)
	}
	return nil
}

// Report is what was counted, as clients read it.
type Report struct {
	Metadata ReportMetadata      `json:"metadata"`
	Data     []map[string]string `json:"data"`
}

// ReportMetadata names the columns of a report.
type ReportMetadata struct {
	Keys       []string `json:"keys"`
	Dimensions []string `json:"dimensions"`
	Metrics    []string `json:"metrics"`
}

// DocumentCount is the column that counts the documents of a group.
const DocumentCount = "document_count"

// NewReport makes a report without rows.
func NewReport(levels []Level) Report {
	r := Report{Data: []map[string]string{}, Metadata: ReportMetadata{Keys: []string{}, Dimensions: []string{}, Metrics: []string{DocumentCount}}}
	for _, level := range levels {
		r.Metadata.Keys = append(r.Metadata.Keys, level.Bucket)
		switch {
		case level.figure():
			r.Metadata.Metrics = []string{level.Field}
		case level.Kind != NestedIn:
			r.Metadata.Dimensions = append(r.Metadata.Dimensions, level.Field)
		}
	}
	return r
}

// Count fills a report from documents: maps, lists and plain values.
func Count(levels []Level, docs []map[string]any) Report {
	r := NewReport(levels)
	r.add(levels, docs, map[string]string{})
	return r
}

// maxReport bounds the rows of a report.
const maxReport = 10_000

func (r *Report) add(levels []Level, docs []map[string]any, row map[string]string) {
	if len(r.Data) >= maxReport {
		return
	}
	if len(levels) == 0 {
		r.row(row, DocumentCount, strconv.Itoa(len(docs)))
		return
	}
	level := levels[0]
	switch {
	case level.Kind == NestedIn:
		r.add(levels[1:], spread(docs, level.Field), row)
	case level.figure():
		if value, ok := level.of(docs); ok {
			r.row(row, level.Field, strconv.FormatFloat(value, 'f', -1, 64))
		}
	default:
		for _, group := range level.groups(docs) {
			row[level.Field] = group.key
			r.add(levels[1:], group.docs, row)
		}
		delete(row, level.Field)
	}
}

func (r *Report) row(row map[string]string, metric, value string) {
	out := map[string]string{metric: value}
	for name, v := range row {
		out[name] = v
	}
	r.Data = append(r.Data, out)
}

type group struct {
	key  string
	docs []map[string]any
}

// groups puts documents together that have the same value; a document with several
// is in several groups. Terms begin with the largest, times with the first.
func (l Level) groups(docs []map[string]any) []group {
	var order []group
	index := map[string]int{}
	for _, doc := range docs {
		seen := map[string]bool{}
		for _, v := range At(doc, l.Field) {
			key := l.keyOf(v)
			if key == "" || seen[key] {
				continue
			}
			seen[key] = true
			i, ok := index[key]
			if !ok {
				i, index[key] = len(order), len(order)
				order = append(order, group{key: key})
			}
			order[i].docs = append(order[i].docs, doc)
		}
	}
	slices.SortStableFunc(order, func(a, b group) int {
		if l.Kind == Histogram {
			return cmp.Or(cmp.Compare(len(a.key), len(b.key)), cmp.Compare(a.key, b.key))
		}
		return cmp.Or(cmp.Compare(len(b.docs), len(a.docs)), cmp.Compare(a.key, b.key))
	})
	if l.Kind == Terms && len(order) > l.Size {
		order = order[:l.Size]
	}
	return order
}

// keyOf is the group of a value: itself, or the start of the time it lies in. Clients
// know the outcomes of tests in lower case here.
func (l Level) keyOf(v any) string {
	if l.Kind != Histogram {
		text := textOf(v)
		if strings.HasSuffix(strings.TrimSuffix(l.Field, ".keyword"), "testCaseStatus") {
			text = strings.ToLower(text)
		}
		return text
	}
	at, ok := v.(float64)
	if !ok || at < 0 || at > 1e15 {
		return ""
	}
	t := time.UnixMilli(int64(at)).UTC()
	day := time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, time.UTC)
	switch l.Every {
	case "hour":
		day = t.Truncate(time.Hour)
	case "week":
		day = day.AddDate(0, 0, -(int(day.Weekday())+6)%7)
	case "month":
		day = day.AddDate(0, 0, 1-day.Day())
	}
	return strconv.FormatInt(day.UnixMilli(), 10)
}

// of is the figure of documents; there is none when no document has a value.
func (l Level) of(docs []map[string]any) (float64, bool) {
	if l.Kind == Cardinality {
		different := map[string]bool{}
		for _, doc := range docs {
			for _, v := range At(doc, l.Field) {
				different[textOf(v)] = true
			}
		}
		return float64(len(different)), true
	}
	var n, sum, low, high float64
	for _, doc := range docs {
		for _, v := range At(doc, l.Field) {
			f, ok := v.(float64)
			if !ok {
				continue
			}
			if n == 0 {
				low, high = f, f
			}
			n, sum, low, high = n+1, sum+f, min(low, f), max(high, f)
		}
	}
	if n == 0 {
		return 0, false
	}
	return map[string]float64{Average: sum / n, Sum: sum, Minimum: low, Maximum: high}[l.Kind], true
}

// At returns the plain values at a path, those in lists included.
func At(doc map[string]any, path string) []any {
	found := []any{doc}
	for step := range strings.SplitSeq(strings.TrimSuffix(path, ".keyword"), ".") {
		var next []any
		for _, v := range found {
			if members, ok := v.(map[string]any); ok {
				next = appendFlat(next, members[step])
			}
		}
		found = next
	}
	return slices.DeleteFunc(found, func(v any) bool { _, isObject := v.(map[string]any); return isObject })
}

func appendFlat(list []any, v any) []any {
	switch v := v.(type) {
	case nil:
		return list
	case []any:
		for _, item := range v {
			list = appendFlat(list, item)
		}
		return list
	}
	return append(list, v)
}

// spread makes one document of each item of a list in documents.
func spread(docs []map[string]any, member string) []map[string]any {
	var out []map[string]any
	for _, doc := range docs {
		items, _ := doc[member].([]any)
		for _, item := range items {
			one := make(map[string]any, len(doc))
			for name, v := range doc {
				one[name] = v
			}
			one[member] = item
			out = append(out, one)
		}
	}
	return out
}

func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case bool:
		return strconv.FormatBool(v)
	}
	return ""
}
