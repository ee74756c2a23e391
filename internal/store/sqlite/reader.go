package sqlite

import (
	"bytes"
	"context"
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/groupcommit"
)

// chunk is how many keys one batch look-up reads at a time.
const chunk = 500

// maxDepth ends the walk below an entity should parents ever form a circle.
const maxDepth = 4096

// reader implements store.Reader on one snapshot.
type reader struct {
	session
	groupcommit.Snapshot
}

var _ store.Reader = (*reader)(nil)

func scanEntity(r row) store.Row {
	return store.Row{
		ID: r.id(0), Type: r.text(1), Name: r.text(2), FQN: r.text(3), Parent: r.id(4),
		Deleted: r.integer(5) != 0, Version: entity.Version(r.integer(6)), UpdatedAt: r.integer(7), Doc: r.blob(8),
	}
}

// Entity implements store.Reader.
func (r *reader) Entity(ctx context.Context, id entity.ID) (store.Row, error) {
	var found *store.Row
	err := r.query(ctx, func(row row) error {
		e := scanEntity(row)
		found = &e
		return nil
	}, "SELECT "+entityColumns+" FROM entity e WHERE e.id = ?", id[:])
	if err != nil {
		return store.Row{}, err
	}
	if found == nil {
		return store.Row{}, entity.NotFound("entity", id.String())
	}
	return *found, nil
}

// EntityByFQN implements store.Reader.
func (r *reader) EntityByFQN(ctx context.Context, key store.Key) (store.Row, error) {
	var found *store.Row
	err := r.query(ctx, func(row row) error {
		e := scanEntity(row)
		found = &e
		return nil
	}, "SELECT "+entityColumns+" FROM entity e WHERE e.type = ? AND e.fqn = ?", key.Type, key.FQN)
	if err != nil {
		return store.Row{}, err
	}
	if found == nil {
		return store.Row{}, entity.NotFound(key.Type, key.FQN)
	}
	return *found, nil
}

// Entities implements store.Reader.
func (r *reader) Entities(ctx context.Context, ids []entity.ID) ([]store.Row, error) {
	rows := make([]store.Row, 0, len(ids))
	for part := range slices.Chunk(store.Unique(ids), chunk) {
		err := r.query(ctx, func(row row) error {
			rows = append(rows, scanEntity(row))
			return nil
		}, "SELECT "+entityColumns+" FROM entity e WHERE e.id IN (SELECT unhex(value) FROM json_each(?))", idList(part))
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// EntitiesByFQN implements store.Reader.
func (r *reader) EntitiesByFQN(ctx context.Context, keys []store.Key) ([]store.Row, error) {
	rows := make([]store.Row, 0, len(keys))
	for part := range slices.Chunk(store.Unique(keys), chunk) {
		list := []byte{'['}
		for i, key := range part {
			if i > 0 {
				list = append(list, ',')
			}
			list = append(list, '[')
			list = appendQuoted(list, key.Type)
			list = append(list, ',')
			list = appendQuoted(list, key.FQN)
			list = append(list, ']')
		}
		list = append(list, ']')
		err := r.query(ctx, func(row row) error {
			rows = append(rows, scanEntity(row))
			return nil
		}, "SELECT "+entityColumns+` FROM json_each(?) k CROSS JOIN entity e INDEXED BY entity_fqn
			ON e.type = k.value ->> 0 AND e.fqn = k.value ->> 1`, string(list))
		if err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// Descendants implements store.Reader. The order of the recursion's queue, by
// depth, is the order of the result.
func (r *reader) Descendants(ctx context.Context, id entity.ID) ([]entity.ID, error) {
	var ids []entity.ID
	err := r.query(ctx, func(row row) error {
		ids = append(ids, row.id(0))
		return nil
	}, `WITH RECURSIVE below (id, depth) AS (
			SELECT id, 1 FROM entity INDEXED BY entity_parent WHERE parent = ?1
			UNION ALL
			SELECT e.id, depth + 1 FROM below CROSS JOIN entity e INDEXED BY entity_parent
			ON e.parent = below.id WHERE depth < ?2
			ORDER BY 2
		) SELECT id FROM below`, id[:], int64(maxDepth))
	return ids, err
}

// Children implements store.Reader.
func (r *reader) Children(ctx context.Context, parents []entity.ID, typ string, limit int) ([]store.Child, error) {
	parents = slices.Clone(store.Unique(parents))
	slices.SortFunc(parents, func(a, b entity.ID) int { return bytes.Compare(a[:], b[:]) })
	var children []store.Child
	for part := range slices.Chunk(parents, chunk) {
		if len(children) >= limit {
			break
		}
		var q rowArgs
		q.add(`SELECT parent, id, deleted FROM entity INDEXED BY entity_parent
			WHERE parent IN (SELECT unhex(value) FROM json_each(?))`, idList(part))
		if typ != "" {
			q.add(" AND type = ?", typ)
		}
		q.add(" ORDER BY parent, fqn, type LIMIT ?", int64(limit-len(children)))
		err := r.query(ctx, func(row row) error {
			children = append(children, store.Child{Parent: row.id(0), ID: row.id(1), Deleted: row.integer(2) != 0})
			return nil
		}, string(q.sql), q.args...)
		if err != nil {
			return nil, err
		}
	}
	return children, nil
}

// Versions implements store.Reader.
func (r *reader) Versions(ctx context.Context, id entity.ID) ([][]byte, error) {
	var docs [][]byte
	err := r.query(ctx, func(row row) error {
		docs = append(docs, row.blob(0))
		return nil
	}, "SELECT doc FROM entity_version WHERE entity = ? ORDER BY version DESC", id[:])
	return docs, err
}

// Version implements store.Reader.
func (r *reader) Version(ctx context.Context, id entity.ID, v entity.Version) ([]byte, error) {
	var doc []byte
	found := false
	err := r.query(ctx, func(row row) error {
		doc, found = row.blob(0), true
		return nil
	}, "SELECT doc FROM entity_version WHERE entity = ? AND version = ?", id[:], int64(v))
	if err == nil && !found {
		err = entity.Errorf(entity.KindNotFound, "entity instance for %s has no version %s", id, v)
	}
	return doc, err
}

// States implements store.Reader.
func (r *reader) States(ctx context.Context, keys []store.StateKey) (map[store.StateKey][]byte, error) {
	found := make(map[store.StateKey][]byte, len(keys))
	for part := range slices.Chunk(store.Unique(keys), chunk) {
		list := []byte{'['}
		for i, key := range part {
			if i > 0 {
				list = append(list, ',')
			}
			list = append(list, `["`...)
			list = hex.AppendEncode(list, key.ID[:])
			list = append(list, `",`...)
			list = strconv.AppendInt(list, int64(key.Version), 10)
			list = append(list, ']')
		}
		list = append(list, ']')
		err := r.query(ctx, func(row row) error {
			found[store.StateKey{ID: row.id(0), Version: entity.Version(row.integer(1))}] = row.blob(2)
			return nil
		}, `SELECT v.entity, v.version, v.doc FROM json_each(?) k CROSS JOIN entity_version v
			ON v.entity = unhex(k.value ->> 0) AND v.version = k.value ->> 1`, string(list))
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// appendQuoted appends text as a JSON string whose bytes SQLite gives back
// unchanged, whatever they are.
func appendQuoted(b []byte, text string) []byte {
	const digits = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(text) {
		switch c := text[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}

// stringList writes texts as a JSON array.
func stringList(texts []string) string {
	b := []byte{'['}
	for i, text := range texts {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendQuoted(b, text)
	}
	return string(append(b, ']'))
}
