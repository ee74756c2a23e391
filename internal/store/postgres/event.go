package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

const eventColumns = "seq, id, type, entity_type, entity_id, entity_fqn, version, previous, at, actor, change, doc, bot"

func scanEvent(rows pgx.Rows) (store.Event, error) {
	var e store.Event
	var seq int64
	var id, about pgtype.UUID
	err := rows.Scan(&seq, &id, &e.Type, &e.EntityType, &about, &e.EntityFQN, &e.Version, &e.PreviousVersion,
		&e.At, &e.User, &e.Change, &e.Doc, &e.Bot)
	e.Seq, e.ID, e.EntityID = uint64(seq), id.Bytes, about.Bytes
	return e, err
}

// Events implements store.Reader.
func (r *reader) Events(ctx context.Context, q store.EventQuery) ([]store.Event, error) {
	if q.Types != nil && len(q.Types) == 0 {
		return nil, ctx.Err()
	}
	limit := q.Limit
	if limit <= 0 {
		limit = defaultLimit
	}
	var s statement
	s.add("SELECT "+eventColumns+" FROM event WHERE seq > ?", int64(q.After))
	if q.EntityID != entity.NilID {
		s.add(" AND entity_id = ?", uuidOf(q.EntityID))
	}
	if q.Before != 0 {
		s.add(" AND seq < ?", int64(q.Before))
	}
	if q.To != 0 {
		s.add(" AND at <= ?", q.To)
	}
	if q.Since != 0 {
		// The greatest time so far never decreases, so nothing before the first
		// event that has it can match.
		s.add(" AND seq >= (SELECT seq FROM event WHERE high >= ? ORDER BY high, seq LIMIT 1) AND at >= ?", q.Since, q.Since)
	}
	if q.Types != nil {
		exact, whole := store.EventPairs(q.Types)
		s.add(" AND (type = ANY(?) OR type || ' ' || entity_type = ANY(?))", whole, exact)
	}
	s.add(" ORDER BY seq")
	if q.Newest {
		s.add(" DESC")
	}
	s.add(" LIMIT ?", limit)
	var found []store.Event
	err := r.query(ctx, func(rows pgx.Rows) error {
		e, err := scanEvent(rows)
		found = append(found, e)
		return err
	}, string(s.sql), s.args...)
	return found, err
}

// LastSeq implements store.Reader.
func (r *reader) LastSeq(ctx context.Context) (uint64, error) {
	var last int64
	err := r.query(ctx, func(rows pgx.Rows) error { return rows.Scan(&last) }, "SELECT last_seq FROM state")
	return uint64(last), err
}

// LastSeq implements store.Reader; the table holds the number only after the
// batch's last job.
func (t *tx) LastSeq(ctx context.Context) (uint64, error) {
	if err := t.Ready(ctx); err != nil {
		return 0, err
	}
	return t.State.LastSeq, nil
}

// AppendEvent implements store.Tx.
func (t *tx) AppendEvent(ctx context.Context, events ...store.Event) error {
	next := t.State
	rows := make([][]any, len(events))
	for i, e := range events {
		next.LastSeq, next.LastHigh = next.LastSeq+1, max(next.LastHigh, e.At)
		rows[i] = []any{
			int64(next.LastSeq), uuidOf(e.ID), e.Type, e.EntityType, uuidOf(e.EntityID), e.EntityFQN, int64(e.Version),
			int64(e.PreviousVersion), e.At, next.LastHigh, e.User, nullable(e.Change), nullable(e.Doc), e.Bot,
		}
	}
	err := t.insertAll(ctx, `INSERT INTO event
		(seq, id, type, entity_type, entity_id, entity_fqn, version, previous, at, high, actor, change, doc, bot)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`, rows)
	if err == nil {
		t.State = next
	}
	return err
}
