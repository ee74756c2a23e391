package mail

import (
	"embed"
	"fmt"
	"html"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

//go:embed letters/*.txt
var letters embed.FS

// letter is a mail in words: the same text plain and as HTML.
type letter struct{ subject, plain, html string }

// page is where the link of a mail leads.
func page(kind auth.MailKind) string {
	switch kind {
	case auth.MailReset:
		return "/users/password/reset"
	case auth.MailRegistration:
		return "/users/registrationConfirmation"
	case auth.MailChanged, auth.MailTaken:
		return "/signin"
	}
	return "/"
}

// write words a mail. The letter is taken apart first and the variables are put in
// by one pass that never looks at what it has put in: text in braces that comes
// from outside stays text in braces.
func (c *Config) write(m auth.Mail) (letter, error) {
	raw, err := letters.ReadFile("letters/" + string(m.Kind) + ".txt")
	if err != nil {
		return letter{}, fmt.Errorf("there is no letter %q", m.Kind)
	}
	subject, body, _ := strings.Cut(string(raw), "\n")
	variables := []string{
		"{service}", c.Service, "{user}", oneLine(m.User), "{tokens}", tokenList(m.Tokens),
		"{minutes}", strconv.Itoa(int(m.Lifetime / time.Minute)), "{hours}", strconv.Itoa(int(m.Lifetime / time.Hour)),
	}
	fill := strings.NewReplacer(variables...)
	link := c.link(m)
	out := letter{subject: fill.Replace(subject)}
	var plain, rich strings.Builder
	rich.WriteString("<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n")
	for paragraph := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		if paragraph == "{link}" {
			fmt.Fprintf(&plain, "%s\n\n", link)
			fmt.Fprintf(&rich, "<p><a href=\"%[1]s\">%[1]s</a></p>\n", html.EscapeString(link))
			continue
		}
		text := fill.Replace(paragraph)
		fmt.Fprintf(&plain, "%s\n\n", text)
		fmt.Fprintf(&rich, "<p>%s</p>\n", html.EscapeString(text))
	}
	if c.Support != "" {
		fmt.Fprintf(&plain, "Help: %s\n", c.Support)
		fmt.Fprintf(&rich, "<p>Help: <a href=\"%[1]s\">%[1]s</a></p>\n", html.EscapeString(c.Support))
	}
	rich.WriteString("</body></html>\n")
	out.plain, out.html = plain.String(), rich.String()
	return out, nil
}

// link begins with the configured address whatever the mail holds.
func (c *Config) link(m auth.Mail) string {
	link := strings.TrimSuffix(c.ServerURL, "/") + page(m.Kind)
	if m.Token == "" {
		return link
	}
	return link + "?" + url.Values{"user": {m.User}, "token": {m.Token}}.Encode()
}

// oneLine keeps names from looking like a part of the letter.
func oneLine(text string) string {
	return entity.Shorten(strings.Join(strings.Fields(text), " "), 100)
}

const maxListed = 20

func tokenList(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	var quoted []string
	for _, name := range names[:min(len(names), maxListed)] {
		quoted = append(quoted, strconv.Quote(oneLine(name)))
	}
	list := strings.Join(quoted, ", ")
	if more := len(names) - maxListed; more > 0 {
		list += fmt.Sprintf(" and %d more", more)
	}
	return list
}
