package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"log/slog"
	"slices"
	"strings"
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
	maxKept      = 1_000 // entries that wait for a store that cannot be written
)

// AuditEntry is one entry of the trail. It never holds a credential.
type AuditEntry struct {
	Key     string `json:"-"`                // of an entry that was read: those of one time are in its order
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
	// headers names those that came; nil: nobody knows.
	headers func(context.Context) string
	// observer hears of each refusal at once, also of those that become one entry.
	observer Observer

	// flushing holds one value while entries are being written: who reads the trail
	// waits for those that are no longer pending and not yet in the store.
	flushing chan struct{}

	mu      sync.Mutex
	pending map[AuditEntry]int
	armed   bool
	written int
	failing time.Time // since when the store takes no entries; zero if it does
	closed  bool
}

func newTrail(st store.Store, clock func() time.Time, log *slog.Logger) *trail {
	return &trail{observer: nobody{}, store: st, clock: clock, log: log, pending: make(map[AuditEntry]int), flushing: make(chan struct{}, 1)}
}

// refusal takes note of a refused bearer token.
func (t *trail) refusal(ctx context.Context, e *entity.Error, token *parsed) {
	entry := AuditEntry{Action: "refusal", Code: e.Code}
	if errors.Is(e.Cause, errTooLarge) {
		entry.Detail = "larger than 8 KiB"
	}
	if token != nil {
		entry.Issuer = entity.Shorten(token.claims.Issuer, 100)
		entry.KeyID = entity.Shorten(token.header.KeyID, 60)
		entry.Subject = digestOf(token.claims.Subject)
	}
	if e.Code == CodeMissing && t.headers != nil {
		entry.Detail = entity.Shorten("headers that came: "+cmp.Or(t.headers(ctx), "none"), 300)
	}
	t.note(ctx, entry)
}

// note counts an entry without a time; equal ones become one. Entries without a code
// tell what was done, and are never mixed up.
func (t *trail) note(ctx context.Context, entry AuditEntry) {
	switch entry.Action {
	case "refusal":
		t.observer.Refused(false, entry.Code)
	case "signInRefused":
		t.observer.Refused(true, entry.Code)
	}
	if t.route != nil && entry.Code != "" {
		entry.Route = entity.Shorten(t.route(ctx), 120)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, known := t.pending[entry]; !known && entry.Code != "" && len(t.pending) >= maxDistinct {
		entry = AuditEntry{Action: entry.Action, Code: entry.Code}
	}
	t.pending[entry]++
	t.arm()
}

// arm lets a flush happen soon; the caller holds the lock.
func (t *trail) arm() {
	if t.armed || t.closed {
		return
	}
	t.armed = true
	time.AfterFunc(flushDelay, func() {
		ctx, cancel := context.WithTimeout(context.Background(), flushTimeout)
		defer cancel()
		_ = t.flush(ctx) // which raises the alarm itself
	})
}

// flush writes what has been noted. What the store does not take waits for the next
// time, and the log has it. When it returns, no earlier flush is still writing.
func (t *trail) flush(ctx context.Context) error {
	select {
	case t.flushing <- struct{}{}:
		defer func() { <-t.flushing }()
	case <-ctx.Done():
		return ctx.Err()
	}
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
	noted := t.date(pending)
	err := t.write(ctx, noted, prune)
	t.settle(noted, err)
	return err
}

// date gives the entries their time, and tells the log of each once.
func (t *trail) date(pending map[AuditEntry]int) []AuditEntry {
	now := t.clock().UnixMilli()
	noted := make([]AuditEntry, 0, len(pending))
	for entry, count := range pending {
		if entry.At == 0 {
			entry.At, entry.Count = now, count
			event := "refused"
			if entry.Code == "" {
				event = "done"
			}
			t.log.Info(event, "action", entry.Action, "user", entry.User, "by", entry.By, "code", entry.Code, "issuer", entry.Issuer, "kid", entry.KeyID,
				"subject", entry.Subject, "route", entry.Route, "address", entry.Address, "detail", entry.Detail, "count", count)
		}
		noted = append(noted, entry)
	}
	return noted
}

func (t *trail) write(ctx context.Context, noted []AuditEntry, prune bool) error {
	records := make([]store.Record, len(noted))
	for i, entry := range noted {
		kind := kindRefusals
		if entry.Code == "" {
			kind = kindAudit
		}
		var err error
		if records[i], err = entry.record(kind); err != nil {
			return err
		}
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

// settle keeps what could not be written, within bounds, and raises the alarm or
// ends it.
func (t *trail) settle(noted []AuditEntry, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if err == nil {
		if !t.failing.IsZero() {
			t.log.Info("audit entries are written again", "since", t.failing)
		}
		t.failing = time.Time{}
		return
	}
	if !errors.Is(err, context.Canceled) { // as by an administrator who left the page
		t.alarm(err)
	}
	slices.SortFunc(noted, func(a, b AuditEntry) int { return strings.Compare(a.Code, b.Code) }) // refusals last
	for _, entry := range noted {
		if len(t.pending) < maxKept {
			t.pending[entry] = entry.Count
		}
	}
	t.arm()
}

// alarm tells the log, once, that the store takes no entries; the caller holds the lock.
func (t *trail) alarm(err error) {
	if t.failing.IsZero() {
		t.failing = t.clock()
		t.log.Error("audit entries cannot be written; free space on the disk of the data directory", "error", err)
	}
}

// close writes what is left.
func (t *trail) close(ctx context.Context) error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	return t.flush(ctx)
}

// AuditFailing tells since when the store takes no audit entries; the zero time if it
// does.
func (s *Service) AuditFailing() time.Time {
	s.trail.mu.Lock()
	defer s.trail.mu.Unlock()
	return s.trail.failing
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

// wayOf is how somebody signed in whose session has this entry.
func wayOf(entry AuditEntry) string {
	if entry.Issuer != "" {
		return WayProvider
	}
	return WayPassword
}

// letIn makes the change of a sign-in and writes its entry in the same transaction. A
// trail that cannot be written must not keep people out, so then the entry follows
// as soon as it can.
func (s *Service) letIn(ctx context.Context, user User, entry AuditEntry, change func(store.Tx) error) error {
	var failed error
	err := s.change(ctx, user.ID, func(tx store.Tx) error {
		failed = nil
		if err := change(tx); err != nil {
			return err
		}
		failed = s.audit(ctx, tx, entry)
		return failed
	})
	if failed == nil || ctx.Err() != nil {
		if err == nil {
			s.opts.Observer.SignedIn(wayOf(entry))
		}
		return err
	}
	if err := s.change(ctx, user.ID, change); err != nil {
		return err
	}
	s.opts.Observer.SignedIn(wayOf(entry))
	s.trail.mu.Lock()
	s.trail.alarm(failed)
	s.trail.mu.Unlock()
	s.trail.note(ctx, entry)
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

// Refusals returns the newest refusals, those of the last second included unless they
// cannot be written.
func (s *Service) Refusals(ctx context.Context, limit int) ([]AuditEntry, error) {
	_ = s.trail.flush(ctx) // which raises the alarm itself
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
