package auth

import (
	"cmp"
	"context"
	"slices"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// AuditQuery selects entries of the audit trail. The zero value selects the newest.
type AuditQuery struct {
	Code, Action string
	User         string // whom it concerns, or who did it
	From, To     int64  // milliseconds since 1970, both included; 0 for no bound
	Offset       int
	Limit        int // 100 if 0, at most 1000
	OldestFirst  bool
	// Match selects among the entries that fit the rest; nil for all.
	Match func(AuditEntry) bool

	subjects []string // digests by which refusals name the user
}

const (
	defaultEntries = 100
	maxEntries     = 1000
)

// FindAudit returns what was done, the newest first, what bots did on behalf of others
// in the last second included unless it cannot be written.
func (s *Service) FindAudit(ctx context.Context, q AuditQuery) ([]AuditEntry, error) {
	_ = s.trail.flush(ctx) // which raises the alarm itself
	return s.find(ctx, kindAudit, q)
}

// FindRefusals returns who was refused and why, the newest first, those of the last
// second included unless they cannot be written.
func (s *Service) FindRefusals(ctx context.Context, q AuditQuery) ([]AuditEntry, error) {
	_ = s.trail.flush(ctx) // which raises the alarm itself
	var err error
	if q.subjects, err = s.subjectsOf(ctx, q.User); err != nil {
		return nil, err
	}
	return s.find(ctx, kindRefusals, q)
}

// refusedAs is the digest for somebody whom a provider vouched for: of the email, as
// administrators know people by it, or else of the subject.
func refusedAs(id Identity) string {
	return digestOf(cmp.Or(fold(id.Text("email")), id.Subject))
}

// subjectsOf returns the digests under which somebody may have been refused: of what
// was typed or came as sub, and of the names of the user who is called so here.
func (s *Service) subjectsOf(ctx context.Context, name string) ([]string, error) {
	if name == "" {
		return nil, nil
	}
	digests := []string{digestOf(name), digestOf(fold(name))}
	user, err := s.findForLogin(ctx, name)
	if err != nil || user.ID == entity.NilID {
		return digests, err
	}
	return append(digests, digestOf(user.ID.String()), digestOf(user.Name), digestOf(user.Email)), nil
}

// find reads page after page: the trail is bounded, and most questions end early.
func (s *Service) find(ctx context.Context, kind string, q AuditQuery) ([]AuditEntry, error) {
	if q.Limit <= 0 {
		q.Limit = defaultEntries
	}
	q.Limit = min(q.Limit, maxEntries)
	entries := []AuditEntry{}
	err := s.store.View(ctx, func(r store.Reader) error {
		entries = entries[:0]
		skip := q.Offset
		for offset := 0; ; offset += maxEntries {
			order := store.NewestFirst
			if q.OldestFirst {
				order = store.OldestFirst
			}
			records, err := r.Records(ctx, store.RecordQuery{Kind: kind, Order: order, From: q.From, To: q.To, Offset: offset, Limit: maxEntries})
			if err != nil {
				return err
			}
			for _, rec := range records {
				var e AuditEntry
				if err := json.Unmarshal(rec.Doc, &e); err != nil {
					return entity.Internal(err)
				}
				if e.Key = rec.Key; !q.matches(e) {
					continue
				}
				if skip > 0 {
					skip--
					continue
				}
				if entries = append(entries, e); len(entries) == q.Limit {
					return nil
				}
			}
			if len(records) < maxEntries {
				return nil
			}
		}
	})
	return entries, err
}

func (q AuditQuery) matches(e AuditEntry) bool {
	return (q.Match == nil || q.Match(e)) && (q.Code == "" || q.Code == e.Code) && (q.Action == "" || q.Action == e.Action) && (q.User == "" || q.concerns(e))
}

func (q AuditQuery) concerns(e AuditEntry) bool {
	return q.User == e.User || q.User == e.By || e.Subject != "" && slices.Contains(q.subjects, e.Subject)
}
