package api

import (
	"bytes"
	"context"
	"net/http"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/apps"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/timeseries"
)

const appType = "app"

// appRoutes run the applications that are part of Catalpa, and show how runs went.
func (a *API) appRoutes() []Route {
	const base = "/api/v1/apps"
	named := base + "/name/{name}"
	var routes []Route
	add := func(method, path string, handle func(*call, *registry.Type) error) {
		routes = append(routes, Route{Method: method, Path: path, Access: Authenticated, MaxBody: smallBody, Handle: a.typed(appType, handle)})
	}
	add(http.MethodGet, base+"/installed", (*call).installedApps)
	add(http.MethodGet, named+"/status", (*call).listAppRuns)
	add(http.MethodGet, named+"/runs/latest", (*call).latestAppRun)
	add(http.MethodGet, named+"/logs", (*call).appLogs)
	add(http.MethodGet, named+"/extension", (*call).listAppExtension)
	add(http.MethodPost, base+"/trigger/{name}", (*call).triggerApp)
	add(http.MethodPost, base+"/stop/{name}", (*call).stopApp)
	add(http.MethodPost, base+"/schedule/{name}", (*call).scheduleApp)
	add(http.MethodPost, base+"/configure/{name}", (*call).configureApp)
	add(http.MethodPost, base+"/deploy/{name}", (*call).configureApp)
	return routes
}

// KeepApps runs applications by their schedules until the context ends, and then
// stops those that run.
func (a *API) KeepApps(ctx context.Context) { a.apps.Keep(ctx, a.scheduledApps) }

// maxApps bounds how many applications are looked at.
const maxApps = 1000

// scheduledApps lists the installed applications that Catalpa can run.
func (a *API) scheduledApps(ctx context.Context) ([]apps.App, error) {
	var out []apps.App
	err := a.engine.Store().View(ctx, func(r store.Reader) error {
		rows, err := r.List(ctx, store.ListQuery{Type: appType, Limit: maxApps})
		if err != nil {
			return err
		}
		out = nil
		for _, row := range rows {
			if _, ok := a.apps.Job(row.Name); !ok {
				continue
			}
			ent, err := engine.Decode(row)
			if err != nil {
				return err
			}
			app, err := appOf(ent)
			if err != nil {
				return err
			}
			out = append(out, app)
		}
		return nil
	})
	return out, err
}

// appOf is what the runner needs of an application.
func appOf(ent *entity.Entity) (apps.App, error) {
	app := apps.App{ID: ent.ID, Name: ent.Name, Config: ent.Rest["appConfiguration"]}
	if raw := ent.Rest["appSchedule"]; raw != nil {
		if err := json.Unmarshal(raw, &app.Schedule); err != nil {
			return app, entity.Internal(err)
		}
	}
	return app, nil
}

// appSelector is the application that the path names.
func (c *call) appSelector() (engine.Selector, error) {
	name, err := c.param("name")
	return engine.ByFQN(entity.QuoteName(entity.UnquoteName(name))), err
}

// app finds the application that the path names, if the caller may do the operation.
func (c *call) app(t *registry.Type, op policy.Operation) (apps.App, error) {
	sel, err := c.appSelector()
	if err != nil {
		return apps.App{}, err
	}
	var app apps.App
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		row, err := c.liveRow(r, t, sel, op)
		if err != nil {
			return err
		}
		ent, err := engine.Decode(row)
		if err != nil {
			return err
		}
		app, err = appOf(ent)
		return err
	})
	return app, err
}

// runnable is app for what Catalpa itself can run.
func (c *call) runnable(t *registry.Type, op policy.Operation) (apps.App, apps.Job, error) {
	app, err := c.app(t, op)
	if err != nil {
		return app, apps.Job{}, err
	}
	job, ok := c.apps.Job(app.Name)
	if !ok {
		return app, job, entity.Errorf(entity.KindNotImplemented,
			"Catalpa cannot run %s: it runs %s and %s itself, and has no runner for others", entity.Shorten(app.Name, 100), indexingApp, retentionApp)
	}
	return app, job, nil
}

func (c *call) installedApps(t *registry.Type) error {
	got, err := c.engine.List(c.ctx(), c.by, t, engine.ListRequest{Limit: maxApps, View: engine.View{Base: c.base()}})
	if err != nil {
		return err
	}
	ids := make([]entity.ID, len(got.Items))
	for i, ent := range got.Items {
		ids[i] = ent.ID
	}
	refs := []entity.Ref{}
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		known, err := c.engine.References(c.ctx(), r, ids, c.base())
		refs = refs[:0]
		for _, id := range ids {
			if ref, ok := known[id]; ok {
				refs = append(refs, ref)
			}
		}
		return err
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, refs)
}

// appRuns answers a page of runs.
func (c *call) appRuns(app apps.App) error {
	q := timeseries.Query{After: c.query.Get("offset")}
	var err error
	if q.From, err = c.timestamp("startTs"); err != nil {
		return err
	}
	if q.To, err = c.timestamp("endTs"); err != nil {
		return err
	}
	if q.Limit, err = c.number("limit", 10, 0, maxPoints); err != nil {
		return err
	}
	offset, err := timeseries.Offset(q.After)
	if err != nil {
		return err
	}
	runs, total, err := c.apps.List(c.ctx(), app.ID, q)
	if err != nil {
		return err
	}
	out := newPage(runs, total)
	out.Paging.Offset, out.Paging.Limit = &offset, &q.Limit
	return c.json(http.StatusOK, out)
}

func (c *call) listAppRuns(t *registry.Type) error {
	app, err := c.app(t, policy.ViewBasic)
	if err != nil {
		return err
	}
	return c.appRuns(app)
}

// listAppExtension answers what is kept beside an application: of the kinds that
// there are, runs.
func (c *call) listAppExtension(t *registry.Type) error {
	app, err := c.app(t, policy.ViewBasic)
	if err != nil {
		return err
	}
	switch c.query.Get("extensionType") {
	case "", "status":
		return c.appRuns(app)
	case "limits", "custom":
		return c.json(http.StatusOK, newPage[apps.Record](nil, 0))
	}
	return entity.BadRequest("query param extensionType must be one of [custom, limits, status]")
}

func (c *call) latestAppRun(t *registry.Type) error {
	app, err := c.app(t, policy.ViewBasic)
	if err != nil {
		return err
	}
	record, _, err := c.apps.Latest(c.ctx(), app)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, record)
}

// appLogs answers the log of the newest run.
func (c *call) appLogs(t *registry.Type) error {
	app, err := c.app(t, policy.ViewBasic)
	if err != nil {
		return err
	}
	_, log, err := c.apps.Latest(c.ctx(), app)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]string{"application_task": log, "total": "1"})
}

// triggerApp starts a run. Members of the body take the place of the application's
// settings for this run.
func (c *call) triggerApp(t *registry.Type) error {
	app, _, err := c.runnable(t, policy.Trigger)
	if err != nil {
		return err
	}
	body, err := c.optionalBody()
	if err != nil {
		return err
	}
	if app.Config, err = withSettings(app.Config, body); err != nil {
		return err
	}
	record, err := c.apps.Start(c.ctx(), app, "OnDemandJob")
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, record)
}

// optionalBody reads a body that may be missing.
func (c *call) optionalBody() ([]byte, error) {
	if c.r.ContentLength == 0 {
		return nil, nil
	}
	body, err := c.body()
	return bytes.TrimSpace(body), err
}

// withSettings lays members over others.
func withSettings(config jsontext.Value, over []byte) (jsontext.Value, error) {
	if len(over) == 0 {
		return config, nil
	}
	merged, more := map[string]jsontext.Value{}, map[string]jsontext.Value{}
	if config != nil {
		if err := json.Unmarshal(config, &merged); err != nil {
			return nil, entity.Internal(err)
		}
	}
	if err := json.Unmarshal(over, &more); err != nil {
		return nil, entity.BadRequest("the body must be an object with settings of the application")
	}
	if inner := more["config"]; len(more) == 1 && inner.Kind() == '{' {
		return withSettings(config, inner)
	}
	for name, value := range more {
		merged[name] = value
	}
	return encoded(merged)
}

func (c *call) stopApp(t *registry.Type) error {
	app, _, err := c.runnable(t, policy.Trigger)
	if err != nil {
		return err
	}
	if err := c.apps.Stop(app); err != nil {
		return err
	}
	return c.json(http.StatusOK, "Application stopped in some time.")
}

// scheduleApp checks the schedule of an application, or sets the one in the body;
// the scheduler keeps to what is stored.
func (c *call) scheduleApp(t *registry.Type) error {
	app, job, err := c.runnable(t, policy.EditAll)
	if err != nil {
		return err
	}
	body, err := c.optionalBody()
	if err != nil {
		return err
	}
	if len(body) > 0 {
		if body, err = c.engine.ValidateBody("entity/applications/app.json#/$defs/appSchedule", body); err != nil {
			return err
		}
		app.Schedule = nil
		if err := json.Unmarshal(body, &app.Schedule); err != nil {
			return entity.BadRequest("the schedule cannot be read")
		}
	}
	next, err := app.Schedule.Next(c.clock())
	if err != nil {
		return err
	}
	if err := job.Check(app.Config); err != nil {
		return err
	}
	if len(body) > 0 {
		sel := engine.ByID(app.ID)
		_, err := c.engine.Edit(c.ctx(), c.by, t, sel, []policy.Operation{policy.EditAll}, engine.View{}, func(_ store.Tx, ent *entity.Entity) error {
			ent.Rest["appSchedule"] = body
			return nil
		})
		if err != nil {
			return err
		}
	}
	if next.IsZero() {
		return c.json(http.StatusOK, "The application has no schedule; it runs when it is triggered.")
	}
	return c.json(http.StatusOK, "App is Scheduled. It runs next at "+strings.Replace(next.Format("2006-01-02 15:04"), " ", "T", 1)+"Z.")
}

// configureApp checks settings and schedule of an application. There is nothing to
// deploy: what is stored is in force.
func (c *call) configureApp(t *registry.Type) error {
	app, job, err := c.runnable(t, policy.EditAll)
	if err != nil {
		return err
	}
	if err := job.Check(app.Config); err != nil {
		return err
	}
	if _, err := app.Schedule.Next(c.clock()); err != nil {
		return err
	}
	return c.json(http.StatusOK, "The application is configured; its settings are in force.")
}
