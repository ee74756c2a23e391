package api

import (
	"context"
	"net/http"
	"sync"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/alert"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/handlebars"
	"github.com/catalpa-metadata/catalpa/internal/notify"
	"github.com/catalpa-metadata/catalpa/internal/policy"
	"github.com/catalpa-metadata/catalpa/internal/registry"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// templateRoutes try templates of notifications out. Whoever may make a template may.
func (a *API) templateRoutes() []Route {
	t, ok := a.engine.Registry().ByName("notificationTemplate")
	if !ok {
		return nil
	}
	var out []Route
	add := func(method, path string, handle func(*call, *registry.Type) error) {
		out = append(out, Route{Method: method, Path: "/api" + t.Collection + path, Access: Authenticated, MaxBody: 1 << 20, Handle: func(c *call) error { return handle(c, t) }})
	}
	add(http.MethodGet, "/helpers", (*call).listTemplateHelpers)
	add(http.MethodPost, "/validate", (*call).validateTemplate)
	add(http.MethodPost, "/render", (*call).renderTemplate)
	add(http.MethodPost, "/send", (*call).sendTemplate)
	add(http.MethodPut, "/{id}/reset", (*call).resetTemplate)
	add(http.MethodPut, "/name/{fqn}/reset", (*call).resetTemplate)
	return out
}

func (c *call) listTemplateHelpers(t *registry.Type) error {
	if err := c.authorize(t.Name, policy.ViewBasic); err != nil {
		return err
	}
	return c.json(http.StatusOK, handlebars.Helpers())
}

// templateText is what is tried out.
type templateText struct {
	Subject  string `json:"templateSubject"`
	Body     string `json:"templateBody"`
	Resource string `json:"resource"`
	Event    string `json:"eventType"`
}

// templateVerdict tells whether a template can be used.
type templateVerdict struct {
	Valid        bool   `json:"isValid"`
	SubjectError string `json:"subjectError,omitzero"`
	BodyError    string `json:"bodyError,omitzero"`
}

func (in *templateText) judge() (notify.Wording, templateVerdict) {
	w, subjectErr, bodyErr := notify.ParseWording(in.Subject, in.Body)
	verdict := templateVerdict{Valid: subjectErr == nil && bodyErr == nil}
	if subjectErr != nil {
		verdict.SubjectError = entity.AsError(subjectErr).Message
	}
	if bodyErr != nil {
		verdict.BodyError = entity.AsError(bodyErr).Message
	}
	return w, verdict
}

// templateBody reads a body by its schema, for those who may make templates.
func (c *call) templateBody(t *registry.Type, schema string, into any) error {
	if err := c.authorize(t.Name, policy.Create); err != nil {
		return err
	}
	body, err := c.validated(schema)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(body, into); err != nil {
		return entity.BadRequest("the template cannot be read")
	}
	return nil
}

func (c *call) validateTemplate(t *registry.Type) error {
	var in templateText
	if err := c.templateBody(t, "api/events/notificationTemplateValidationRequest.json", &in); err != nil {
		return err
	}
	_, verdict := in.judge()
	return c.json(http.StatusOK, verdict)
}

// renderedTemplate is what a template makes of a sample.
type renderedTemplate struct {
	Subject string `json:"subject"`
	Body    string `json:"body"`
}

func (c *call) renderTemplate(t *registry.Type) error {
	var in templateText
	if err := c.templateBody(t, "api/events/notificationTemplateRenderRequest.json", &in); err != nil {
		return err
	}
	sample, err := c.sampleEvent(in)
	if err != nil {
		return err
	}
	w, verdict := in.judge()
	out := struct {
		Validation templateVerdict   `json:"validation"`
		Render     *renderedTemplate `json:"render,omitzero"`
	}{Validation: verdict}
	if verdict.Valid {
		out.Render = &renderedTemplate{}
		if out.Render.Subject, out.Render.Body, err = w.Render(sample); err != nil {
			out.Validation, out.Render = templateVerdict{BodyError: entity.AsError(err).Message}, nil
		}
	}
	return c.json(http.StatusOK, out)
}

func (c *call) sampleEvent(in templateText) (engine.ChangeEvent, error) {
	if in.Resource != alert.All && !notify.IsThread(in.Resource) {
		if _, ok := c.engine.Registry().ByName(in.Resource); !ok {
			return engine.ChangeEvent{}, entity.BadRequest("%q is no type of entities; %q stands for any", entity.Shorten(in.Resource, 60), alert.All)
		}
	}
	return notify.Sample(in.Resource, in.Event, c.by.Name, millis()), nil
}

// sendTemplate sends what a template makes of a sample to destinations of the outside.
func (c *call) sendTemplate(t *registry.Type) error {
	if err := c.authorize(t.Name, policy.Create); err != nil {
		return err
	}
	if err := c.authorize("eventsubscription", policy.Create); err != nil { // it calls others, as an alert would
		return err
	}
	if c.alerts == nil {
		return noAlerts()
	}
	body, err := c.validated("api/events/notificationTemplateSendRequest.json")
	if err != nil {
		return err
	}
	var in struct {
		Request      templateText        `json:"renderRequest"`
		Destinations []alert.Destination `json:"destinations"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return entity.BadRequest("the template cannot be read")
	}
	for i := range in.Destinations {
		if d := &in.Destinations[i]; d.Category != alert.External || d.Type == alert.Webhook || !d.Sends() {
			return entity.BadRequest("destinations[%d]: templates word what people read, at an address of the category %s", i, alert.External)
		}
	}
	if err := alert.CheckDestinations(in.Destinations); err != nil {
		return err
	}
	sample, err := c.sampleEvent(in.Request)
	if err != nil {
		return err
	}
	w, verdict := in.Request.judge()
	if verdict.Valid {
		if err := c.sendSamples(in.Destinations, w, sample); err != nil {
			return err
		}
	}
	return c.json(http.StatusOK, verdict)
}

// sendSamples sends to all destinations at once; the first failure in their order is
// the answer.
func (c *call) sendSamples(destinations []alert.Destination, w notify.Wording, sample engine.ChangeEvent) error {
	ctx, cancel := context.WithTimeout(c.ctx(), tryTime)
	defer cancel()
	errs := make([]error, len(destinations))
	var running sync.WaitGroup
	for i := range destinations {
		running.Go(func() { errs[i] = c.alerts.SendSample(ctx, &destinations[i], c.by, w, sample) })
	}
	running.Wait()
	for i, err := range errs {
		if err != nil {
			return entity.BadRequest("destinations[%d]: %s", i, entity.AsError(err).Message)
		}
	}
	return nil
}

// resetTemplate brings a template of the system back. Templates of people have nothing
// to go back to, and this server comes with none of its own.
func (c *call) resetTemplate(t *registry.Type) error {
	sel, err := c.selector()
	if err != nil {
		return err
	}
	err = c.engine.Store().View(c.ctx(), func(r store.Reader) error {
		_, err := c.liveRow(r, t, sel, policy.EditAll)
		return err
	})
	if err != nil {
		return err
	}
	return entity.BadRequest("Only templates of the system can be reset, and this one was made by somebody: change it, or delete it to have the built-in words")
}
