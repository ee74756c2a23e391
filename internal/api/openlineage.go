package api

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/lineage"
	"github.com/catalpa-metadata/catalpa/internal/policy"
)

// The schemas of an OpenLineage event.
const (
	openLineageSetting = "openLineageSettings"
	runEventSchema     = "api/lineage/openlineage/openLineageRunEvent.json"
)

// openLineageRoutes take OpenLineage events, as jobs send them while they run.
func (a *API) openLineageRoutes() []Route {
	const base = "/api/v1/openlineage/lineage"
	h := lineageHandler{lineage.New(a.engine)}
	return []Route{
		{Method: http.MethodPost, Path: base, Access: Authenticated, Handle: h.observe},
		{Method: http.MethodPost, Path: base + "/batch", Access: Authenticated, Handle: h.observeBatch},
	}
}

// openLineageAnswer says what became of the events of a call.
type openLineageAnswer struct {
	Status  string `json:"status"` // success or partial_success
	Message string `json:"message"`
	Summary struct {
		Received   int `json:"received"`
		Successful int `json:"successful"`
		Failed     int `json:"failed"`
		Skipped    int `json:"skipped"`
	} `json:"summary"`
	Failed []failedEvent `json:"failedEvents"`
	Edges  int           `json:"lineageEdgesCreated"`
}

// failedEvent is one fault of one event of the call.
type failedEvent struct {
	Index     int    `json:"index"`
	Reason    string `json:"reason"`
	Retriable bool   `json:"retriable"`
}

// observe takes one event.
func (h lineageHandler) observe(c *call) error {
	return h.takeAll(c, func(body []byte) ([]jsontext.Value, error) { return []jsontext.Value{body}, nil })
}

func (h lineageHandler) observeBatch(c *call) error {
	return h.takeAll(c, func(body []byte) ([]jsontext.Value, error) {
		var batch struct {
			Events []jsontext.Value `json:"events"`
		}
		if err := json.Unmarshal(body, &batch); err != nil {
			return nil, entity.BadRequest("the batch cannot be read: %s", wordJSON(err))
		}
		if n := len(batch.Events); n == 0 || n > lineage.MaxRunEvents {
			return nil, entity.BadRequest("events has %d items, it must have 1 to %d", n, lineage.MaxRunEvents)
		}
		return batch.Events, nil
	})
}

// takeAll takes up the events that are read from the body and answers. When nothing
// of any could be taken up, the first reason is the status too: a client looks at no
// more.
func (h lineageHandler) takeAll(c *call, read func(body []byte) ([]jsontext.Value, error)) error {
	settings, err := c.openLineage()
	if err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	events, err := read(body)
	if err != nil {
		return err
	}
	answer := openLineageAnswer{Failed: []failedEvent{}}
	var first error
	for _, raw := range events {
		errs, err := h.take(c, settings, raw, &answer)
		if err != nil {
			return err
		}
		if first == nil && len(errs) > 0 {
			first = errs[0]
		}
		if err := c.ctx().Err(); err != nil {
			return err
		}
	}
	if answer.Summary.Failed == answer.Summary.Received && answer.Edges == 0 {
		return first
	}
	return c.json(http.StatusOK, answer.concluded())
}

// openLineage reads the settings for a caller who may change lineage somewhere; the
// error says so when nothing is taken.
func (c *call) openLineage() (lineage.OpenLineageSettings, error) {
	var settings lineage.OpenLineageSettings
	if err := c.seesAny("table", policy.EditLineage); err != nil {
		return settings, err
	}
	s, err := c.readSetting(openLineageSetting)
	if err == nil {
		if err := json.Unmarshal(s.Value, &settings); err != nil {
			return settings, entity.Internal(err)
		}
	} else if entity.KindOf(err) != entity.KindNotFound {
		return settings, err
	}
	if !settings.Enabled {
		return settings, entity.Errorf(entity.KindUnavailable, "OpenLineage events are not taken: an administrator can set enabled of the setting %s", openLineageSetting)
	}
	return settings, nil
}

// take takes up one event and writes down what became of it. It returns what was
// wrong with the event.
func (h lineageHandler) take(c *call, settings lineage.OpenLineageSettings, raw []byte, answer *openLineageAnswer) ([]error, error) {
	index := answer.Summary.Received
	answer.Summary.Received++
	var outcome lineage.RunOutcome
	clean, err := c.engine.ValidateBody(runEventSchema, raw)
	if err != nil {
		outcome.Errs = []error{err}
	} else {
		var event lineage.RunEvent
		if err := json.Unmarshal(clean, &event); err != nil {
			return nil, entity.Internal(err)
		}
		if outcome, err = h.service.Observe(c.ctx(), c.by, settings, event); err != nil {
			return nil, err
		}
	}
	answer.Edges += outcome.Edges
	switch {
	case outcome.Skipped:
		answer.Summary.Skipped++
	case len(outcome.Errs) > 0:
		answer.Summary.Failed++
	default:
		answer.Summary.Successful++
	}
	for _, err := range outcome.Errs {
		answer.Failed = append(answer.Failed, failedEvent{Index: index, Reason: engine.PublicMessage(err)})
	}
	return outcome.Errs, nil
}

// concluded sums the answer up.
func (a openLineageAnswer) concluded() openLineageAnswer {
	a.Status, a.Message = "success", "All events were taken up."
	if a.Summary.Failed > 0 {
		a.Status, a.Message = "partial_success", "Something could not be taken up; failedEvents says what."
	}
	return a
}
