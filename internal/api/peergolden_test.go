package api

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// recorded is what an OpenMetadata server of version 1.1 answered to one of a run of
// requests: the status and the form of the body. A form is s, n, b or 0 for a text, a
// number, a truth value or null, $N for an id that later requests name, an object of
// forms, or a list with the form of its items, empty when nobody saw one.
type recorded struct {
	Name   string         `json:"name"`
	Call   string         `json:"call"`
	Bot    bool           `json:"bot"`
	Media  string         `json:"media"`
	Body   string         `json:"body"`
	Status int            `json:"status"`
	Shape  jsontext.Value `json:"shape"`
}

const peerDifferences = "testdata/peer_differences.txt"

var symbol = regexp.MustCompile(`\$[0-9]+`)

// TestPeerAnswers replays the run and compares statuses, members and JSON types. Members
// that only we have are another test's: they must be in our schemas. Where we differ on
// purpose, peer_differences.txt says so with the reason.
func TestPeerAnswers(t *testing.T) {
	h := newHarness(t)
	raw, err := os.ReadFile("testdata/peer.jsonl")
	check(t, err)
	ids := map[string]string{}
	found := map[string]bool{}
	for line := range bytes.Lines(raw) {
		var r recorded
		check(t, json.Unmarshal(line, &r, json.RejectUnknownMembers(true)))
		got := h.replay(t, r, ids)
		if got.status != r.Status {
			found[fmt.Sprintf("%s status %d for %d", r.Name, got.status, r.Status)] = true
			continue
		}
		if r.Shape == nil || got.status >= http.StatusMultipleChoices {
			continue
		}
		var shape, body any
		check(t, json.Unmarshal(r.Shape, &shape))
		if err := json.Unmarshal(got.body, &body); err != nil {
			found[r.Name+" is no JSON"] = true
			continue
		}
		compareForms(shape, body, "", ids, func(what string) { found[r.Name+" "+what] = true })
	}
	reasons := readDifferences(t)
	for _, what := range slices.Sorted(maps.Keys(found)) {
		known := false
		for _, r := range reasons {
			if r.form.MatchString(what) {
				r.used, known = true, true
			}
		}
		if !known {
			t.Errorf("%s: mend it, or give the reason in %s", what, peerDifferences)
		}
	}
	for _, r := range reasons {
		if !r.used {
			t.Errorf("%s: no longer so; take it out of %s", r.text, peerDifferences)
		}
	}
}

// difference is a line of the reviewed list.
type difference struct {
	text string
	form *regexp.Regexp
	used bool
}

// readDifferences reads the reviewed list: a difference, # and the reason, one a line.
// In a difference * stands for anything, and [12] for one of the characters.
func readDifferences(t *testing.T) []*difference {
	t.Helper()
	text, err := os.ReadFile(peerDifferences)
	check(t, err)
	var out []*difference
	for line := range strings.Lines(string(text)) {
		what, reason, ok := strings.Cut(strings.TrimSpace(line), " # ")
		if !ok || reason == "" {
			t.Fatalf("%s: %q has no reason", peerDifferences, line)
		}
		form := strings.NewReplacer(`\*`, ".*", `\[`, "[", `\]`, "]").Replace(regexp.QuoteMeta(what))
		out = append(out, &difference{text: what, form: regexp.MustCompile("^" + form + "$")})
	}
	return out
}

// replay sends a request with the ids that our answers gave.
func (h *harness) replay(t *testing.T, r recorded, ids map[string]string) answer {
	t.Helper()
	ours := func(text string) string {
		return symbol.ReplaceAllStringFunc(text, func(s string) string {
			if id, ok := ids[s]; ok {
				return id
			}
			return anyID
		})
	}
	today := time.Now().UTC().Format(time.DateOnly)
	method, path, _ := strings.Cut(ours(r.Call), " ")
	var body io.Reader = http.NoBody
	if r.Body != "" {
		body = strings.NewReader(strings.ReplaceAll(ours(r.Body), "$today", today))
	}
	req, err := http.NewRequestWithContext(t.Context(), method, h.url+"/api/v1"+path, body)
	check(t, err)
	who := h.admin
	if r.Bot {
		who = h.bot()
	}
	req.Header.Set("Authorization", "Bearer "+who.token)
	if r.Media != "" {
		req.Header.Set("Content-Type", r.Media)
	}
	return unfollowed(t, r.Name, req)
}

// compareForms tells what of a form is not in a value, and learns ids.
func compareForms(form, value any, at string, ids map[string]string, differs func(string)) {
	switch form := form.(type) {
	case map[string]any:
		object, ok := value.(map[string]any)
		if !ok {
			differs(at + " is " + formOf(value) + ", not an object")
			return
		}
		for name, sub := range form {
			if inner, ok := object[name]; ok {
				compareForms(sub, inner, at+"/"+name, ids, differs)
			} else {
				differs("lacks " + at + "/" + name)
			}
		}
	case []any:
		list, ok := value.([]any)
		switch {
		case !ok:
			differs(at + " is " + formOf(value) + ", not a list")
		case len(form) > 0 && len(list) == 0:
			differs(at + " is empty")
		case len(form) > 0:
			compareForms(form[0], list[0], at+"/-", ids, differs)
		}
	case string:
		if text, ok := value.(string); ok && strings.HasPrefix(form, "$") {
			ids[form] = text
		} else if is := formOf(value); is != form && form != "0" {
			differs(at + " is " + is + ", not " + form)
		}
	}
}

func formOf(value any) string {
	switch value.(type) {
	case nil:
		return "0"
	case string:
		return "s"
	case bool:
		return "b"
	case float64:
		return "n"
	case []any:
		return "a list"
	}
	return "an object"
}
