package notify

import (
	"cmp"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/alert"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// errOvertaken ends work that another process does by now.
var errOvertaken = errors.New("another process sends what alerts ask for")

// errGone ends work for a subscription that was deleted meanwhile.
var errGone = errors.New("the event subscription is gone")

const (
	// scanPage is how many events are looked at at once.
	scanPage = 500
	// storeEvery is how long a position that only skips events may stay in memory; they
	// would be looked at again after a crash.
	storeEvery = time.Second
	// noteFor is how long a note of what became of an event may take.
	noteFor = 5 * time.Second
)

// open reads a subscription with its secrets.
func (s *Service) open(t *registry.Type, row store.Row) (*alert.Alert, error) {
	ent, err := s.engine.Opened(t, row)
	if err != nil {
		return nil, err
	}
	return alert.FromEntity(ent)
}

// work sends up to a batch of what is new on a line. next is the time before which there
// is nothing to do, the zero time for none; more tells that a batch was not all.
func (s *Service) work(ctx context.Context, l *line) (next time.Time, more bool, err error) {
	now := s.clock()
	var state State
	var by entity.Principal
	err = s.engine.Store().View(ctx, func(r store.Reader) error {
		var err error
		if state, err = readState(ctx, r, l.alert.ID, l.to.ID); err != nil {
			return err
		}
		by, err = authorOf(ctx, r, l.alert)
		return err
	})
	if problem := cmp.Or(err, l.broken); problem != nil {
		if kind := entity.KindOf(problem); kind != entity.KindBadRequest && kind != entity.KindNotFound {
			return now, false, problem
		}
		return now.Add(longest), false, s.stuck(ctx, l, state, problem)
	}
	if at := time.UnixMilli(state.NextAttempt); at.After(now) {
		return at, false, nil
	}
	if l.alert.Trigger.Scheduled() {
		if due, err := s.due(ctx, l, &state); err != nil || due.After(now) {
			return due, false, ignoreEnds(err)
		}
	}
	return s.advance(ctx, l, state, by)
}

// due is when the schedule lets the next events go.
func (s *Service) due(ctx context.Context, l *line, state *State) (time.Time, error) {
	if state.Due == 0 {
		next := l.alert.Trigger.Next(s.clock())
		if next.IsZero() {
			return s.clock().Add(longest), nil // a schedule that never comes, from before they were checked
		}
		state.Due = next.UnixMilli()
		if err := s.save(ctx, l, *state, nil); err != nil {
			return next, err
		}
	}
	return time.UnixMilli(state.Due), nil
}

// advance goes through the next events.
func (s *Service) advance(ctx context.Context, l *line, state State, by entity.Principal) (next time.Time, more bool, err error) {
	if l.epoch != state.Epoch {
		l.epoch, l.skipped, l.seq = state.Epoch, 0, 0
	}
	events, through, more, err := s.next(ctx, l, max(state.Position, l.skipped))
	if err != nil {
		return next, false, err
	}
	changes, err := s.engine.ChangesOf(ctx, by, events, s.base)
	if err != nil {
		return next, false, err
	}
	bySeq := make(map[uint64]store.Event, len(events))
	for _, ev := range events {
		bySeq[ev.Seq] = ev
	}
	bots := map[string]bool{}
	for _, change := range changes {
		fits, err := s.fits(ctx, l.matcher, change, bots)
		if err != nil {
			return next, false, err
		}
		if !fits {
			continue
		}
		if state, err = s.deliver(ctx, l, state, bySeq[change.Seq], change); err != nil {
			return next, false, ignoreEnds(err)
		}
		if state.Failures > 0 { // also after an event was given up: the receiver is not well
			return time.UnixMilli(state.NextAttempt), false, nil
		}
	}
	return s.skip(ctx, l, state, through, more)
}

// next reads the next events that the alert watches, up to a batch. through is the
// place up to which all was looked at.
func (s *Service) next(ctx context.Context, l *line, from uint64) (watched []store.Event, through uint64, more bool, err error) {
	var events []store.Event
	err = s.engine.Store().View(ctx, func(r store.Reader) error {
		events, err = r.Events(ctx, store.EventQuery{After: from, Limit: scanPage})
		return err
	})
	if err != nil {
		return nil, from, false, err
	}
	through = from
	for _, ev := range events {
		if l.alert.Filtering.Watches(alert.ResourceOf(ev.EntityType, ev.Doc)) {
			if len(watched) == l.alert.BatchSize {
				return watched, through, true, nil
			}
			watched = append(watched, ev)
		}
		through = ev.Seq
	}
	return watched, through, len(events) == scanPage, nil
}

// skip notes that all up to a place is done with.
func (s *Service) skip(ctx context.Context, l *line, state State, through uint64, more bool) (next time.Time, again bool, err error) {
	now := s.clock()
	l.skipped = max(through, state.Position)
	over := !more && l.alert.Trigger.Scheduled() // all up to its time was sent
	if over {
		state.Due = 0
		if next = l.alert.Trigger.Next(now); !next.IsZero() {
			state.Due = next.UnixMilli()
		}
	}
	if !over && (l.skipped == state.Position || now.Sub(l.stored) < storeEvery) {
		return next, more, nil
	}
	state.Position, l.stored = l.skipped, now
	return next, more, ignoreEnds(s.save(ctx, l, state, nil))
}

// fits asks the alert's filters about an event. bots remembers who is one.
func (s *Service) fits(ctx context.Context, m *alert.Matcher, change engine.ChangeEvent, bots map[string]bool) (bool, error) {
	bot, known := bots[change.UserName]
	if !known {
		var err error
		if bot, err = s.isBot(ctx, change.UserName); err != nil {
			return false, err
		}
		bots[change.UserName] = bot
	}
	about, err := s.aboutOf(ctx, change)
	if err != nil {
		return false, err
	}
	return m.Match(&alert.Occasion{
		About: about, EventType: change.EventType, EntityType: change.EntityType, EntityID: change.EntityID, EntityFQN: change.EntityFullyQualifiedName,
		User: change.UserName, Bot: bot, Change: change.ChangeDescription, State: stateOf(change),
	}), nil
}

// deliver sends an event to a destination and notes what became of it, with the new
// position, in one transaction.
func (s *Service) deliver(ctx context.Context, l *line, state State, ev store.Event, change engine.ChangeEvent) (State, error) {
	if l.seq != ev.Seq {
		l.seq, l.done = ev.Seq, map[string]bool{}
	}
	err := s.send(ctx, l, ev, change)
	if err != nil && ctx.Err() != nil {
		return state, ctx.Err() // the server stops: nobody's failure
	}
	// What was sent is noted though the server stops.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteFor)
	defer cancel()
	now := s.clock()
	entry := &Entry{Event: ev, Subscription: l.alert.ID, Destination: l.to.ID, At: now.UnixMilli()}
	state.At = entry.At
	if err == nil {
		state.Position, state.Status, state.Attempts, state.Failures, state.NextAttempt = ev.Seq, StatusActive, 0, 0, 0
		state.LastSuccess = entry.At
		state.Sent++
		return state, s.save(ctx, l, state, entry)
	}
	f := failureOf(err)
	s.log.WarnContext(ctx, "an event could not be sent", "subscription", l.alert.Name, "destination", l.to.ID.String(), "event", ev.ID.String(), "reason", f.reason, "error", f.cause)
	state.LastFailure, state.LastCode, state.LastReason = entry.At, f.code, f.reason
	state.Attempts++
	state.Failures++
	state.NextAttempt = now.Add(max(s.backoff(state.Failures), f.wait)).UnixMilli()
	state.Status = StatusAwaiting
	if !f.final && state.Attempts <= l.alert.Retries {
		return state, s.save(ctx, l, state, nil)
	}
	state.Position, state.Status, state.Attempts = ev.Seq, StatusFailed, 0
	state.Failed++
	entry.Failed, entry.Reason, entry.Source, entry.Code = true, f.reason, f.source, f.code
	return state, s.save(ctx, l, state, entry)
}

// backoff is the pause after so many failures: twice as long each time, and never the
// same, so that many senders do not come back at once.
func (s *Service) backoff(failures int) time.Duration {
	pause := min(s.pause<<min(failures-1, 20), longest)
	return pause/2 + rand.N(pause/2+1)
}

// send sends an event to all recipients who did not get it yet.
func (s *Service) send(ctx context.Context, l *line, ev store.Event, change engine.ChangeEvent) error {
	if l.to.Type == alert.Webhook {
		body, err := json.Marshal(change)
		if err != nil {
			return entity.Internal(err)
		}
		return s.post(ctx, l.to, body)
	}
	n, err := s.notice(ctx, l.alert, change)
	if err != nil {
		return err
	}
	if l.to.Type == alert.Email {
		addresses, err := s.recipients(ctx, l.to, ev, change)
		if err != nil {
			return err
		}
		subject, plain, rich := n.Mail()
		return s.mail(ctx, addresses, l.done, subject, plain, rich)
	}
	body, err := bodyFor(l.to.Type, n)
	if err != nil {
		return err
	}
	return s.post(ctx, l.to, body)
}

// mail sends a mail to each of the addresses that is not done yet.
func (s *Service) mail(ctx context.Context, addresses []string, done map[string]bool, subject, plain, rich string) error {
	if s.mailer == nil && len(addresses) > 0 {
		return &failure{reason: "This server sends no mail: the operator has to configure it.", source: SourceServer, final: true}
	}
	var failed error
	for _, to := range addresses {
		if done[to] {
			continue
		}
		if err := s.mailer.Tell(ctx, to, subject, plain, rich); err != nil {
			failed = &failure{reason: "The mail server did not take the mail.", source: SourceServer, cause: err}
			continue
		}
		done[to] = true
	}
	return failed
}

// stuck notes that an alert cannot be worked on. Its position stays, so that nothing is
// left out when that is mended.
func (s *Service) stuck(ctx context.Context, l *line, state State, problem error) error {
	reason := entity.AsError(problem).Message
	if state.Status == StatusFailed && state.LastReason == reason {
		return nil
	}
	state.Status, state.LastReason, state.LastCode, state.At = StatusFailed, reason, 0, s.clock().UnixMilli()
	state.LastFailure = state.At
	return ignoreEnds(s.save(ctx, l, state, nil))
}

// save stores a state, and what became of an event, unless somebody has moved the
// position meanwhile: then only the note counts.
func (s *Service) save(ctx context.Context, l *line, state State, entry *Entry) error {
	return s.engine.Store().Update(ctx, func(tx store.Tx) error {
		if err := s.still(ctx, tx); err != nil {
			return err
		}
		if _, err := tx.Entity(ctx, l.alert.ID); entity.KindOf(err) == entity.KindNotFound && err != nil {
			return errGone
		}
		if entry != nil {
			if err := note(ctx, tx, *entry); err != nil {
				return err
			}
		}
		stored, err := readState(ctx, tx, l.alert.ID, l.to.ID)
		if err != nil {
			return err
		}
		if stored.Epoch != state.Epoch {
			stored.Sent, stored.Failed = state.Sent, state.Failed
			state = stored
		}
		return writeState(ctx, tx, l.alert.ID, l.to.ID, state)
	})
}

// ignoreEnds drops errors that only say that there is nothing more to do here.
func ignoreEnds(err error) error {
	if errors.Is(err, errOvertaken) || errors.Is(err, errGone) || errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// authorOf is with whose eyes an alert sees: whoever saved it last.
func authorOf(ctx context.Context, r store.Reader, a *alert.Alert) (entity.Principal, error) {
	row, err := r.EntityByFQN(ctx, store.Key{Type: "user", FQN: entity.QuoteName(strings.ToLower(a.UpdatedBy))})
	if entity.KindOf(err) == entity.KindNotFound && err != nil || err == nil && row.Deleted {
		return entity.Principal{}, entity.Errorf(entity.KindNotFound, "%s, who saved this alert last and whose rights it has, is gone: save it again", entity.Shorten(a.UpdatedBy, 100))
	}
	return entity.Principal{UserID: row.ID, Name: row.Name}, err
}

func (s *Service) isBot(ctx context.Context, name string) (bool, error) {
	var user struct {
		Bot bool `json:"isBot"`
	}
	err := s.engine.Store().View(ctx, func(r store.Reader) error {
		row, err := r.EntityByFQN(ctx, store.Key{Type: "user", FQN: entity.QuoteName(strings.ToLower(name))})
		if err != nil {
			return err
		}
		return json.Unmarshal(row.Doc, &user)
	})
	if err != nil && entity.KindOf(err) == entity.KindNotFound {
		return false, nil
	}
	return user.Bot, err
}
