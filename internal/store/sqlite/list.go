package sqlite

import (
	"context"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/groupcommit"
)

const entityColumns = "e.id, e.type, e.name, e.fqn, e.parent, e.deleted, e.version, e.updated_at, e.doc"

// fewRelated is up to how many relations a list starts at the relations and
// sorts; with more it walks the names in order and looks each relation up.
const fewRelated = 2000

// aboveAllText is greater than every text: SQLite orders blobs after text.
var aboveAllText = []byte{0xff}

// namesOf returns the open interval of names that a query allows.
func namesOf(q store.ListQuery) (low string, high any) {
	low, before := q.Names()
	if before == "" {
		return low, aboveAllText
	}
	return low, before
}

// selection is the FROM and WHERE of a list. Those that are selective by id
// have to be sorted; the others come in the order of an index.
type selection struct {
	rowArgs
	byID bool
}

func (r *reader) selection(ctx context.Context, q store.ListQuery) (selection, error) {
	byRelation := false
	if q.RelatedFrom != nil && q.IDs == nil {
		few, err := r.relatedAreFew(ctx, *q.RelatedFrom)
		if err != nil {
			return selection{}, err
		}
		byRelation = few
	}
	s := selection{byID: q.IDs != nil || byRelation}
	low, high := namesOf(q)
	s.add("entity e" + orderingIndex(q, s.byID) + " WHERE ")
	s.add("e.fqn > ? AND e.fqn < ?", low, high)
	switch {
	case memberIndex(q) != "": // which SQLite takes only where the type is spelled out
		s.add(" AND e.type = '" + q.Type + "'")
	case q.Type != "":
		s.add(" AND e.type = ?", q.Type)
	}
	switch q.Include {
	case store.NonDeleted:
		s.add(" AND e.deleted = 0")
	case store.Deleted:
		s.add(" AND e.deleted = 1")
	}
	if q.Parent != entity.NilID {
		s.add(" AND e.parent = ?", q.Parent[:])
	}
	if q.IDs != nil {
		s.add(" AND e.id IN (SELECT unhex(value) FROM json_each(?))", idList(q.IDs))
	}
	for _, name := range slices.Sorted(maps.Keys(q.Members)) {
		path := `$."` + strings.ReplaceAll(name, `"`, "") + `"`
		if memberIndexes[[2]string{q.Type, name}] != "" {
			s.add(" AND CAST(json_extract(CAST(e.doc AS TEXT), '"+path+"') AS TEXT) = ?", memberText(q.Members[name]))
			continue
		}
		s.add(" AND CAST(json_extract(CAST(e.doc AS TEXT), ?) AS TEXT) = ?", path, memberText(q.Members[name]))
	}
	switch {
	case byRelation:
		s.add(" AND e.id IN (SELECT to_id FROM relation WHERE from_id = ? AND kind = ?)",
			q.RelatedFrom.From[:], q.RelatedFrom.Kind)
	case q.RelatedFrom != nil:
		s.add(" AND EXISTS (SELECT 1 FROM relation WHERE from_id = ? AND kind = ? AND to_id = e.id)",
			q.RelatedFrom.From[:], q.RelatedFrom.Kind)
	}
	return s, nil
}

// memberIndexes are the indexes of one type by the text of one member.
var memberIndexes = map[[2]string]string{{"user", "email"}: "entity_user_email"}

// memberIndex finds an index by one of the members that a list asks for; "" for none.
func memberIndex(q store.ListQuery) string {
	for name := range q.Members {
		if index := memberIndexes[[2]string{q.Type, name}]; index != "" {
			return index
		}
	}
	return ""
}

// memberText is how SQLite prints a JSON value as text: booleans are 0 and 1.
func memberText(value string) string {
	switch value {
	case "true":
		return "1"
	case "false":
		return "0"
	}
	return value
}

// orderingIndex pins the index, so that the plan does not depend on statistics.
func orderingIndex(q store.ListQuery, byID bool) string {
	index := memberIndex(q)
	switch {
	case byID:
		return " INDEXED BY entity_id"
	case index != "":
		return " INDEXED BY " + index
	case q.Parent != entity.NilID:
		return " INDEXED BY entity_parent"
	case q.Type == "":
		return ""
	case q.Include == store.All:
		return " INDEXED BY entity_fqn"
	}
	return " INDEXED BY entity_list"
}

func (r *reader) relatedAreFew(ctx context.Context, f store.RelationFilter) (bool, error) {
	var n int64
	err := r.query(ctx, func(row row) error {
		n = row.integer(0)
		return nil
	}, "SELECT count(*) FROM (SELECT 1 FROM relation WHERE from_id = ? AND kind = ? LIMIT ?)",
		f.From[:], f.Kind, int64(fewRelated+1))
	return n <= fewRelated, err
}

// List implements store.Reader.
func (r *reader) List(ctx context.Context, q store.ListQuery) ([]store.Row, error) {
	if q.Limit <= 0 || q.IDs != nil && len(q.IDs) == 0 {
		return nil, ctx.Err()
	}
	s, err := r.selection(ctx, q)
	if err != nil {
		return nil, err
	}
	order := " ORDER BY e.fqn, e.type"
	if q.Before != "" {
		order = " ORDER BY e.fqn DESC, e.type DESC"
	}
	if q.Type != "" {
		// One type's names are unique; a second key would only cost a sort.
		order = order[:len(" ORDER BY e.fqn")]
		if q.Before != "" {
			order += " DESC"
		}
	}
	sql := "SELECT " + entityColumns + " FROM " + string(s.sql) + order + " LIMIT ?"
	if s.byID {
		// Sort names alone; only the page's rows are read in full.
		sql = "SELECT " + entityColumns + " FROM entity e WHERE e.row IN (SELECT e.row FROM " +
			string(s.sql) + order + " LIMIT ?)" + order
	}
	page := make([]store.Row, 0, min(q.Limit, 1000))
	err = r.query(ctx, func(row row) error {
		page = append(page, scanEntity(row))
		return nil
	}, sql, append(s.args, int64(q.Limit))...)
	if err != nil {
		return nil, err
	}
	if q.Before != "" {
		slices.Reverse(page)
	}
	return page, nil
}

// Count implements store.Reader.
func (r *reader) Count(ctx context.Context, q store.ListQuery) (int, error) {
	if q.IDs != nil && len(q.IDs) == 0 {
		return 0, ctx.Err()
	}
	if q.Countable() {
		c, err := r.counter(ctx, groupcommit.CounterKey{Type: q.Type, Under: q.Under})
		return c.Of(q.Include), err
	}
	q.After, q.Before = "", ""
	s, err := r.selection(ctx, q)
	if err != nil {
		return 0, err
	}
	n := 0
	err = r.query(ctx, func(row row) error {
		n = int(row.integer(0))
		return nil
	}, "SELECT count(*) FROM "+string(s.sql), s.args...)
	return n, err
}

// counter finds the counter of this snapshot, plus what this transaction has
// not committed yet.
func (r *reader) counter(ctx context.Context, key groupcommit.CounterKey) (groupcommit.Counter, error) {
	generation := func() (n int64, err error) {
		err = r.query(ctx, func(row row) error {
			n = row.integer(0)
			return nil
		}, "SELECT generation FROM state")
		return n, err
	}
	return r.Snapshot.Counter(key, generation, func() (groupcommit.Counter, error) { return r.countEntities(ctx, key) })
}

func (r *reader) countEntities(ctx context.Context, key groupcommit.CounterKey) (c groupcommit.Counter, err error) {
	low, high := namesOf(store.ListQuery{Under: key.Under})
	err = r.query(ctx, func(row row) error {
		c = groupcommit.Counter{Live: int(row.integer(0)), Deleted: int(row.integer(1))}
		return nil
	}, `SELECT
		(SELECT count(*) FROM entity INDEXED BY entity_list WHERE type = ?1 AND deleted = 0 AND fqn > ?2 AND fqn < ?3),
		(SELECT count(*) FROM entity INDEXED BY entity_list WHERE type = ?1 AND deleted = 1 AND fqn > ?2 AND fqn < ?3)`,
		key.Type, low, high)
	return c, err
}

// idList writes ids as a JSON array of hexadecimal strings, so that a set of
// any size is one parameter of one prepared statement.
func idList(ids []entity.ID) string {
	b := make([]byte, 0, 2+35*len(ids))
	b = append(b, '[')
	for i, id := range ids {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = hex.AppendEncode(b, id[:])
		b = append(b, '"')
	}
	return string(append(b, ']'))
}
