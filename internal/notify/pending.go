package notify

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/alert"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// maxPending is how many events Pending looks at, so that its cost has a bound.
const maxPending = 5000

// Pending is what a subscription has not come to yet.
type Pending struct {
	Total    []store.Event // all events of the feed
	Relevant []store.Event // those that it asks for and its author may see
}

// Pending looks at the events after a place in the feed, up to a bound.
func (s *Service) Pending(ctx context.Context, a *alert.Alert, after uint64) (Pending, error) {
	var out Pending
	matcher, err := alert.NewMatcher(a.Filtering)
	if err != nil {
		return out, err
	}
	var by entity.Principal
	err = s.engine.Store().View(ctx, func(r store.Reader) error {
		if by, err = authorOf(ctx, r, a); err != nil {
			return err
		}
		out.Total, err = r.Events(ctx, store.EventQuery{After: after, Limit: maxPending})
		return err
	})
	if err != nil {
		return out, err
	}
	bots := map[string]bool{}
	for begin := 0; begin < len(out.Total); begin += scanPage {
		page := out.Total[begin:min(begin+scanPage, len(out.Total))]
		bySeq := make(map[uint64]store.Event, len(page))
		var watched []store.Event
		for _, ev := range page {
			if a.Filtering.Watches(alert.ResourceOf(ev.EntityType, ev.Doc)) {
				watched = append(watched, ev)
				bySeq[ev.Seq] = ev
			}
		}
		var changes []engine.ChangeEvent
		if changes, err = s.engine.ChangesOf(ctx, by, watched, s.base); err != nil {
			return out, err
		}
		for _, change := range changes {
			fits, err := s.fits(ctx, matcher, change, bots)
			if err != nil {
				return out, err
			}
			if fits {
				out.Relevant = append(out.Relevant, bySeq[change.Seq])
			}
		}
	}
	return out, nil
}

// Alert reads a subscription with its secrets. It must not go into an answer.
func (s *Service) Alert(row store.Row) (*alert.Alert, error) {
	t, ok := s.engine.Registry().ByName(alertType)
	if !ok {
		return nil, entity.NotFound("entity type", alertType)
	}
	return s.open(t, row)
}
