package notify

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/alert"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Mailer sends mails to people.
type Mailer interface {
	// Tell sends one mail to one bare address.
	Tell(ctx context.Context, to, subject, plain, rich string) error
}

// Options are what a Service is made of. Engine and Client are required.
type Options struct {
	Engine *engine.Engine
	// Client makes the calls to others; the rules about whom they may go to are its.
	Client *http.Client
	Mailer Mailer // nil when the server sends no mail
	// Base is what links begin with; "" leaves them out.
	Base string
	// Shared: other processes work on the same data; one of them sends at a time.
	Shared bool
	// Pause is the first pause after a failure; a second if it is 0.
	Pause time.Duration
	Log   *slog.Logger
	Clock func() time.Time // time.Now if nil
}

// Service sends what event subscriptions ask for. It is safe for concurrent use.
type Service struct {
	engine *engine.Engine
	client *http.Client
	mailer Mailer
	base   string
	shared bool
	pause  time.Duration
	log    *slog.Logger
	clock  func() time.Time
	holder string // of the lease

	wake chan struct{}

	mu    sync.Mutex
	stale bool // alerts have to be read again
	lines map[lineKey]*line
}

const (
	firstPause = time.Second
	longest    = time.Minute
	// pollEvery is how long the service trusts its wake-ups.
	pollEvery = 5 * time.Second
	// gatherFor is how long one round waits for more events.
	gatherFor = 20 * time.Millisecond
	// maxAlerts is how many subscriptions are worked on, and atOnce how many of their
	// destinations at the same time: each may wait for somebody slow.
	maxAlerts = 1000
	atOnce    = 16
)

// New makes a service. Run has to be called for it to send anything.
func New(opts Options) *Service {
	s := &Service{
		engine: opts.Engine, client: opts.Client, mailer: opts.Mailer, base: opts.Base, shared: opts.Shared, pause: opts.Pause, log: opts.Log, clock: opts.Clock,
		holder: entity.NewID().String(), wake: make(chan struct{}, 1), stale: true,
	}
	if s.pause <= 0 {
		s.pause = firstPause
	}
	if s.log == nil {
		s.log = slog.Default()
	}
	if s.clock == nil {
		s.clock = time.Now
	}
	s.engine.Store().OnCommit(func(c store.Commit) {
		if c.All {
			s.reload()
		}
		for _, typ := range c.Types {
			if typ == alertType {
				s.reload()
			}
		}
		if c.All || c.LastSeq > 0 {
			s.Wake()
		}
	})
	return s
}

// alertType is the name of event subscriptions in the registry.
const alertType = "eventsubscription"

// Wake tells the service that there is something to do. It never blocks.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Service) reload() {
	s.mu.Lock()
	s.stale = true
	s.mu.Unlock()
}

// lineKey names a destination of a subscription.
type lineKey struct{ subscription, destination entity.ID }

// line is a destination with what is remembered of it between rounds.
type line struct {
	alert   *alert.Alert
	to      *alert.Destination
	matcher *alert.Matcher
	broken  error // why the alert cannot be worked on

	busy bool      // somebody works on it; guarded by Service.mu
	next time.Time // nothing to do before; zero for at once

	// What follows belongs to whoever works on the line.
	epoch   int
	skipped uint64          // looked at up to here, and nothing to send; not stored yet
	stored  time.Time       // when a position was stored last
	seq     uint64          // of the event that is on its way
	done    map[string]bool // recipients who got it
}

// Begin notes where the feed stands, if that is not known yet. It is called before
// anybody can make a subscription.
func (s *Service) Begin(ctx context.Context) error { return noteBegin(ctx, s.engine.Store()) }

// Run sends until the context ends.
func (s *Service) Run(ctx context.Context) error {
	var running sync.WaitGroup
	defer running.Wait()
	slots := make(chan struct{}, atOnce)
	for ctx.Err() == nil {
		until := s.clock().Add(pollEvery)
		if s.leads(ctx) {
			until = s.round(ctx, slots, &running, until)
		}
		s.idle(ctx, until)
	}
	return ctx.Err()
}

func (s *Service) complain(ctx context.Context, err error) {
	if ctx.Err() == nil {
		s.log.ErrorContext(ctx, "alerts cannot be worked on; trying again", "error", err)
	}
}

// idle waits for events, for a line to end, or until the time.
func (s *Service) idle(ctx context.Context, until time.Time) {
	timer := time.NewTimer(max(until.Sub(s.clock()), time.Millisecond))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return
	case <-timer.C:
		return
	case <-s.wake:
	}
	gathered := time.NewTimer(gatherFor)
	defer gathered.Stop()
	select {
	case <-ctx.Done():
	case <-gathered.C:
	}
}

// round starts the work on all lines that have something to do and are not worked on,
// and returns when the next one is due.
func (s *Service) round(ctx context.Context, slots chan struct{}, running *sync.WaitGroup, until time.Time) time.Time {
	lines, err := s.current(ctx)
	if err != nil {
		s.complain(ctx, err)
		return until
	}
	now := s.clock()
	for _, l := range lines {
		s.mu.Lock()
		due := !l.busy && !l.next.After(now)
		if due {
			l.busy = true
		} else if !l.busy && l.next.Before(until) {
			until = l.next
		}
		s.mu.Unlock()
		if !due {
			continue
		}
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			return until
		}
		running.Go(func() {
			next, more, err := s.work(ctx, l)
			if err != nil {
				s.complain(ctx, err)
				next = s.clock().Add(s.pause)
			}
			s.mu.Lock()
			l.busy, l.next = false, next
			s.mu.Unlock()
			<-slots
			if more || !next.IsZero() {
				s.Wake() // there is more to do, or another time to wait until
			}
		})
	}
	return until
}

// current returns the lines of all alerts that are switched on, read again if
// something changed. A line that stays keeps what it remembers.
func (s *Service) current(ctx context.Context) ([]*line, error) {
	s.mu.Lock()
	stale := s.stale
	s.stale = false
	s.mu.Unlock()
	if stale {
		alerts, err := s.alerts(ctx)
		if err != nil {
			s.reload()
			return nil, err
		}
		s.replace(alerts)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*line, 0, len(s.lines))
	for _, l := range s.lines {
		out = append(out, l)
	}
	return out, nil
}

func (s *Service) replace(alerts []*alert.Alert) {
	s.mu.Lock()
	defer s.mu.Unlock()
	lines := map[lineKey]*line{}
	for _, a := range alerts {
		matcher, err := alert.NewMatcher(a.Filtering)
		for i := range a.Destinations {
			d := &a.Destinations[i]
			if !a.Enabled || !d.On() || !d.Sends() {
				continue
			}
			key := lineKey{a.ID, d.ID}
			l := &line{alert: a, to: d, matcher: matcher, broken: err}
			if old := s.lines[key]; old != nil && old.busy {
				// It may send by the old rules until its round ends; the next begins with these.
				l = old
				s.stale = true
			}
			lines[key] = l
		}
	}
	s.lines = lines
}

// alerts reads all event subscriptions.
func (s *Service) alerts(ctx context.Context) ([]*alert.Alert, error) {
	t, ok := s.engine.Registry().ByName(alertType)
	if !ok {
		return nil, nil
	}
	var out []*alert.Alert
	err := s.engine.Store().View(ctx, func(r store.Reader) error {
		rows, err := r.List(ctx, store.ListQuery{Type: alertType, Limit: maxAlerts})
		if err != nil {
			return err
		}
		for _, row := range rows {
			a, err := s.open(t, row)
			if err != nil {
				s.log.WarnContext(ctx, "an event subscription cannot be read and sends nothing", "subscription", row.FQN, "error", err)
				continue
			}
			out = append(out, a)
		}
		return nil
	})
	return out, err
}

// leads tells whether this process is the one that sends.
func (s *Service) leads(ctx context.Context) bool {
	if !s.shared {
		return true
	}
	leads, err := s.lead(ctx)
	if err != nil {
		s.complain(ctx, err)
	}
	return leads && err == nil
}
