package api

import (
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/quality"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

// Kinds of the records of incidents, owned by the test case. Stages are keyed by
// state and time; a second record finds them by their own id.
const (
	incidentKind   = "incident"
	incidentIDKind = "incidentId"
)

func incidentSeries() timeseries.Series { return timeseries.Series{Kind: incidentKind} }

func incidentKey(s quality.Status) string {
	return s.StateID.String() + "/" + timeseries.Key(s.Timestamp)
}

func readStatus(rec store.Record) (quality.Status, error) {
	var s quality.Status
	if err := json.Unmarshal(rec.Doc, &s); err != nil {
		return s, entity.Internal(err)
	}
	return s, nil
}

// latestStage returns the last stage of a test case's incidents, nil if it
// never had one.
func (c *call) latestStage(r store.Reader, testCase entity.ID) (*quality.Status, error) {
	rec, err := incidentSeries().Latest(c.ctx(), r, testCase)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	s, err := readStatus(rec)
	return &s, err
}

// openIncident returns the incident of a test case that fails, and opens one if
// there is none.
func (c *call) openIncident(tx store.Tx, row store.Row) (*entity.ID, error) {
	latest, err := c.latestStage(tx, row.ID)
	if err != nil {
		return nil, err
	}
	if latest.Open() {
		return &latest.StateID, nil
	}
	s, err := c.advance(tx, row, latest, quality.Status{Stage: quality.New})
	return &s.StateID, err
}

// advance stores the next stage and shows on the test case whether an incident
// is open.
func (c *call) advance(tx store.Tx, row store.Row, latest *quality.Status, next quality.Status) (quality.Status, error) {
	by := entity.Ref{ID: c.by.UserID, Type: "user", Name: c.by.Name, FullyQualifiedName: entity.QuoteName(c.by.Name)}
	s, err := quality.Advance(latest, next, by, millis())
	if err != nil {
		return s, err
	}
	s.TestCase = &entity.Ref{ID: row.ID, Type: row.Type, Name: row.Name, FullyQualifiedName: row.FQN}
	return s, c.putStage(tx, row, s)
}

func (c *call) putStage(tx store.Tx, row store.Row, s quality.Status) error {
	doc, err := encoded(s)
	if err != nil {
		return err
	}
	key, err := encoded(incidentKey(s))
	if err != nil {
		return err
	}
	owner := row.ID.String()
	err = tx.PutRecord(c.ctx(),
		store.Record{Kind: incidentKind, Owner: owner, Key: incidentKey(s), At: s.Timestamp, Doc: doc},
		store.Record{Kind: incidentIDKind, Owner: owner, Key: s.ID.String(), At: s.Timestamp, Doc: key})
	if err != nil {
		return err
	}
	var shown jsontext.Value
	if s.Open() {
		if shown, err = encoded(s.StateID); err != nil {
			return err
		}
	}
	// The row may have been amended earlier in this transaction.
	if row, err = tx.Entity(c.ctx(), row.ID); err != nil {
		return err
	}
	return c.engine.Amend(c.ctx(), tx, c.by, row, map[string]jsontext.Value{"incidentId": shown})
}

// incidentRequest is what clients send to take an incident further.
type incidentRequest struct {
	TestCase string         `json:"testCaseReference"`
	Stage    string         `json:"testCaseResolutionStatusType"`
	Details  jsontext.Value `json:"testCaseResolutionStatusDetails"`
	Severity string         `json:"severity"`
}

func (c *call) addIncidentStatus(t *registry.Type) error {
	body, err := c.validated("api/tests/createTestCaseResolutionStatus.json")
	if err != nil {
		return err
	}
	var request incidentRequest
	if err := json.Unmarshal(body, &request); err != nil {
		return entity.BadRequest("the incident cannot be read")
	}
	next := quality.Status{Stage: request.Stage, Details: request.Details.Clone(), Severity: request.Severity}
	if len(next.Details) == 0 {
		next.Details = nil
	}
	if next.Details, err = c.fullAssignee(next); err != nil {
		return err
	}
	var out quality.Status
	err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		row, err := c.liveRow(tx, t, engine.ByFQN(request.TestCase), policy.EditTests)
		if err != nil {
			return err
		}
		latest, err := c.latestStage(tx, row.ID)
		if err != nil {
			return err
		}
		out, err = c.advance(tx, row, latest, next)
		return err
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

// fullAssignee gives the assignee a name, which makes sure that there is one.
func (c *call) fullAssignee(s quality.Status) (jsontext.Value, error) {
	to := s.Assignee()
	if to == nil {
		return s.Details, nil
	}
	full, err := c.person(*to)
	if err != nil {
		return nil, err
	}
	return encoded(map[string]any{"assignee": full})
}

// person returns the full reference to a user or a team.
func (c *call) person(ref entity.Ref) (entity.Ref, error) {
	if ref.Type == "" {
		ref.Type = "user"
	}
	if ref.Type != "user" && ref.Type != "team" {
		return ref, entity.BadRequest("%q is neither a user nor a team", entity.Shorten(ref.Type, 40))
	}
	t, err := c.entityType(ref.Type)
	if err != nil {
		return ref, err
	}
	sel := engine.ByID(ref.ID)
	if ref.ID == entity.NilID {
		sel = engine.ByFQN(ref.FullyQualifiedName)
	}
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		row, err := c.engine.Row(c.ctx(), r, t, sel)
		if err == nil && row.Deleted {
			err = entity.NotFound(ref.Type, sel.String())
		}
		ref = entity.Ref{ID: row.ID, Type: row.Type, Name: row.Name, FullyQualifiedName: row.FQN}
		return err
	})
	return ref, err
}

// stageByID finds a stage by its own id.
func (c *call) stageByID(r store.Reader) (store.Record, error) {
	id, err := c.id("id")
	if err != nil {
		return store.Record{}, err
	}
	pointer, err := timeseries.Find(c.ctx(), r, incidentIDKind, id.String())
	if missing(err) {
		return store.Record{}, entity.NotFound("testCaseResolutionStatus", id.String())
	}
	if err != nil {
		return store.Record{}, err
	}
	var key string
	if err := json.Unmarshal(pointer.Doc, &key); err != nil {
		return store.Record{}, entity.Internal(err)
	}
	return r.Record(c.ctx(), incidentKind, pointer.Owner, key)
}

func (c *call) getIncidentStatus(*registry.Type) error {
	var rec store.Record
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		var err error
		if rec, err = c.stageByID(r); err != nil {
			return err
		}
		return c.seesOwner(r, rec, policy.ViewTests)
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, jsontext.Value(rec.Doc))
}

// patchIncidentStatus corrects the details and the severity of a stage.
func (c *call) patchIncidentStatus(t *registry.Type) error {
	patch, err := c.body()
	if err != nil {
		return err
	}
	var next quality.Status
	err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		rec, err := c.stageByID(tx)
		if err != nil {
			return err
		}
		owner, err := entity.ParseID(rec.Owner)
		if err != nil {
			return entity.Internal(err)
		}
		row, err := c.liveRow(tx, t, engine.ByID(owner), policy.EditTests)
		if err != nil {
			return err
		}
		old, err := readStatus(rec)
		if err != nil {
			return err
		}
		doc, err := c.engine.ApplyPatch(rec.Doc, patch)
		if err != nil {
			return err
		}
		if doc, err = c.engine.ValidateBody("tests/testCaseResolutionStatus.json", doc); err != nil {
			return err
		}
		changed, err := readStatus(store.Record{Doc: doc})
		if err != nil {
			return err
		}
		if changed.Stage != old.Stage {
			return entity.BadRequest("the stage of an incident is changed by POST, which adds the next one")
		}
		next = old
		next.Severity, next.Details, next.UpdatedAt = changed.Severity, changed.Details, millis()
		doc, err = encoded(next)
		if err != nil {
			return err
		}
		rec.Doc = doc
		if err := tx.PutRecord(c.ctx(), rec); err != nil {
			return err
		}
		return c.engine.Touch(c.ctx(), tx, c.by, row, touched(row, "incidentId"))
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, next)
}

// listIncident answers all stages of one incident, newest first.
func (c *call) listIncident(*registry.Type) error {
	state, err := c.id("stateId")
	if err != nil {
		return err
	}
	prefix := state.String() + "/"
	var docs []jsontext.Value
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		found, err := r.Records(c.ctx(), store.RecordQuery{Kind: incidentKind, Any: true, After: prefix})
		for _, rec := range found {
			if len(rec.Key) < len(prefix) || rec.Key[:len(prefix)] != prefix {
				break
			}
			if err := c.seesOwner(r, rec, policy.ViewTests); err != nil {
				return err
			}
			docs = append([]jsontext.Value{rec.Doc}, docs...)
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, newPage(docs, len(docs)))
}

// incidentFilter selects stages of incidents.
type incidentFilter struct {
	stage, assignee, testCase, origin string
	latest                            bool
}

func (f incidentFilter) fits(s quality.Status) bool {
	if f.stage != "" && s.Stage != f.stage {
		return false
	}
	if f.assignee != "" {
		if to := s.Assignee(); to == nil || to.Name != f.assignee && to.FullyQualifiedName != f.assignee {
			return false
		}
	}
	if s.TestCase == nil {
		return f.testCase == "" && f.origin == ""
	}
	fqn := s.TestCase.FullyQualifiedName
	return (f.testCase == "" || fqn == entity.CanonicalFQN(f.testCase)) && (f.origin == "" || entity.Under(fqn, entity.CanonicalFQN(f.origin)))
}

func (c *call) listIncidents(t *registry.Type) error {
	if err := c.seesAny("testCase", policy.ViewTests); err != nil {
		return err
	}
	f := incidentFilter{
		stage: c.query.Get("testCaseResolutionStatusType"), assignee: c.query.Get("assignee"),
		testCase: c.query.Get("testCaseFQN"), origin: c.query.Get("originEntityFQN"),
	}
	q := store.RecordQuery{Kind: incidentKind, Any: true}
	var err error
	if f.latest, err = c.flag("latest", false); err != nil {
		return err
	}
	if q.From, err = c.timestamp("startTs"); err != nil {
		return err
	}
	if q.To, err = c.timestamp("endTs"); err != nil {
		return err
	}
	if text := c.query.Get("testCaseId"); text != "" {
		id, err := entity.ParseID(text)
		if err != nil {
			return err
		}
		q.Owner, q.Any = id.String(), false
	}
	found, err := c.scanIncidents(q, f)
	if err != nil {
		return err
	}
	out, err := cutPage(c, found)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, out)
}

// scanIncidents returns the stages that fit, newest first; with latest, the last
// stage of each incident if that one fits.
func (c *call) scanIncidents(q store.RecordQuery, f incidentFilter) ([]jsontext.Value, error) {
	var found []jsontext.Value
	seen := map[entity.ID]bool{}
	var bad error
	err := c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		return c.scanSeen(r, q, policy.ViewTests, func(rec store.Record) bool {
			s, err := readStatus(rec)
			if err != nil {
				bad = err
				return false
			}
			if f.latest && seen[s.StateID] {
				return true
			}
			seen[s.StateID] = true
			if f.fits(s) {
				found = append(found, rec.Doc)
			}
			return true
		})
	})
	if err == nil {
		err = bad
	}
	return found, err
}
