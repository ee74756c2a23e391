//go:build signon

package signontest

import (
	"net/url"
	"strings"
	"testing"
)

// secrets are the credentials that must be nowhere but where they belong.
type secrets map[string]string // by what they are

// known gathers what the provider handed out and what the browser holds.
func known(p *provider, browser *profile) secrets {
	browser.t.Helper()
	found := secrets{}
	if p != nil {
		for _, token := range p.issued() {
			found["a token of the provider"+token[len(token)-6:]] = token
		}
	}
	for _, c := range browser.cookies() {
		if strings.Contains(c.Name, "catalpa") && c.Value != "" {
			found["the cookie "+c.Name] = c.Value
		}
	}
	return found
}

// in says what of them a text holds; a JWT counts even when nobody knows it.
func (s secrets) in(text string) []string {
	var found []string
	plain, err := url.QueryUnescape(text)
	if err != nil {
		plain = text
	}
	for what, secret := range s {
		if strings.Contains(text, secret) || strings.Contains(plain, secret) {
			found = append(found, what)
		}
	}
	if jwt.MatchString(text) || jwt.MatchString(plain) {
		found = append(found, "a JWT")
	}
	return found
}

// assertNoLeaks checks every address, referrer, history entry and console line, and
// the server's log (T15), and all that scripts can find in the browser (T35).
func assertNoLeaks(t *testing.T, c *catalpa, p *provider, tab *page) {
	t.Helper()
	s := known(p, tab.profile)
	if len(s) == 0 {
		t.Fatal("nobody holds any credential, so the search would prove nothing")
	}
	complain := func(id, where, text string) {
		for _, what := range s.in(text) {
			t.Errorf("%s: %s is in %s %.80s", id, what, where, text)
		}
	}
	seen := tab.traffic()
	if len(seen.Requests) == 0 || len(seen.Responses) == 0 {
		t.Fatal("no traffic was recorded")
	}
	for _, r := range seen.Requests {
		complain("T15", "the address", r.URL)
		complain("T15", "the referrer", r.Referer)
	}
	for _, r := range seen.Responses {
		complain("T15", "the redirect to", r.Location)
	}
	for _, line := range seen.Console {
		complain("T15", "the console", line)
	}
	for _, entry := range tab.history() {
		complain("T15", "the history", entry)
	}
	if p != nil {
		for _, r := range p.requests() {
			complain("T15", "a request at the provider", r.URL+" "+r.Referer)
		}
	}
	for _, line := range strings.Split(c.log.String(), "\n") {
		complain("T15", "the server's log", line)
	}
	for place, content := range tab.kept() {
		complain("T35", place, place+"="+content)
	}
}

// assertQuiet checks that no page of ours complained, as about its own policy.
func assertQuiet(t *testing.T, browser *profile) {
	t.Helper()
	for _, line := range browser.traffic().Console {
		if strings.HasPrefix(line, "exception:") || strings.Contains(line, "Content Security Policy") {
			t.Errorf("console: %s", line)
		}
	}
}
