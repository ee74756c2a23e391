package notify

import (
	"context"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Load is how much there is to send.
type Load struct {
	Destinations int    // that are switched on
	Busy         int    // that are sent to at the moment
	Retrying     int    // whose last attempt failed, and that wait for the next
	Behind       uint64 // events of the feed that the last of these has still before it
}

// Load tells how much there is to send. It reads what is stored of the destinations in
// one statement, whatever their number.
func (s *Service) Load(ctx context.Context) (Load, error) {
	var out Load
	busy := map[lineKey]bool{}
	s.mu.Lock()
	out.Destinations = len(s.lines)
	for key, l := range s.lines {
		busy[key] = l.busy
		if l.busy {
			out.Busy++
		}
	}
	s.mu.Unlock()
	if out.Destinations == 0 {
		return out, nil
	}
	err := s.engine.Store().View(ctx, func(r store.Reader) error {
		last, err := r.LastSeq(ctx)
		if err != nil {
			return err
		}
		records, err := r.Records(ctx, store.RecordQuery{Kind: stateKind, Any: true, Limit: maxStates})
		for _, rec := range records {
			sending, known := busy[keyOf(rec)]
			var state State
			if !known || json.Unmarshal(rec.Doc, &state) != nil {
				continue
			}
			waits := state.Status == StatusAwaiting || state.Failures > 0
			if waits {
				out.Retrying++
			}
			if (waits || sending) && state.Position < last {
				out.Behind = max(out.Behind, last-state.Position)
			}
		}
		return err
	})
	return out, err
}

// maxStates bounds how many destinations Load looks at.
const maxStates = 10 * maxAlerts

// keyOf names the destination that a state is of.
func keyOf(rec store.Record) lineKey {
	subscription, err := entity.ParseID(rec.Owner)
	if err != nil {
		return lineKey{}
	}
	destination, err := entity.ParseID(rec.Key)
	if err != nil {
		return lineKey{}
	}
	return lineKey{subscription, destination}
}
