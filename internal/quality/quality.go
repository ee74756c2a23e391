// Package quality holds the rules about results of data tests and about the
// incidents that failures open.
//
// The package may import entity.
package quality

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The outcomes of a test.
const (
	Success = "Success"
	Failed  = "Failed"
	Aborted = "Aborted"
	Queued  = "Queued"
)

// Result is what one run of a test found.
type Result struct {
	ID         entity.ID                 `json:"id"`
	TestCase   string                    `json:"testCaseFQN"`
	Timestamp  int64                     `json:"timestamp"`
	Status     string                    `json:"testCaseStatus,omitzero"`
	IncidentID *entity.ID                `json:"incidentId,omitzero"`
	Rest       map[string]jsontext.Value `json:",embed"`
}

// ReadResult reads a result that fits its schema.
func ReadResult(doc []byte) (Result, error) {
	var r Result
	if err := json.Unmarshal(doc, &r); err != nil {
		return r, entity.BadRequest("the test case result cannot be read")
	}
	switch r.Status {
	case Success, Failed, Aborted, Queued:
	default:
		return r, entity.BadRequest("[testCaseStatus must not be null]")
	}
	if r.Timestamp <= 0 {
		return r, entity.BadRequest("[timestamp must be a time in milliseconds since 1970]")
	}
	return r, nil
}

// The stages of an incident.
const (
	New      = "New"
	Ack      = "Ack"
	Assigned = "Assigned"
	Resolved = "Resolved"
)

// Status is one stage of an incident. All stages of an incident share a state.
type Status struct {
	ID        entity.ID      `json:"id"`
	StateID   entity.ID      `json:"stateId"`
	Stage     string         `json:"testCaseResolutionStatusType"`
	Details   jsontext.Value `json:"testCaseResolutionStatusDetails,omitzero"`
	Severity  string         `json:"severity,omitzero"`
	Timestamp int64          `json:"timestamp"`
	UpdatedAt int64          `json:"updatedAt"`
	UpdatedBy *entity.Ref    `json:"updatedBy,omitzero"`
	TestCase  *entity.Ref    `json:"testCaseReference,omitzero"`
	Metrics   jsontext.Value `json:"metrics,omitzero"`
}

// Open tells whether the incident still waits for somebody.
func (s *Status) Open() bool { return s != nil && s.Stage != Resolved }

// details are what stages say besides their name.
type details struct {
	Assignee   *entity.Ref `json:"assignee,omitzero"`
	Reason     string      `json:"testCaseFailureReason,omitzero"`
	Comment    string      `json:"testCaseFailureComment,omitzero"`
	ResolvedBy *entity.Ref `json:"resolvedBy,omitzero"`
}

// Assignee returns who is to resolve the incident, nil when nobody is named.
func (s *Status) Assignee() *entity.Ref {
	var d details
	if s.Details == nil || json.Unmarshal(s.Details, &d) != nil {
		return nil
	}
	return d.Assignee
}

// Advance takes an incident to its next stage. latest is the last stage of the
// test case's incidents, nil if it never had one: a resolved one is over, and
// what follows opens a new incident. by is who does it.
func Advance(latest *Status, next Status, by entity.Ref, now int64) (Status, error) {
	next.ID, next.UpdatedBy, next.UpdatedAt = entity.NewID(), &by, now
	next.Timestamp = now
	if latest != nil {
		next.Timestamp = max(now, latest.Timestamp+1) // stages of one millisecond keep their order
	}
	if latest.Open() {
		next.StateID = latest.StateID
		if next.Severity == "" {
			next.Severity = latest.Severity
		}
	} else {
		next.StateID = entity.NewID()
	}
	return next, next.complete(by)
}

// complete checks that a stage says what it has to.
func (s *Status) complete(by entity.Ref) error {
	var d details
	if s.Details != nil {
		if err := json.Unmarshal(s.Details, &d); err != nil {
			return entity.BadRequest("testCaseResolutionStatusDetails cannot be read")
		}
	}
	switch s.Stage {
	case New, Ack:
		s.Details = nil
		return nil
	case Assigned:
		if d.Assignee == nil {
			return entity.BadRequest("an incident that is assigned needs testCaseResolutionStatusDetails.assignee")
		}
		d = details{Assignee: d.Assignee}
	case Resolved:
		if d.Reason == "" || d.Comment == "" {
			return entity.BadRequest("an incident that is resolved needs testCaseFailureReason and testCaseFailureComment")
		}
		if d.ResolvedBy == nil {
			d.ResolvedBy = &by
		}
		d.Assignee = nil
	default:
		return entity.BadRequest("%q is not a stage of an incident", entity.Shorten(s.Stage, 40))
	}
	raw, err := json.Marshal(d, json.Deterministic(true))
	if err != nil {
		return entity.Internal(err)
	}
	s.Details = raw
	return nil
}
