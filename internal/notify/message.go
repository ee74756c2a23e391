package notify

import (
	"fmt"
	"html"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/alert"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Notice is what people are told, in words.
type Notice struct {
	Title string
	Lines []string
	Link  string // to what changed; "" for none
	HTML  string // the same as harmless HTML, if a template made it
}

// Bounds of a notice; the services that show it have tighter ones than we.
const (
	maxTitle  = 150
	maxLines  = 20
	maxLine   = 300
	maxValue  = 120
	slackText = 3000
)

// verbs say what an event is.
var verbs = map[string]string{
	entity.EventCreated: "was created", entity.EventUpdated: "was changed", entity.EventFieldsChanged: "was changed", entity.EventDeleted: "was deleted",
	entity.EventSoftDeleted: "was deleted", entity.EventRestored: "was restored",
}

// noticeOf words an event.
func noticeOf(ev engine.ChangeEvent) Notice {
	if ev.EntityType == entity.TypeThread {
		return threadNotice(ev)
	}
	verb, ok := verbs[ev.EventType]
	if !ok {
		verb = "has the event " + ev.EventType
	}
	title := fmt.Sprintf("%s %s %s by %s", ev.EntityType, ev.EntityFullyQualifiedName, verb, ev.UserName)
	if ev.ImpersonatedBy != "" {
		title += " (through " + ev.ImpersonatedBy + ")"
	}
	n := Notice{Title: oneLine(title, maxTitle), Link: hrefOf(ev)}
	if ev.ChangeDescription == nil || ev.EventType == entity.EventCreated {
		return n
	}
	for _, part := range []struct {
		sign string
		list []entity.FieldChange
	}{{"added", ev.ChangeDescription.FieldsAdded}, {"changed", ev.ChangeDescription.FieldsUpdated}, {"removed", ev.ChangeDescription.FieldsDeleted}} {
		for _, field := range part.list {
			if len(n.Lines) == maxLines {
				n.Lines = append(n.Lines, "and more")
				return n
			}
			n.Lines = append(n.Lines, lineOf(part.sign, field))
		}
	}
	return n
}

func lineOf(sign string, field entity.FieldChange) string {
	line := field.Name + " " + sign
	before, after := valueText(field.OldValue), valueText(field.NewValue)
	switch {
	case before != "" && after != "":
		line += ": " + before + " → " + after
	case before+after != "":
		line += ": " + before + after
	}
	return oneLine(line, maxLine)
}

func valueText(raw jsontext.Value) string {
	if len(raw) == 0 || raw.Kind() == 'n' {
		return ""
	}
	text := string(raw)
	if raw.Kind() == '"' && json.Unmarshal(raw, &text) != nil {
		return ""
	}
	return oneLine(text, maxValue)
}

// hrefOf is the address of what changed.
func hrefOf(ev engine.ChangeEvent) string {
	var ent struct {
		Href string `json:"href"`
	}
	if state := stateOf(ev); state == nil || json.Unmarshal(state, &ent) != nil {
		return ""
	}
	if !strings.HasPrefix(ent.Href, "http://") && !strings.HasPrefix(ent.Href, "https://") {
		return ""
	}
	return ent.Href
}

// stateOf is the entity at the event, which is JSON in a string.
func stateOf(ev engine.ChangeEvent) []byte {
	var text string
	if ev.Entity.Kind() != '"' || json.Unmarshal(ev.Entity, &text) != nil {
		return nil
	}
	return []byte(text)
}

// oneLine makes a line of a text, no longer than so many characters.
func oneLine(text string, limit int) string {
	text = strings.Join(strings.Fields(text), " ")
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	return string([]rune(text)[:limit-1]) + "…"
}

// object is a JSON object in the making; its members come out in order of name.
type object = map[string]any

// bodyFor words a notice for a service.
func bodyFor(kind string, n Notice) ([]byte, error) {
	var body object
	switch kind {
	case alert.Slack:
		body = slackBody(n)
	case alert.MsTeams:
		body = teamsBody(n)
	case alert.GChat:
		body = chatBody(n)
	default:
		return nil, entity.Internal(fmt.Errorf("no words for %s", kind))
	}
	raw, err := json.Marshal(body, json.Deterministic(true))
	if err != nil {
		return nil, entity.Internal(err)
	}
	return raw, nil
}

// slackEscape keeps text from being markup, mentions and links included.
func slackEscape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func slackBody(n Notice) object {
	blocks := []object{{"type": "header", "text": object{"type": "plain_text", "text": oneLine(n.Title, maxTitle)}}}
	var b strings.Builder
	for _, line := range n.Lines {
		next := "• " + slackEscape(line) + "\n"
		if b.Len()+len(next) > slackText {
			break
		}
		b.WriteString(next)
	}
	if b.Len() > 0 {
		// Verbatim: nothing in it is turned into a link or a mention.
		blocks = append(blocks, object{"type": "section", "text": object{"type": "mrkdwn", "text": strings.TrimSuffix(b.String(), "\n"), "verbatim": true}})
	}
	if n.Link != "" {
		blocks = append(blocks, object{"type": "context", "elements": []object{{"type": "mrkdwn", "text": "<" + strings.NewReplacer("<", "%3C", ">", "%3E", "|", "%7C").Replace(n.Link) + "|Open>"}}})
	}
	return object{"text": slackEscape(n.Title), "blocks": blocks}
}

// teamsEscape keeps text from being Markdown.
func teamsEscape(text string) string {
	var b strings.Builder
	for _, r := range text {
		if strings.ContainsRune("\\`*_{}[]()#+!|<>~", r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func teamsBody(n Notice) object {
	body := []object{{"type": "TextBlock", "text": teamsEscape(n.Title), "weight": "Bolder", "size": "Medium", "wrap": true}}
	for _, line := range n.Lines {
		body = append(body, object{"type": "TextBlock", "text": teamsEscape(line), "wrap": true, "spacing": "Small"})
	}
	card := object{"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4", "body": body}
	if n.Link != "" {
		card["actions"] = []object{{"type": "Action.OpenUrl", "title": "Open", "url": n.Link}}
	}
	return object{"type": "message", "attachments": []object{{"contentType": "application/vnd.microsoft.card.adaptive", "content": card}}}
}

func chatBody(n Notice) object {
	var widgets []object
	if len(n.Lines) > 0 {
		lines := make([]string, len(n.Lines))
		for i, line := range n.Lines {
			lines[i] = html.EscapeString(line)
		}
		widgets = append(widgets, object{"textParagraph": object{"text": strings.Join(lines, "<br>")}})
	} else {
		widgets = append(widgets, object{"textParagraph": object{"text": html.EscapeString(n.Title)}})
	}
	if n.Link != "" {
		widgets = append(widgets, object{"buttonList": object{"buttons": []object{{"text": "Open", "onClick": object{"openLink": object{"url": n.Link}}}}}})
	}
	return object{"cardsV2": []object{{"cardId": "catalpa", "card": object{"header": object{"title": n.Title}, "sections": []object{{"widgets": widgets}}}}}}
}

// Mail words a notice as plain text and as HTML.
func (n Notice) Mail() (subject, plain, rich string) {
	var p, h strings.Builder
	fmt.Fprintf(&p, "%s\n", n.Title)
	for _, line := range n.Lines {
		fmt.Fprintf(&p, "\n- %s", line)
	}
	p.WriteByte('\n')
	if n.HTML != "" {
		h.WriteString(n.HTML + "\n")
	} else {
		fmt.Fprintf(&h, "<p>%s</p>\n", html.EscapeString(n.Title))
		for _, line := range n.Lines {
			fmt.Fprintf(&h, "<p>%s</p>\n", html.EscapeString(line))
		}
	}
	if n.Link != "" {
		fmt.Fprintf(&p, "\n%s\n", n.Link)
		fmt.Fprintf(&h, "<p><a href=\"%[1]s\">%[1]s</a></p>\n", html.EscapeString(n.Link))
	}
	return n.Title, p.String(), h.String()
}
