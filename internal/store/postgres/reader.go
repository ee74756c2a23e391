package postgres

import (
	"bytes"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

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

const entityColumns = "e.id, e.type, e.name, e.fqn, e.parent, e.deleted, e.version, e.updated_at, e.doc"

func scanEntity(rows pgx.Rows) (store.Row, error) {
	var e store.Row
	var id, parent pgtype.UUID
	err := rows.Scan(&id, &e.Type, &e.Name, &e.FQN, &parent, &e.Deleted, &e.Version, &e.UpdatedAt, &e.Doc)
	e.ID, e.Parent = id.Bytes, parent.Bytes
	return e, err
}

// entities reads rows of the entity table.
func (r *reader) entities(ctx context.Context, into []store.Row, sql string, args ...any) ([]store.Row, error) {
	err := r.query(ctx, func(rows pgx.Rows) error {
		e, err := scanEntity(rows)
		into = append(into, e)
		return err
	}, "SELECT "+entityColumns+sql, args...)
	return into, err
}

// Entity implements store.Reader.
func (r *reader) Entity(ctx context.Context, id entity.ID) (store.Row, error) {
	found, err := r.entities(ctx, nil, " FROM entity e WHERE e.id = $1", uuidOf(id))
	if err != nil {
		return store.Row{}, err
	}
	if len(found) == 0 {
		return store.Row{}, entity.NotFound("entity", id.String())
	}
	return found[0], nil
}

// EntityByFQN implements store.Reader.
func (r *reader) EntityByFQN(ctx context.Context, key store.Key) (store.Row, error) {
	found, err := r.entities(ctx, nil, " FROM entity e WHERE e.type = $1 AND e.fqn_hash = $2 AND e.fqn = $3",
		key.Type, hash(key.FQN), key.FQN)
	if err != nil {
		return store.Row{}, err
	}
	if len(found) == 0 {
		return store.Row{}, entity.NotFound(key.Type, key.FQN)
	}
	return found[0], nil
}

// Entities implements store.Reader.
func (r *reader) Entities(ctx context.Context, ids []entity.ID) (found []store.Row, err error) {
	found = make([]store.Row, 0, len(ids))
	for part := range slices.Chunk(store.Unique(ids), chunk) {
		if found, err = r.entities(ctx, found, " FROM entity e WHERE e.id = ANY($1)", uuidsOf(part)); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// EntitiesByFQN implements store.Reader.
func (r *reader) EntitiesByFQN(ctx context.Context, keys []store.Key) (found []store.Row, err error) {
	found = make([]store.Row, 0, len(keys))
	for part := range slices.Chunk(store.Unique(keys), chunk) {
		types, fqns, hashes := make([]string, len(part)), make([]string, len(part)), make([]pgtype.UUID, len(part))
		for i, key := range part {
			types[i], fqns[i], hashes[i] = key.Type, key.FQN, hash(key.FQN)
		}
		found, err = r.entities(ctx, found, ` FROM unnest($1::text[], $2::uuid[], $3::text[]) AS k (type, hash, fqn)
			JOIN entity e ON e.type = k.type AND e.fqn_hash = k.hash AND e.fqn = k.fqn`, types, hashes, fqns)
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}

// Descendants implements store.Reader.
func (r *reader) Descendants(ctx context.Context, id entity.ID) ([]entity.ID, error) {
	var found []entity.ID
	err := r.query(ctx, func(rows pgx.Rows) error {
		var id pgtype.UUID
		err := rows.Scan(&id)
		found = append(found, id.Bytes)
		return err
	}, `WITH RECURSIVE below (id, depth) AS (
			SELECT id, 1 FROM entity WHERE parent = $1
			UNION ALL
			SELECT e.id, depth + 1 FROM below JOIN entity e ON e.parent = below.id WHERE depth < $2
		) SELECT id FROM below ORDER BY depth`, uuidOf(id), maxDepth)
	return found, err
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
		var q statement
		q.add("SELECT parent, id, deleted FROM entity WHERE parent = ANY(?)", uuidsOf(part))
		if typ != "" {
			q.add(" AND type = ?", typ)
		}
		q.add(" ORDER BY parent, fqn, type LIMIT ?", limit-len(children))
		err := r.query(ctx, func(rows pgx.Rows) error {
			var parent, id pgtype.UUID
			var deleted bool
			err := rows.Scan(&parent, &id, &deleted)
			children = append(children, store.Child{Parent: parent.Bytes, ID: id.Bytes, Deleted: deleted})
			return err
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
	err := r.query(ctx, func(rows pgx.Rows) error {
		var doc []byte
		err := rows.Scan(&doc)
		docs = append(docs, doc)
		return err
	}, "SELECT doc FROM entity_version WHERE entity = $1 ORDER BY version DESC", uuidOf(id))
	return docs, err
}

// Version implements store.Reader.
func (r *reader) Version(ctx context.Context, id entity.ID, v entity.Version) ([]byte, error) {
	var doc []byte
	found := false
	err := r.query(ctx, func(rows pgx.Rows) error {
		found = true
		return rows.Scan(&doc)
	}, "SELECT doc FROM entity_version WHERE entity = $1 AND version = $2", uuidOf(id), int64(v))
	if err == nil && !found {
		err = entity.Errorf(entity.KindNotFound, "entity instance for %s has no version %s", id, v)
	}
	return doc, err
}

// States implements store.Reader.
func (r *reader) States(ctx context.Context, keys []store.StateKey) (map[store.StateKey][]byte, error) {
	found := make(map[store.StateKey][]byte, len(keys))
	for part := range slices.Chunk(store.Unique(keys), chunk) {
		ids, versions := make([]pgtype.UUID, len(part)), make([]int64, len(part))
		for i, key := range part {
			ids[i], versions[i] = uuidOf(key.ID), int64(key.Version)
		}
		err := r.query(ctx, func(rows pgx.Rows) error {
			var id pgtype.UUID
			var version int64
			var doc []byte
			err := rows.Scan(&id, &version, &doc)
			found[store.StateKey{ID: id.Bytes, Version: entity.Version(version)}] = doc
			return err
		}, `SELECT v.entity, v.version, v.doc FROM unnest($1::uuid[], $2::bigint[]) AS k (entity, version)
			JOIN entity_version v ON v.entity = k.entity AND v.version = k.version`, ids, versions)
		if err != nil {
			return nil, err
		}
	}
	return found, nil
}
