package api

import (
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// presence is when people were last there: when they last called, as this process
// knows. Sessions, which outlive it, tell the rest.
type presence struct {
	mu   sync.Mutex
	seen map[entity.ID]int64 // milliseconds since 1970
}

func newPresence() *presence { return &presence{seen: map[entity.ID]int64{}} }

// note remembers a call. Bots are always there, and who is spoken for is not.
func (p *presence) note(by entity.Principal, now time.Time) {
	if by.IsBot || by.Bot != "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[by.UserID] = now.UnixMilli()
}

// since adds who was there since a time, and forgets those before a day.
func (p *presence) since(at, now time.Time, active map[entity.ID]int64) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for id, last := range p.seen {
		switch {
		case last < now.Add(-maxPresence).UnixMilli():
			delete(p.seen, id)
		case last >= at.UnixMilli():
			active[id] = max(active[id], last)
		}
	}
}

// maxPresence is how far back one can ask.
const maxPresence = 24 * time.Hour

// listOnline answers the people who called within the last minutes, or whose session
// was opened or renewed then.
func (c *call) listOnline(t *registry.Type) error {
	minutes, err := c.number("timeWindow", 5, 1, int(maxPresence/time.Minute))
	if err != nil {
		return err
	}
	view, err := c.view(t)
	if err != nil {
		return err
	}
	limit, err := c.number("limit", 10, 0, c.limits.MaxPage)
	if err != nil {
		return err
	}
	now := c.clock()
	from := now.Add(-time.Duration(minutes) * time.Minute)
	active, err := c.auth.ActiveSince(c.ctx(), from)
	if err != nil {
		return err
	}
	c.presence.since(from, now, active)
	if len(active) == 0 {
		return c.json(http.StatusOK, newPage[*entity.Entity](nil, 0))
	}
	ids := make([]entity.ID, 0, len(active))
	for id := range active {
		ids = append(ids, id)
	}
	got, err := c.engine.List(c.ctx(), c.by, t, engine.ListRequest{
		Query: store.ListQuery{IDs: ids}, Limit: min(limit, maxRows), After: c.query.Get("after"), Before: c.query.Get("before"), View: view,
	})
	if err != nil {
		return err
	}
	for _, user := range got.Items {
		last, err := encoded(active[user.ID])
		if err != nil {
			return err
		}
		if user.Rest == nil {
			user.Rest = map[string]jsontext.Value{}
		}
		user.Rest["lastActivityTime"] = last
	}
	out := newPage(got.Items, got.Total)
	out.Paging.After, out.Paging.Before = got.After, got.Before
	return c.json(http.StatusOK, out)
}
