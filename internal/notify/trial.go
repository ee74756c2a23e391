package notify

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/alert"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Trial is what became of a test message, in the shape of the API.
type Trial struct {
	Status     string `json:"status"` // Success, Failed
	Reason     string `json:"reason,omitzero"`
	StatusCode int    `json:"statusCode,omitzero"`
	StatusInfo string `json:"statusInfo,omitzero"`
	Timestamp  int64  `json:"timestamp"`
}

// Try sends a test message to a destination. by gets it where the destination means
// people of the catalog rather than an address: nobody else should be bothered.
func (s *Service) Try(ctx context.Context, d *alert.Destination, by entity.Principal) Trial {
	n := Notice{Title: "Test message", Lines: []string{"Somebody tried this destination of an alert out. Nothing has changed."}}
	return s.trial(s.tell(ctx, d, by, n))
}

func (s *Service) trial(err error) Trial {
	out := Trial{Status: "Success", Timestamp: s.clock().UnixMilli()}
	if err != nil {
		f := failureOf(err)
		out.Status, out.Reason, out.StatusCode, out.StatusInfo = "Failed", f.reason, f.code, http.StatusText(f.code)
	}
	return out
}

// tell sends a notice that is about no event.
func (s *Service) tell(ctx context.Context, d *alert.Destination, by entity.Principal, n Notice) error {
	switch d.Type {
	case alert.Webhook:
		body, err := json.Marshal(map[string]any{"test": true, "message": n.Title}, json.Deterministic(true))
		if err != nil {
			return entity.Internal(err)
		}
		return s.post(ctx, d, body)
	case alert.Email:
		to, err := s.testReceivers(ctx, d, by)
		if err != nil {
			return err
		}
		subject, plain, rich := n.Mail()
		return s.mail(ctx, to, map[string]bool{}, subject, plain, rich)
	case alert.Slack, alert.MsTeams, alert.GChat:
		body, err := bodyFor(d.Type, n)
		if err != nil {
			return err
		}
		return s.post(ctx, d, body)
	}
	return &failure{reason: "Nothing is sent to destinations of the type " + d.Type + ".", source: SourceServer, final: true, cause: errors.ErrUnsupported}
}
