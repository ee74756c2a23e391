package api

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

const (
	maxStreams  = 32          // logs that are watched at the same time
	streamPause = time.Second // between two looks at a log that is being written
	streamParts = 100         // batches of one look
)

// streamLog sends a log as server-sent events while it is being written: a batch is an
// event, whose id says where a client that comes back goes on. It ends with the log,
// with the time that one request may take, and when the server is about to stop.
func (c *call) streamLog(t *registry.Type) error {
	id, err := c.runParam()
	if err != nil {
		return err
	}
	after, err := c.lastEvent()
	if err != nil {
		return err
	}
	select {
	case c.streams <- struct{}{}:
		defer func() { <-c.streams }()
	default:
		return entity.Errorf(entity.KindUnavailable, "%d logs are being watched; try again, or read this one in pages", maxStreams)
	}
	parts, closed, err := c.logAfter(t, id, after)
	if err != nil {
		return err
	}
	out := http.NewResponseController(c.w)
	c.w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	c.w.WriteHeader(http.StatusOK)
	ticker := time.NewTicker(streamPause)
	defer ticker.Stop()
	for {
		if after, err = c.sendParts(parts, after); err != nil {
			return nil // the client went away, or the log cannot be read: the header is out
		}
		if closed && len(parts) < streamParts {
			_, _ = fmt.Fprint(c.w, "event: end\ndata: the log is complete\n\n")
			return nil
		}
		if out.Flush() != nil {
			return nil
		}
		if len(parts) < streamParts {
			select {
			case <-c.ctx().Done():
				return nil
			case <-c.draining: // the client comes back with the id of the last event
				return nil
			case <-ticker.C:
			}
		}
		if parts, closed, err = c.logAfter(t, id, after); err != nil {
			return nil // who may no longer see it gets no more of it
		}
	}
}

// lastEvent reads which event a client that comes back has seen last, "" for none.
func (c *call) lastEvent() (string, error) {
	id := c.r.Header.Get("Last-Event-ID")
	if len(id) > 20 || strings.Trim(id, "0123456789") != "" {
		return "", entity.BadRequest("Last-Event-ID is the id of an event of this stream")
	}
	return id, nil
}

// sendParts writes batches as events and returns the id of the last one, which is after
// if there is none.
func (c *call) sendParts(parts []store.Record, after string) (string, error) {
	for _, part := range parts {
		if err := c.sendPart(part); err != nil {
			return after, err
		}
		after = part.Key
	}
	return after, nil
}

// sendPart writes a batch as one event.
func (c *call) sendPart(part store.Record) error {
	var text string
	if err := json.Unmarshal(part.Doc, &text); err != nil {
		return err
	}
	text = strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(strings.TrimRight(text, "\r\n"))
	_, err := fmt.Fprintf(c.w, "id: %s\ndata: %s\n\n", part.Key, strings.ReplaceAll(text, "\n", "\ndata: "))
	return err
}

// logAfter reads the batches after one, and whether the log is complete.
func (c *call) logAfter(t *registry.Type, id, after string) (parts []store.Record, closed bool, err error) {
	sel, err := c.selector()
	if err != nil {
		return nil, false, err
	}
	err = c.read(t, sel, policy.ViewAll, func(r store.Reader, row store.Row) error {
		owner := logOwner(row.FQN)
		l, known, err := c.readLogRun(r, owner, id)
		if err != nil {
			return err
		}
		if !known {
			return entity.NotFound("log", id)
		}
		closed = l.Closed
		parts, err = r.Records(c.ctx(), store.RecordQuery{Kind: logPartBase + id, Owner: owner.String(), After: after, Limit: streamParts})
		return err
	})
	return parts, closed, err
}
