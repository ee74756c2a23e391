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
	"github.com/go-json-experiment/json/jsontext"

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
	// Of two servers that write a document, the one that has read further in the log has the say, whoever comes last.
	version := fmt.Sprintf(`"version":%d,"version_type":"external_gte"`, batch.Position)
	for _, id := range batch.Deletes {
		operations = append(operations, operation{id, fmt.Appendf(nil, `{"delete":{"_id":%q,%s}}`+"\n", id, version)})
	}
	docs := make([]*stored, 0, len(batch.Upserts))
	for _, doc := range batch.Upserts {
		parts, err := analyze(doc, e.takes)
		if err != nil {
			return fmt.Errorf("document %s: %w", doc.ID, err)
		}
		docs = append(docs, parts)
	}
	if err := e.widen(ctx, docs); err != nil {
		return err
	}
	for i, doc := range batch.Upserts {
		body, err := json.Marshal(docs[i], jsontext.AllowInvalidUTF8(true))
		if err != nil {
			return fmt.Errorf("document %s: %w", doc.ID, err)
		}
		line := fmt.Appendf(nil, `{"index":{"_id":%q,%s}}`+"\n", doc.ID, version)
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
			case one.Status == http.StatusConflict: // there is a newer one; moveTo finds out
			case one.Error.Type != "":
				return nil, fmt.Errorf("document %s: %s: %s", operations[i].id, one.Error.Type, one.Error.Reason)
			}
		}
	}
	return busy, nil
}

// moveTo writes the position, if it is still the one that this process knows. Otherwise somebody else writes the index,
// or has exchanged it: whoever follows the log has to begin again with the position that the index has.
func (e *Engine) moveTo(ctx context.Context, position uint64) error {
	e.mu.Lock()
	written, known, index := e.written, e.known, e.index
	e.mu.Unlock()
	if known && position <= written {
		return nil
	}
	at, err := e.note(ctx, positionID)
	if err != nil {
		return err
	}
	if at.Index != index || known && at.Source.Position != written {
		e.vanished()
		return behind(fmt.Errorf("the index is %s at %d, not %s at %d", at.Index, at.Source.Position, index, written))
	}
	if position > at.Source.Position {
		query := url.Values{"require_alias": {"true"}, "op_type": {"create"}}
		if at.Found {
			query = url.Values{"require_alias": {"true"}, "if_seq_no": {strconv.FormatInt(at.Seq, 10)}, "if_primary_term": {strconv.FormatInt(at.Term, 10)}}
		}
		err := e.client.call(ctx, http.MethodPut, e.at("/_doc/", positionID), query, object{fieldPosition: position}, nil)
		if entity.KindOf(err) == entity.KindConflict {
			return behind(err)
		}
		if err != nil {
			return err
		}
		at.Source.Position = position
	}
	e.mu.Lock()
	e.written, e.known = at.Source.Position, true
	e.mu.Unlock()
	return nil
}

// behind is the error of a batch that came when somebody else had moved the position.
func behind(cause error) error {
	return &entity.Error{Kind: entity.KindConflict, Message: "Another server writes the search index; try again in a moment.", Cause: cause}
}
