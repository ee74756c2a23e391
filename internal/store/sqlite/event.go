package sqlite

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

const eventColumns = "seq, id, type, entity_type, entity_id, entity_fqn, version, previous, at, user, change, doc, bot"

func scanEvent(r row) store.Event {
	return store.Event{
		Seq: uint64(r.integer(0)), ID: r.id(1), Type: r.text(2), EntityType: r.text(3), EntityID: r.id(4),
		EntityFQN: r.text(5), Version: entity.Version(r.integer(6)), PreviousVersion: entity.Version(r.integer(7)),
		At: r.integer(8), User: r.text(9), Change: r.blob(10), Doc: r.blob(11), Bot: r.text(12),
	}
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
	var s rowArgs
	s.add("SELECT " + eventColumns + " FROM event")
	if q.EntityID != entity.NilID {
		s.add(" INDEXED BY event_entity WHERE entity_id = ? AND", q.EntityID[:])
	} else {
		s.add(" NOT INDEXED WHERE")
	}
	s.add(" seq > ?", int64(q.After))
	if q.Before != 0 {
		s.add(" AND seq < ?", int64(q.Before))
	}
	if q.To != 0 {
		s.add(" AND at <= ?", q.To)
	}
	if q.Since != 0 {
		// The greatest time so far never decreases, so nothing before the first
		// event that has it can match.
		s.add(" AND seq >= (SELECT seq FROM event INDEXED BY event_high WHERE high >= ? ORDER BY high, seq LIMIT 1) AND at >= ?",
			q.Since, q.Since)
	}
	if q.Types != nil {
		exact, whole := store.EventPairs(q.Types)
		s.add(` AND (type IN (SELECT value FROM json_each(?))
			OR type || ' ' || entity_type IN (SELECT value FROM json_each(?)))`, stringList(whole), stringList(exact))
	}
	order := " ORDER BY seq LIMIT ?"
	if q.Newest {
		order = " ORDER BY seq DESC LIMIT ?"
	}
	s.add(order, int64(limit))
	var found []store.Event
	err := r.query(ctx, func(row row) error {
		found = append(found, scanEvent(row))
		return nil
	}, string(s.sql), s.args...)
	return found, err
}

// LastSeq implements store.Reader.
func (r *reader) LastSeq(ctx context.Context) (uint64, error) {
	var last uint64
	err := r.query(ctx, func(row row) error {
		last = uint64(row.integer(0))
		return nil
	}, "SELECT last_seq FROM state")
	return last, err
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
	for _, e := range events {
		seq, high := t.State.LastSeq+1, max(t.State.LastHigh, e.At)
		_, err := t.write(ctx, `INSERT INTO event
			(seq, id, type, entity_type, entity_id, entity_fqn, version, previous, at, high, user, change, doc, bot)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			int64(seq), e.ID[:], e.Type, e.EntityType, e.EntityID[:], e.EntityFQN, int64(e.Version),
			int64(e.PreviousVersion), e.At, high, e.User, nullable(e.Change), nullable(e.Doc), e.Bot)
		if err != nil {
			return err
		}
		t.State.LastSeq, t.State.LastHigh = seq, high
	}
	return nil
}
