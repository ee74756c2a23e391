package api

import (
	"net/http"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/notify"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// alertFailure is an event that was given up.
type alertFailure struct {
	Subscription entity.ID          `json:"failingSubscriptionId"`
	Event        engine.ChangeEvent `json:"changeEvent"`
	Reason       string             `json:"reason"`
	Source       string             `json:"source"`
	Timestamp    int64              `json:"timestamp"`
}

// typedEvent is an event with what became of it.
type typedEvent struct {
	Status    string `json:"status"` // failed, successful
	Data      []any  `json:"data"`
	Timestamp int64  `json:"timestamp"`
}

// changesBySeq are the events of entries that the caller may see, by their place.
func (c *call) changesBySeq(entries []notify.Entry) (map[uint64]engine.ChangeEvent, error) {
	var events []store.Event
	known := map[uint64]bool{}
	for _, e := range entries {
		if !known[e.Event.Seq] {
			known[e.Event.Seq] = true
			events = append(events, e.Event)
		}
	}
	changes, err := c.seenChanges(events)
	out := make(map[uint64]engine.ChangeEvent, len(changes))
	for _, change := range changes {
		out[change.Seq] = change
	}
	return out, err
}

// failures shows entries of events that the caller may see.
func (c *call) failures(entries []notify.Entry) ([]alertFailure, error) {
	changes, err := c.changesBySeq(entries)
	out := []alertFailure{}
	for _, e := range entries {
		if change, ok := changes[e.Event.Seq]; ok {
			out = append(out, alertFailure{Subscription: e.Subscription, Event: change, Reason: e.Reason, Source: e.Source, Timestamp: e.At})
		}
	}
	return out, err
}

// alertLog reads a log of the subscription that the path names.
func (c *call) alertLog(t *registry.Type, q notify.Log) ([]notify.Entry, error) {
	page, err := c.alertWindow()
	if err != nil {
		return nil, err
	}
	q.Limit, q.Offset = page.limit, page.offset
	var entries []notify.Entry
	_, err = c.watching(t, func(r store.Reader, id entity.ID) error {
		q.Subscription = id
		entries, err = q.Find(c.ctx(), r)
		return err
	})
	return entries, err
}

func (c *call) listFailedEvents(t *registry.Type) error {
	entries, err := c.alertLog(t, notify.Log{Failed: true, Source: c.query.Get("source")})
	if err != nil {
		return err
	}
	out, err := c.failures(entries)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

// listAllFailedEvents answers what failed for any subscription.
func (c *call) listAllFailedEvents(t *registry.Type) error {
	page, err := c.alertWindow()
	if err != nil {
		return err
	}
	if err := c.authorize(t.Name, policy.EditAll); err != nil {
		return err
	}
	var entries []notify.Entry
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		q := notify.Log{Failed: true, Source: c.query.Get("source"), Limit: page.limit, Offset: page.offset}
		entries, err = q.Find(c.ctx(), r)
		return err
	})
	if err != nil {
		return err
	}
	out, err := c.failures(entries)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

func (c *call) listSentEvents(t *registry.Type) error {
	entries, err := c.alertLog(t, notify.Log{})
	if err != nil {
		return err
	}
	changes, err := c.changesBySeq(entries)
	if err != nil {
		return err
	}
	out := []engine.ChangeEvent{}
	for _, e := range entries {
		if change, ok := changes[e.Event.Seq]; ok {
			out = append(out, change)
		}
	}
	return c.json(http.StatusOK, out)
}

// listAlertEvents answers what became of events, one kind or both, the newest first.
func (c *call) listAlertEvents(t *registry.Type) error {
	page, err := c.alertWindow()
	if err != nil {
		return err
	}
	logs := []notify.Log{{}, {Failed: true}}
	switch c.query.Get("status") {
	case "":
	case "successful":
		logs = logs[:1]
	case "failed":
		logs = logs[1:]
	default:
		return entity.BadRequest("Invalid status. Must be 'failed' or 'successful'.")
	}
	var entries []notify.Entry
	total := 0
	_, err = c.watching(t, func(r store.Reader, id entity.ID) error {
		for _, q := range logs {
			q.Subscription, q.Limit = id, page.offset+page.limit
			found, err := q.Find(c.ctx(), r)
			if err != nil {
				return err
			}
			n, err := q.Count(c.ctx(), r)
			if err != nil {
				return err
			}
			total += n
			entries = append(entries, found...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	slices.SortStableFunc(entries, func(a, b notify.Entry) int { return int(b.At - a.At) })
	out, err := c.typedEvents(cut(entries, page))
	if err != nil {
		return err
	}
	answer := newPage(out, total)
	answer.Paging.Offset, answer.Paging.Limit = &page.offset, &page.limit
	return c.json(http.StatusOK, answer)
}

func (c *call) typedEvents(entries []notify.Entry) ([]typedEvent, error) {
	changes, err := c.changesBySeq(entries)
	if err != nil {
		return nil, err
	}
	var out []typedEvent
	for _, e := range entries {
		change, ok := changes[e.Event.Seq]
		if !ok {
			continue
		}
		one := typedEvent{Status: "successful", Data: []any{change}, Timestamp: change.Timestamp}
		if e.Failed {
			one.Status = "failed"
			one.Data = []any{alertFailure{Subscription: e.Subscription, Event: change, Reason: e.Reason, Source: e.Source, Timestamp: e.At}}
		}
		out = append(out, one)
	}
	return out, nil
}
