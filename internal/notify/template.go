package notify

import (
	"context"
	"html"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/alert"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/handlebars"
	"github.com/catalpa-metadata/catalpa/internal/richtext"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Wording is a template of notifications: a subject, and a body of HTML.
type Wording struct{ subject, body *handlebars.Template }

// ParseWording reads a template. Both parts may be wrong at once.
func ParseWording(subject, body string) (w Wording, subjectErr, bodyErr error) {
	w.subject, subjectErr = handlebars.Parse(subject)
	w.body, bodyErr = handlebars.Parse(body)
	return w, subjectErr, bodyErr
}

// Render words an event. The body is harmless HTML.
func (w Wording) Render(change engine.ChangeEvent) (subject, body string, err error) {
	values, err := valuesOf(change)
	if err != nil {
		return "", "", err
	}
	if subject, err = w.subject.Render(values); err != nil {
		return "", "", err
	}
	if body, err = w.body.Render(values); err != nil {
		return "", "", err
	}
	return oneLine(html.UnescapeString(subject), maxTitle), richtext.Clean(body), nil
}

// valuesOf are what templates can show: the event, and the entity as it was then.
func valuesOf(change engine.ChangeEvent) (map[string]any, error) {
	state := stateOf(change)
	change.Entity = nil
	raw, err := json.Marshal(change)
	if err != nil {
		return nil, entity.Internal(err)
	}
	var event, ent map[string]any
	if err := json.Unmarshal(raw, &event); err != nil {
		return nil, entity.Internal(err)
	}
	if state != nil {
		if err := json.Unmarshal(state, &ent); err != nil {
			return nil, entity.Internal(err)
		}
	}
	return map[string]any{"event": event, "entity": ent}, nil
}

// notice words an event: by the template of the alert, if there is one.
func (s *Service) notice(ctx context.Context, a *alert.Alert, change engine.ChangeEvent) (Notice, error) {
	plain := noticeOf(change)
	if a.Template == entity.NilID {
		return plain, nil
	}
	var doc struct {
		Subject string `json:"templateSubject"`
		Body    string `json:"templateBody"`
	}
	gone := false
	err := s.engine.Store().View(ctx, func(r store.Reader) error {
		row, err := r.Entity(ctx, a.Template)
		if gone = err != nil && entity.KindOf(err) == entity.KindNotFound || row.Deleted; gone {
			return nil
		}
		if err != nil {
			return err
		}
		return json.Unmarshal(row.Doc, &doc)
	})
	if err != nil || gone {
		return plain, err
	}
	w, subjectErr, bodyErr := ParseWording(doc.Subject, doc.Body)
	if subjectErr == nil && bodyErr == nil {
		return w.notice(change, plain.Link)
	}
	return plain, unworded(subjectErr, bodyErr)
}

func unworded(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return &failure{reason: "The template cannot be used: " + entity.AsError(err).Message, source: SourceServer, final: true}
		}
	}
	return nil
}

func (w Wording) notice(change engine.ChangeEvent, link string) (Notice, error) {
	subject, body, err := w.Render(change)
	if err != nil {
		return Notice{}, unworded(err)
	}
	return Notice{Title: subject, Lines: linesOf(body), Link: link, HTML: body}, nil
}

// Sample is an event that never was, for trying templates out.
func Sample(resource, event, user string, at int64) engine.ChangeEvent {
	if resource == alert.All {
		resource = "table"
	}
	if event == "" {
		event = entity.EventUpdated
	}
	const state = `{"name":"sample","displayName":"Sample","fullyQualifiedName":"service.sample","description":"Something to try a template out with.",` +
		`"href":"https://catalog.example.org/api/v1/sample","owners":[{"name":"ann","displayName":"Ann","type":"user"}],"tags":[{"tagFQN":"Tier.Tier1","source":"Classification"}]}`
	if talk, ok := sampleThreads[resource]; ok {
		return sampleThread(talk, event, user, at)
	}
	raw, err := json.Marshal(state)
	if err != nil {
		panic(err) // a text always encodes
	}
	return engine.ChangeEvent{
		EventType: event, EntityType: resource, EntityFullyQualifiedName: "service.sample", UserName: user, Timestamp: at, Entity: raw, PreviousVersion: 1, CurrentVersion: 2,
		ChangeDescription: &entity.ChangeDescription{
			FieldsAdded:   []entity.FieldChange{},
			FieldsUpdated: []entity.FieldChange{{Name: "description", OldValue: []byte(`"Before."`), NewValue: []byte(`"Something to try a template out with."`)}},
			FieldsDeleted: []entity.FieldChange{},
		},
	}
}

// sampleThreads are the members in which threads of a kind differ, by resource.
var sampleThreads = map[string]string{
	"conversation": `"type":"Conversation"`,
	"task":         `"type":"Task","task":{"id":1,"type":"RequestDescription","status":"Open","assignees":[{"name":"ann","displayName":"Ann","type":"user"}]}`,
	"announcement": `"type":"Announcement","announcement":{"startTime":1767225600000,"endTime":1767312000000}`,
}

// IsThread tells whether a resource of alerts is a kind of threads.
func IsThread(resource string) bool { return sampleThreads[resource] != "" }

func sampleThread(members, event, user string, at int64) engine.ChangeEvent {
	if event == "" || event == entity.EventUpdated {
		event = entity.EventThreadCreated
	}
	raw, err := json.Marshal(`{"message":"What does it mean, <#E::user::ann>?","createdBy":"ann","about":"<#E::table::service.sample>","posts":[],` +
		`"entityRef":{"id":"00000000-0000-0000-0000-000000000000","type":"table","name":"sample","fullyQualifiedName":"service.sample"},` + members + `}`)
	if err != nil {
		panic(err) // a text always encodes
	}
	return engine.ChangeEvent{EventType: event, EntityType: entity.TypeThread, UserName: user, Timestamp: at, Entity: raw}
}

// SendSample sends what a template makes of a sample to a destination.
func (s *Service) SendSample(ctx context.Context, d *alert.Destination, by entity.Principal, w Wording, sample engine.ChangeEvent) error {
	n, err := w.notice(sample, "")
	if err == nil {
		err = s.tell(ctx, d, by, n)
	}
	if err != nil {
		return entity.Errorf(entity.KindUpstream, "%s", failureOf(err).reason)
	}
	return nil
}

// linesOf are the lines of a text of HTML, without its markup.
func linesOf(text string) []string {
	var b strings.Builder
	for text != "" {
		open := strings.IndexByte(text, '<')
		if open < 0 {
			b.WriteString(text)
			break
		}
		b.WriteString(text[:open])
		end := strings.IndexByte(text[open:], '>')
		if end < 0 {
			break
		}
		if breaks(text[open+1 : open+end]) {
			b.WriteByte('\n')
		}
		text = text[open+end+1:]
	}
	var out []string
	for line := range strings.SplitSeq(b.String(), "\n") {
		if line = oneLine(html.UnescapeString(line), maxLine); line == "" {
			continue
		}
		if out = append(out, line); len(out) == maxLines {
			break
		}
	}
	return out
}

// breaks tells whether a tag begins a new line.
func breaks(tag string) bool {
	name, _, _ := strings.Cut(strings.TrimSpace(strings.TrimPrefix(strings.ToLower(tag), "/")), " ")
	switch strings.TrimSuffix(name, "/") {
	case "br", "p", "div", "li", "ul", "ol", "tr", "table", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "blockquote", "pre":
		return true
	}
	return false
}
