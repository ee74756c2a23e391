package engine

import (
	"context"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/sync/errgroup"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// Limits of one bulk request.
const (
	maxBulk      = 10_000
	bulkParallel = 16 // writes under way at once; they share commits
)

// BulkResult is the outcome of a bulk write, one row per request.
type BulkResult struct {
	DryRun                bool       `json:"dryRun"`
	Status                string     `json:"status"` // success, partialSuccess or failure
	NumberOfRowsProcessed int        `json:"numberOfRowsProcessed"`
	NumberOfRowsPassed    int        `json:"numberOfRowsPassed"`
	NumberOfRowsFailed    int        `json:"numberOfRowsFailed"`
	SuccessRequest        []BulkItem `json:"successRequest"`
	FailedRequest         []BulkItem `json:"failedRequest"`
}

// BulkItem is one row of a bulk result.
type BulkItem struct {
	Request jsontext.Value `json:"request"`
	Status  int            `json:"status"` // as HTTP has them
	Message string         `json:"message,omitzero"`
}

// Bulk creates or updates each of an array of create requests. A bad row fails
// alone. statusOf turns an error into the row's status.
func (e *Engine) Bulk(ctx context.Context, by entity.Principal, t *registry.Type, body []byte, statusOf func(error) int) (BulkResult, error) {
	var requests []jsontext.Value
	if jsontext.Value(body).Kind() != '[' {
		return BulkResult{}, entity.BadRequest("a bulk request is an array of create requests")
	}
	if err := json.Unmarshal(body, &requests, readOptions); err != nil {
		return BulkResult{}, entity.BadRequest("the body cannot be read: %s", jsonProblem(err))
	}
	if len(requests) > maxBulk {
		return BulkResult{}, entity.BadRequest("a bulk request has at most %d rows", maxBulk)
	}
	items := make([]BulkItem, len(requests))
	group := errgroup.Group{}
	group.SetLimit(e.bulkLimit(t))
	var stop error
	var once sync.Once
	for i, request := range requests {
		group.Go(func() error {
			items[i] = e.bulkRow(ctx, by, t, request, statusOf)
			if err := ctx.Err(); err != nil {
				once.Do(func() { stop = err })
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return BulkResult{}, err
	}
	if stop != nil {
		return BulkResult{}, stop
	}
	return summarize(items), nil
}

// bulkLimit is how many rows may run side by side: one for types that may be
// parents of each other, so that a parent before its child is there in time.
func (e *Engine) bulkLimit(t *registry.Type) int {
	for _, p := range t.Parents {
		if p.Type == t.Name {
			return 1
		}
	}
	return bulkParallel
}

func (e *Engine) bulkRow(ctx context.Context, by entity.Principal, t *registry.Type, request jsontext.Value, statusOf func(error) int) BulkItem {
	result, err := e.Put(ctx, by, t, request, View{})
	if err != nil {
		e.log.WarnContext(ctx, "a row of a bulk write failed", "type", t.Name, "err", err)
		return BulkItem{Request: request, Status: statusOf(err), Message: publicMessage(err)}
	}
	item := BulkItem{Request: request, Status: 200}
	if result.Created() {
		item.Status = 201
	}
	return item
}

// publicMessage returns what a client may read of an error.
func publicMessage(err error) string {
	if known := entity.AsError(err); known != nil {
		return known.Message
	}
	return entity.Internal(err).Message
}

func summarize(items []BulkItem) BulkResult {
	out := BulkResult{NumberOfRowsProcessed: len(items), SuccessRequest: []BulkItem{}, FailedRequest: []BulkItem{}}
	for _, item := range items {
		if item.Status < 300 {
			out.SuccessRequest = append(out.SuccessRequest, item)
		} else {
			out.FailedRequest = append(out.FailedRequest, item)
		}
	}
	out.NumberOfRowsPassed, out.NumberOfRowsFailed = len(out.SuccessRequest), len(out.FailedRequest)
	switch {
	case out.NumberOfRowsFailed == 0:
		out.Status = "success"
	case out.NumberOfRowsPassed == 0:
		out.Status = "failure"
	default:
		out.Status = "partialSuccess"
	}
	return out
}

// SummarizeBulk counts the rows of a bulk write that is not one of entities.
func SummarizeBulk(items []BulkItem) BulkResult { return summarize(items) }

// PublicMessage returns what a client may read of an error.
func PublicMessage(err error) string { return publicMessage(err) }
