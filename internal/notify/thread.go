package notify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/alert"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// thread is a conversation, a task or an announcement as notices show it.
type thread struct {
	alert.Thread
	Type  string     `json:"type"`
	About entity.Ref `json:"entityRef"`
	Task  *struct {
		ID         int64        `json:"id"`
		Type       string       `json:"type"`
		Assignees  []entity.Ref `json:"assignees"`
		Suggestion string       `json:"suggestion"`
		NewValue   string       `json:"newValue"`
	} `json:"task"`
	Period *struct {
		Start int64 `json:"startTime"`
		End   int64 `json:"endTime"`
	} `json:"announcement"`
}

// threadOf reads the thread of an event; nil when it is an event of something else.
func threadOf(change engine.ChangeEvent) (*thread, error) {
	if change.EntityType != entity.TypeThread {
		return nil, nil
	}
	t := new(thread)
	if err := json.Unmarshal(stateOf(change), t); err != nil {
		return nil, entity.Internal(err)
	}
	return t, nil
}

// aboutOf is what the thread of an event is about, with its owners and domains as they
// are now; nil when the event is one of something else, or the entity is gone.
func (s *Service) aboutOf(ctx context.Context, change engine.ChangeEvent) (*alert.About, error) {
	t, err := threadOf(change)
	if err != nil || t == nil {
		return nil, err
	}
	about := &alert.About{Type: t.About.Type, ID: t.About.ID, FQN: t.About.FullyQualifiedName}
	typ, ok := s.engine.Registry().ByName(t.About.Type)
	if !ok {
		return about, nil
	}
	res, err := s.engine.Resource(ctx, typ, engine.ByID(t.About.ID))
	if err != nil && entity.KindOf(err) == entity.KindNotFound {
		return about, nil
	}
	if err != nil {
		return nil, err
	}
	about.FQN, about.Owners, about.Domains = res.FQN, res.Owners, res.Domains
	return about, nil
}

// followedIn is what those follow who want to know of an event.
func followedIn(change engine.ChangeEvent) (entity.ID, error) {
	t, err := threadOf(change)
	if err != nil || t == nil {
		return change.EntityID, err
	}
	return t.About.ID, nil
}

// talkedTo are the users and teams whom a thread mentions or asks, if the destination
// means them.
func talkedTo(ctx context.Context, r store.Reader, d *alert.Destination, change engine.ChangeEvent) ([]entity.ID, error) {
	if d.Category != alert.Mentions && d.Category != alert.Assignees {
		return nil, nil
	}
	t, err := threadOf(change)
	if err != nil || t == nil {
		return nil, err
	}
	if d.Category == alert.Assignees {
		if t.Task == nil {
			return nil, nil
		}
		return idsOf(t.Task.Assignees), nil
	}
	mentions := t.Mentions()
	keys := make([]store.Key, len(mentions))
	for i, link := range mentions {
		name := link.FQN
		if link.Type == "user" {
			name = strings.ToLower(name)
		}
		keys[i] = store.Key{Type: link.Type, FQN: entity.QuoteName(name)}
	}
	rows, err := r.EntitiesByFQN(ctx, keys)
	ids := make([]entity.ID, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	return ids, err
}

// threadNotice words what happened in a thread.
func threadNotice(ev engine.ChangeEvent) Notice {
	t, err := threadOf(ev)
	if err != nil {
		return Notice{Title: oneLine(fmt.Sprintf("%s by %s", ev.EventType, ev.UserName), maxTitle)}
	}
	what := "a conversation"
	switch {
	case t.Task != nil:
		what = fmt.Sprintf("task %d (%s)", t.Task.ID, t.Task.Type)
	case t.Period != nil:
		what = "an announcement"
	}
	verb, ok := map[string]string{
		entity.EventThreadCreated: "began", entity.EventThreadUpdated: "changed", entity.EventPostCreated: "wrote in", entity.EventPostUpdated: "changed a post in",
		entity.EventTaskResolved: "resolved", entity.EventTaskClosed: "closed",
	}[ev.EventType]
	if !ok {
		verb = "did " + ev.EventType + " with"
	}
	if ev.EventType == entity.EventThreadCreated && t.Task != nil {
		verb = "asks with"
	}
	title := fmt.Sprintf("%s %s %s about %s %s", ev.UserName, verb, what, t.About.Type, t.About.FullyQualifiedName)
	return Notice{Title: oneLine(title, maxTitle), Lines: t.lines(), Link: hrefOf(ev)}
}

// lines are the newest words of a thread and, at its beginning, what it asks for or when
// it holds.
func (t *thread) lines() []string {
	words := t.Message
	if len(t.Posts) > 0 {
		words = t.Posts[len(t.Posts)-1].Message
	}
	var out []string
	if words = oneLine(readable(words), maxLine); words != "" {
		out = append(out, words)
	}
	if t.Task != nil {
		for _, part := range []struct{ name, value string }{{"suggested", t.Task.Suggestion}, {"answer", t.Task.NewValue}} {
			if part.value != "" {
				out = append(out, oneLine(part.name+": "+oneLine(part.value, maxValue), maxLine))
			}
		}
	}
	if t.Period != nil {
		day := func(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04 UTC") }
		out = append(out, "from "+day(t.Period.Start)+" to "+day(t.Period.End))
	}
	return out
}

// readable turns the links of a text into names: <#E::user::ann> into @ann.
func readable(text string) string {
	var out strings.Builder
	for {
		begin := strings.Index(text, "<#E::")
		end := -1
		if begin >= 0 {
			end = strings.IndexByte(text[begin:], '>')
		}
		if end < 0 {
			out.WriteString(text)
			return out.String()
		}
		out.WriteString(text[:begin])
		one := text[begin : begin+end+1]
		if links := entity.Links(one); len(links) == 1 {
			one = entity.UnquoteName(links[0].FQN)
			if links[0].Type == "user" || links[0].Type == "team" {
				one = "@" + one
			}
		}
		out.WriteString(one)
		text = text[begin+end+1:]
	}
}
