package api

import (
	"context"
	"maps"
	"net/http"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/alert"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/notify"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// alertRoutes show how event subscriptions fare, move them and try them out. Whom a
// subscription tells, and what became of that, is shown to those who may edit it: an
// address of a chat is as good as a password.
func (a *API) alertRoutes() []Route {
	t, ok := a.engine.Registry().ByName("eventsubscription")
	if !ok {
		return nil
	}
	base := "/api" + t.Collection
	var out []Route
	add := func(method, path string, handle func(*call, *registry.Type) error) {
		out = append(out, Route{Method: method, Path: base + path, Access: Authenticated, MaxBody: 1 << 20, Handle: func(c *call) error { return handle(c, t) }})
	}
	for _, one := range []string{"/id/{id}", "/name/{fqn}"} {
		add(http.MethodGet, one+"/destinations", (*call).listDestinations)
		add(http.MethodGet, one+"/failedEvents", (*call).listFailedEvents)
		add(http.MethodGet, one+"/listSuccessfullySentChangeEvents", (*call).listSentEvents)
		add(http.MethodGet, one+"/diagnosticInfo", (*call).diagnoseAlert)
		add(http.MethodGet, one+"/eventsRecord", (*call).countAlertEvents)
	}
	add(http.MethodGet, "/id/{id}/listEvents", (*call).listAlertEvents)
	add(http.MethodGet, "/{id}/status/{destinationId}", (*call).destinationStatus)
	add(http.MethodGet, "/name/{fqn}/status/{destinationId}", (*call).destinationStatus)
	add(http.MethodGet, "/{id}/processedEvents", (*call).processedEvents)
	add(http.MethodPut, "/name/{fqn}/syncOffset", (*call).moveAlert)
	add(http.MethodGet, "/listAllFailedEvents", (*call).listAllFailedEvents)
	add(http.MethodGet, "/{alertType}/resources", (*call).listAlertSources)
	add(http.MethodPost, "/testDestination", (*call).tryDestinations)
	return out
}

// watching is a subscription that the path names, and where its destinations stand.
type watching struct {
	alert  *alert.Alert
	states map[entity.ID]notify.State
	latest uint64
}

func (w *watching) offset() notify.Offset { return notify.OffsetOf(w.alert, w.states, w.latest) }

// watching reads the subscription, if the caller may edit it.
func (c *call) watching(t *registry.Type, more func(r store.Reader, id entity.ID) error) (*watching, error) {
	sel, err := c.selector()
	if err != nil {
		return nil, err
	}
	var w watching
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		row, err := c.liveRow(r, t, sel, policy.EditAll)
		if err != nil {
			return err
		}
		if w.alert, err = alertOf(row); err != nil {
			return err
		}
		if w.states, err = notify.States(c.ctx(), r, w.alert); err != nil {
			return err
		}
		if w.latest, err = r.LastSeq(c.ctx()); err != nil || more == nil {
			return err
		}
		return more(r, row.ID)
	})
	return &w, err
}

// alertOf reads a subscription as it is stored, with its secrets sealed.
func alertOf(row store.Row) (*alert.Alert, error) {
	ent, err := engine.Decode(row)
	if err != nil {
		return nil, err
	}
	return alert.FromEntity(ent)
}

func (c *call) destinationStatus(t *registry.Type) error {
	id, err := c.id("destinationId")
	if err != nil {
		return err
	}
	w, err := c.watching(t, nil)
	if err != nil {
		return err
	}
	d, err := w.alert.Destination(id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, w.states[id].Show(w.alert, d))
}

// listDestinations answers the destinations, each with its state.
func (c *call) listDestinations(t *registry.Type) error {
	w, err := c.watching(t, nil)
	if err != nil {
		return err
	}
	ent, err := c.engine.Get(c.ctx(), c.by, t, engine.ByID(w.alert.ID), engine.View{Base: c.base()})
	if err != nil {
		return err
	}
	list := []map[string]jsontext.Value{}
	if raw := ent.Rest["destinations"]; raw != nil {
		if err := json.Unmarshal(raw, &list); err != nil {
			return entity.Internal(err)
		}
	}
	for i := range min(len(list), len(w.alert.Destinations)) {
		d := &w.alert.Destinations[i]
		if !d.Sends() {
			continue
		}
		if list[i]["statusDetails"], err = encoded(w.states[d.ID].Show(w.alert, d)); err != nil {
			return err
		}
	}
	return c.json(http.StatusOK, list)
}

// pending is what the subscription has not come to.
func (c *call) pending(w *watching) (notify.Pending, error) {
	if c.alerts == nil {
		return notify.Pending{}, noAlerts()
	}
	return c.alerts.Pending(c.ctx(), w.alert, w.offset().Current)
}

// watchingPending returns a subscription with what it has not sent yet.
func (c *call) watchingPending(t *registry.Type) (*watching, notify.Pending, error) {
	w, err := c.watching(t, nil)
	if err != nil {
		return nil, notify.Pending{}, err
	}
	pending, err := c.pending(w)
	return w, pending, err
}

func noAlerts() error {
	return entity.Errorf(entity.KindUnavailable, "This server tells nobody about changes.")
}

func (c *call) processedEvents(t *registry.Type) error {
	_, pending, err := c.watchingPending(t)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, len(pending.Relevant) == 0)
}

// alertCounts count what became of events, once for every destination.
type alertCounts struct {
	Total      int `json:"totalEventsCount"`
	Pending    int `json:"pendingEventsCount"`
	Successful int `json:"successfulEventsCount"`
	Failed     int `json:"failedEventsCount"`
}

func (w *watching) counts(pending notify.Pending) alertCounts {
	out := alertCounts{Pending: len(pending.Relevant)}
	for i := range w.alert.Destinations {
		s := w.states[w.alert.Destinations[i].ID]
		out.Successful += s.Sent
		out.Failed += s.Failed
	}
	out.Total = out.Pending + out.Successful + out.Failed
	return out
}

func (c *call) countAlertEvents(t *registry.Type) error {
	w, pending, err := c.watchingPending(t)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, w.counts(pending))
}

// alertDiagnosis is how far a subscription is, and what lies before it.
type alertDiagnosis struct {
	Latest        uint64               `json:"latestOffset"`
	Current       uint64               `json:"currentOffset"`
	Starting      uint64               `json:"startingOffset"`
	ProcessedAll  bool                 `json:"hasProcessedAllEvents"`
	Successful    int                  `json:"successfulEventsCount"`
	Failed        int                  `json:"failedEventsCount"`
	RelevantCount int                  `json:"relevantUnprocessedEventsCount"`
	TotalCount    int                  `json:"totalUnprocessedEventsCount"`
	Relevant      []engine.ChangeEvent `json:"relevantUnprocessedEventsList,omitzero"`
	Total         []engine.ChangeEvent `json:"totalUnprocessedEventsList,omitzero"`
}

func (c *call) diagnoseAlert(t *registry.Type) error {
	page, err := c.alertWindow()
	if err != nil {
		return err
	}
	countOnly, err := c.flag("listCountOnly", false)
	if err != nil {
		return err
	}
	w, pending, err := c.watchingPending(t)
	if err != nil {
		return err
	}
	counts, offset := w.counts(pending), w.offset()
	out := alertDiagnosis{
		Latest: w.latest, Current: offset.Current, Starting: offset.Starting, ProcessedAll: len(pending.Relevant) == 0, Successful: counts.Successful, Failed: counts.Failed,
		RelevantCount: len(pending.Relevant), TotalCount: len(pending.Total),
	}
	if !countOnly {
		if out.Relevant, err = c.seenChanges(cut(pending.Relevant, page)); err != nil {
			return err
		}
		if out.Total, err = c.seenChanges(cut(pending.Total, page)); err != nil {
			return err
		}
	}
	return c.json(http.StatusOK, out)
}

// alertWindow is the part of a list that the call asks for.
func (c *call) alertWindow() (window, error) {
	var w window
	var err error
	if w.limit, err = c.number("limit", 15, 0, 1000); err != nil {
		return w, err
	}
	w.offset, err = c.number("paginationOffset", 0, 0, 10_000)
	return w, err
}

func cut[T any](all []T, w window) []T {
	return all[min(w.offset, len(all)):min(w.offset+w.limit, len(all))]
}

// seenChanges are the events that the caller may see, each with its state.
func (c *call) seenChanges(events []store.Event) ([]engine.ChangeEvent, error) {
	changes, err := c.engine.ChangesOf(c.ctx(), c.by, events, c.base())
	if changes == nil {
		changes = []engine.ChangeEvent{}
	}
	return changes, err
}

// moveAlert puts a subscription to the end of the feed or, when offset says so, to
// another place, from which on all is sent again.
func (c *call) moveAlert(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	to, err := c.number("offset", -1, 0, 1<<53)
	if err != nil {
		return err
	}
	var moved notify.Offset
	err = c.engine.Store().Update(c.ctx(), func(tx store.Tx) error {
		row, err := c.liveRow(tx, t, sel, policy.EditAll)
		if err != nil {
			return err
		}
		a, err := alertOf(row)
		if err != nil {
			return err
		}
		last, err := tx.LastSeq(c.ctx())
		if err != nil {
			return err
		}
		place := last
		if to >= 0 {
			place = min(uint64(to), last)
		}
		moved, err = notify.Move(c.ctx(), tx, a, place, millis())
		return err
	})
	if err != nil {
		return err
	}
	if c.alerts != nil {
		c.alerts.Wake()
	}
	return c.json(http.StatusOK, moved)
}

// listAlertSources answers what alerts of a type can watch and ask.
func (c *call) listAlertSources(t *registry.Type) error {
	name, err := c.param("alertType")
	if err != nil {
		return err
	}
	if err := c.authorize(t.Name, policy.ViewBasic); err != nil {
		return err
	}
	if err := alert.KnownType(name); err != nil {
		return err
	}
	sources := alert.Sources(name)
	return c.json(http.StatusOK, newPage(sources, len(sources)))
}

// tryTime is how long all tests of one call may take.
const tryTime = 30 * time.Second

// tryDestinations sends a test message to destinations that are not stored anywhere,
// and answers what became of it. Nothing of what the receivers answered is shown but
// the status.
func (c *call) tryDestinations(t *registry.Type) error {
	if err := c.authorize(t.Name, policy.Create); err != nil {
		return err
	}
	if c.alerts == nil {
		return noAlerts()
	}
	list, shown, err := c.givenDestinations(t, "events/api/testEventSubscriptionDestination.json")
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.ctx(), tryTime)
	defer cancel()
	trials := make([]notify.Trial, len(list))
	var running sync.WaitGroup
	for i := range list {
		running.Go(func() { trials[i] = c.alerts.Try(ctx, &list[i], c.by) })
	}
	running.Wait()
	for i := range shown {
		if shown[i]["statusDetails"], err = encoded(trials[i]); err != nil {
			return err
		}
	}
	return c.json(http.StatusOK, shown)
}

// givenDestinations reads the destinations of a body, and the same with their secrets
// masked. Masked secrets are refused: there is nothing that they stand for.
func (c *call) givenDestinations(t *registry.Type, schema string) ([]alert.Destination, []map[string]jsontext.Value, error) {
	body, err := c.validated(schema)
	if err != nil {
		return nil, nil, err
	}
	var request struct {
		Destinations []alert.Destination `json:"destinations"`
	}
	var members map[string]jsontext.Value
	if err = json.Unmarshal(body, &request); err == nil {
		err = json.Unmarshal(body, &members)
	}
	if err != nil {
		return nil, nil, entity.BadRequest("the destinations cannot be read")
	}
	if len(request.Destinations) == 0 {
		return nil, nil, entity.BadRequest("At least one destination must be provided")
	}
	if err := alert.CheckDestinations(request.Destinations); err != nil {
		return nil, nil, err
	}
	masked := map[string]jsontext.Value{"destinations": members["destinations"]}
	err = t.Hooks.Secrets(masked, func(path, value string) (string, error) {
		if value == engine.Mask {
			return "", entity.BadRequest("%s is masked: send the secret itself", path)
		}
		return engine.Mask, nil
	})
	if err != nil {
		return nil, nil, err
	}
	var shown []map[string]jsontext.Value
	if err := json.Unmarshal(masked["destinations"], &shown); err != nil {
		return nil, nil, entity.Internal(err)
	}
	for i := range shown {
		shown[i] = maps.Clone(shown[i])
	}
	return request.Destinations, shown, nil
}
