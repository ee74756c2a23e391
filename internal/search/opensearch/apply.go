package opensearch

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/search"
)

const (
	// maxPushes is how often documents are sent that the cluster has no room for yet, each time after a longer pause.
	maxPushes  = 8
	firstPause = 100 * time.Millisecond
)

// operation is one line, or two, of a request that writes.
type operation struct {
	id   entity.ID
	body []byte
}

// Apply writes the batch, makes it visible, and then moves the position on: a crash in between means that the batch is
// applied again.
func (e *Engine) Apply(ctx context.Context, batch search.Batch) error {
	e.writing.Lock()
	defer e.writing.Unlock()
	if err := e.prepare(ctx); err != nil {
		return err
	}
	err := e.apply(ctx, batch)
	if entity.KindOf(err) == entity.KindNotFound { // somebody removed the index
		e.vanished()
		return &entity.Error{Kind: entity.KindUnavailable, Message: down, Cause: err}
	}
	return err
}

func (e *Engine) apply(ctx context.Context, batch search.Batch) error {
	operations := make([]operation, 0, len(batch.Deletes)+len(batch.Upserts))
	for _, id := range batch.Deletes {
		operations = append(operations, operation{id, fmt.Appendf(nil, `{"delete":{"_id":%q}}`+"\n", id)})
	}
	for _, doc := range batch.Upserts {
		body, err := analyze(doc, e.takes)
		if err != nil {
			return fmt.Errorf("document %s: %w", doc.ID, err)
		}
		line := fmt.Appendf(nil, `{"index":{"_id":%q}}`+"\n", doc.ID)
		operations = append(operations, operation{doc.ID, append(append(line, body...), '\n')})
	}
	for rest := operations; len(rest) > 0; {
		n, size := 0, 0
		for n < len(rest) && (n == 0 || size+len(rest[n].body) <= e.opts.BulkBytes) {
			size += len(rest[n].body)
			n++
		}
		if err := e.push(ctx, rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	if len(operations) > 0 {
		if err := e.client.call(ctx, http.MethodPost, e.at("/_refresh"), nil, nil, nil); err != nil {
			return err
		}
	}
	return e.moveTo(ctx, batch.Position)
}

// push writes operations. Those that the cluster has no room for are sent again.
func (e *Engine) push(ctx context.Context, operations []operation) error {
	pause := firstPause
	for attempt := 1; ; attempt++ {
		busy, err := e.bulk(ctx, operations)
		if err != nil || len(busy) == 0 {
			return err
		}
		if attempt == maxPushes {
			return &entity.Error{Kind: entity.KindUnavailable, Message: "The search server has too much to do; try again in a moment.",
				Cause: fmt.Errorf("%d documents were refused %d times", len(busy), attempt)}
		}
		operations = busy
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		case <-timer.C:
		}
		pause *= 2
	}
}

// bulk sends operations once and returns those that have to be sent again.
func (e *Engine) bulk(ctx context.Context, operations []operation) (busy []operation, err error) {
	var body bytes.Buffer
	for _, op := range operations {
		body.Write(op.body)
	}
	// An index that is not there must not come into being without its mapping.
	query := url.Values{"require_alias": {"true"}, "filter_path": {"errors,items.*.status,items.*.error.type,items.*.error.reason"}}
	status, answer, err := e.client.send(ctx, http.MethodPost, e.at("/_bulk"), query, "application/x-ndjson", body.Bytes())
	if err != nil {
		return nil, err
	}
	if status == http.StatusTooManyRequests {
		return operations, nil
	}
	if status >= 300 {
		return nil, refusal(status, answer)
	}
	var result struct {
		Errors bool `json:"errors"`
		Items  []map[string]struct {
			Status int `json:"status"`
			Error  struct {
				Type   string `json:"type"`
				Reason string `json:"reason"`
			} `json:"error"`
		} `json:"items"`
	}
	if err := json.Unmarshal(answer, &result); err != nil {
		return nil, entity.Internal(err)
	}
	if !result.Errors {
		return nil, nil
	}
	if len(result.Items) != len(operations) {
		return nil, entity.Internal(errors.New("the search server answered for another number of documents"))
	}
	for i, item := range result.Items {
		for _, one := range item {
			switch {
			case one.Error.Type == "index_not_found_exception":
				return nil, entity.Errorf(entity.KindNotFound, "The search index is not there.")
			case one.Status == http.StatusTooManyRequests || one.Status == http.StatusServiceUnavailable:
				busy = append(busy, operations[i])
			case one.Error.Type != "":
				return nil, fmt.Errorf("document %s: %s: %s", operations[i].id, one.Error.Type, one.Error.Reason)
			}
		}
	}
	return busy, nil
}

// moveTo writes the position. The cluster keeps the furthest: whoever comes late, with a batch that was applied
// already, takes nothing back.
func (e *Engine) moveTo(ctx context.Context, position uint64) error {
	e.mu.Lock()
	written := e.written
	e.mu.Unlock()
	if position <= written {
		return nil
	}
	query := url.Values{"version": {strconv.FormatUint(position, 10)}, "version_type": {"external_gte"}, "require_alias": {"true"}}
	err := e.client.call(ctx, http.MethodPut, e.at("/_doc/", positionID), query, object{fieldPosition: position}, nil)
	if err != nil && entity.KindOf(err) != entity.KindConflict {
		return err
	}
	e.mu.Lock()
	e.written = position
	e.mu.Unlock()
	return nil
}
