package auth

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// The audit trail is two kinds of records: what was done, and what was refused.
// They are bounded apart, so that a flood of refusals cannot push out the rest.
const (
	kindAudit    = "audit"
	kindRefusals = "audit-refusal"
)

const (
	maxAudit     = 20_000
	maxRefusals  = 1_000
	flushDelay   = time.Second // the most that a crash can lose of the refusals
	maxDistinct  = 32          // different refusals kept apart between two flushes
	pruneEvery   = 200         // entries between two looks at the bound
	flushTimeout = 10 * time.Second
)

// AuditEntry is one entry of the trail. It never holds a credential.
type AuditEntry struct {
	At      int64  `json:"at"`               // milliseconds since 1970
	Action  string `json:"action"`           // signIn, signOut, refusal, botTokenIssued, ...
	User    string `json:"user,omitzero"`    // whom it concerns, by name
	By      string `json:"by,omitzero"`      // who did it
	Code    string `json:"code,omitzero"`    // of a refusal
	TokenID string `json:"tokenId,omitzero"` // jti of the token concerned
	Address string `json:"address,omitzero"`
	Issuer  string `json:"issuer,omitzero"`
	KeyID   string `json:"kid,omitzero"`
	Route   string `json:"route,omitzero"`   // where it was refused
	Subject string `json:"subject,omitzero"` // digest of who was refused
	Count   int    `json:"count,omitzero"`   // equal refusals in this entry
	Detail  string `json:"detail,omitzero"`  // such as the names of settings that changed
}

// trail collects refusals, and what bots do on behalf of people, and writes them from
// time to time. Everything else is written in the transaction of the change itself.
type trail struct {
	store store.Store
	clock func() time.Time
	log   *slog.Logger
	route func(context.Context) string // nil: nobody knows

	mu      sync.Mutex
	pending map[AuditEntry]int
	armed   bool
	written int
}

func newTrail(st store.Store, clock func() time.Time, log *slog.Logger) *trail {
	return &trail{store: st, clock: clock, log: log, pending: make(map[AuditEntry]int)}
}

// refusal takes note of a refused bearer token.
func (t *trail) refusal(ctx context.Context, e *entity.Error, token *parsed) {
	entry := AuditEntry{Action: "refusal", Code: e.Code}
	if token != nil {
		entry.Issuer = entity.Shorten(token.claims.Issuer, 100)
		entry.KeyID = entity.Shorten(token.header.KeyID, 60)
		entry.Subject = digestOf(token.claims.Subject)
	}
	t.note(ctx, entry)
}

// note counts an entry without a time; equal ones become one. Entries without a code
// tell what was done, and are never mixed up.
func (t *trail) note(ctx context.Context, entry AuditEntry) {
	if t.route != nil && entry.Code != "" {
		entry.Route = entity.Shorten(t.route(ctx), 120)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.pending[entry]; !known && entry.Code != "" && len(t.pending) >= maxDistinct {
		entry = AuditEntry{Action: entry.Action, Code: entry.Code}
	}
	t.pending[entry]++
	if !t.armed {
		t.armed = true
		time.AfterFunc(flushDelay, func() {
			ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
			defer cancel()
			if err := t.flush(ctx); err != nil {
				t.log.Warn("audit entries could not be written", "error", err)
			}
		})
	}
}

// flush writes what has been noted. If that fails the entries are dropped rather
// than piled up; the log has them.
func (t *trail) flush(ctx context.Context) error {
	t.mu.Lock()
	pending := t.pending
	t.pending, t.armed = make(map[AuditEntry]int), false
	t.written += len(pending)
	prune := t.written >= pruneEvery
	if prune {
		t.written = 0
	}
	t.mu.Unlock()
	if len(pending) == 0 {
		return nil
	}
	now := t.clock().UnixMilli()
	records := make([]store.Record, 0, len(pending))
	for entry, count := range pending {
		entry.At, entry.Count = now, count
		kind, event := kindRefusals, "refused"
		if entry.Code == "" {
			kind, event = kindAudit, "done"
		}
		t.log.Info(event, "action", entry.Action, "user", entry.User, "by", entry.By, "code", entry.Code, "issuer", entry.Issuer, "kid", entry.KeyID,
			"subject", entry.Subject, "route", entry.Route, "address", entry.Address, "count", count)
		rec, err := entry.record(kind)
		if err != nil {
			return err
		}
		records = append(records, rec)
	}
	return t.store.Update(ctx, func(tx store.Tx) error {
		if err := tx.PutRecord(ctx, records...); err != nil {
			return err
		}
		if !prune {
			return nil
		}
		if err := pruneRecords(ctx, tx, kindRefusals, maxRefusals); err != nil {
			return err
		}
		return pruneRecords(ctx, tx, kindAudit, maxAudit)
	})
}

// record encodes an entry under a key that sorts by time.
func (e AuditEntry) record(kind string) (store.Record, error) {
	doc, err := json.Marshal(e)
	if err != nil {
		return store.Record{}, err
	}
	return store.Record{Kind: kind, Key: entity.NewID().String(), At: e.At, Doc: doc}, nil
}

// audit writes an entry in the transaction of what it tells about.
func (s *Service) audit(ctx context.Context, tx store.Tx, entry AuditEntry) error {
	entry.At = s.clock().UnixMilli()
	rec, err := entry.record(kindAudit)
	if err != nil {
		return err
	}
	if err := tx.PutRecord(ctx, rec); err != nil {
		return err
	}
	// The key is random in its tail: look at the bound now and then.
	if id, err := entity.ParseID(rec.Key); err == nil && id[15] == 0 {
		return pruneRecords(ctx, tx, kindAudit, maxAudit)
	}
	return nil
}

// record writes an entry that tells of no change in the store.
func (s *Service) record(ctx context.Context, entry AuditEntry) error {
	return s.store.Update(ctx, func(tx store.Tx) error { return s.audit(ctx, tx, entry) })
}

// pruneRecords removes the oldest records beyond the bound.
func pruneRecords(ctx context.Context, tx store.Tx, kind string, bound int) error {
	beyond, err := tx.Records(ctx, store.RecordQuery{Kind: kind, Order: store.NewestFirst, Offset: bound, Limit: 1})
	if err != nil || len(beyond) == 0 {
		return err
	}
	_, err = tx.DeleteRecords(ctx, store.RecordQuery{Kind: kind, To: beyond[0].At})
	return err
}

// Audit returns the newest entries of what was done: sign-ins, sign-outs, tokens
// issued and revoked, passwords changed.
func (s *Service) Audit(ctx context.Context, limit int) ([]AuditEntry, error) {
	return s.entries(ctx, kindAudit, limit)
}

// Refusals returns the newest refusals, those of the last second included.
func (s *Service) Refusals(ctx context.Context, limit int) ([]AuditEntry, error) {
	if err := s.trail.flush(ctx); err != nil {
		return nil, err
	}
	return s.entries(ctx, kindRefusals, limit)
}

func (s *Service) entries(ctx context.Context, kind string, limit int) ([]AuditEntry, error) {
	var entries []AuditEntry
	err := s.store.View(ctx, func(r store.Reader) error {
		entries = nil
		records, err := r.Records(ctx, store.RecordQuery{Kind: kind, Order: store.NewestFirst, Limit: min(max(limit, 1), 1000)})
		if err != nil {
			return err
		}
		for _, rec := range records {
			var e AuditEntry
			if err := json.Unmarshal(rec.Doc, &e); err != nil {
				return entity.Internal(err)
			}
			entries = append(entries, e)
		}
		return nil
	})
	return entries, err
}

// digestOf tells refused names apart without keeping them.
func digestOf(name string) string {
	if name == "" {
		return ""
	}
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:6])
}
