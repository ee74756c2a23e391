package conformance

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// client sends requests with one credential.
type client struct {
	base, token string
	http        *http.Client
}

func newClient(base, token string) *client {
	return &client{base: base, token: token, http: &http.Client{
		Timeout:   time.Minute,
		Transport: &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error {
			return http.ErrUseLastResponse // clients of the API follow none
		},
	}}
}

// answer is a response that was read to its end.
type answer struct {
	what   string // the request, for messages
	status int
	header http.Header
	body   []byte
}

// send sends a JSON body, or none when body is nil. A string or bytes go out as they are.
func (c *client) send(t *testing.T, method, path string, body any, headers ...string) *answer {
	t.Helper()
	var payload []byte
	switch body := body.(type) {
	case nil:
	case string:
		payload = []byte(body)
	case []byte:
		payload = body
	default:
		var err error
		if payload, err = json.Marshal(body, json.Deterministic(true)); err != nil {
			t.Fatal(err)
		}
	}
	req, err := http.NewRequestWithContext(t.Context(), method, c.base+path, bytes.NewReader(payload))
	if err != nil {
		t.Fatal(err)
	}
	if payload == nil {
		req.Body = http.NoBody
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	req.Header.Set("Content-Type", mediaType(method))
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	return c.do(t, req)
}

func mediaType(method string) string {
	if method == http.MethodPatch {
		return "application/json-patch+json"
	}
	return "application/json"
}

func (c *client) do(t *testing.T, req *http.Request) *answer {
	t.Helper()
	what := req.Method + " " + req.URL.RequestURI()
	resp, err := c.http.Do(req)
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatalf("%s: reading the answer: %v", what, err)
	}
	return &answer{what: what, status: resp.StatusCode, header: resp.Header, body: data}
}

func (c *client) get(t *testing.T, path string) *answer {
	t.Helper()
	return c.send(t, http.MethodGet, path, nil)
}

// want ends the test unless the status is the one expected.
func (a *answer) want(t *testing.T, status int) *answer {
	t.Helper()
	if a.status != status {
		t.Fatalf("%s: status %d, want %d: %s", a.what, a.status, status, shorten(a.body))
	}
	return a
}

// refused checks that the answer is an error in the shape that clients read.
func (a *answer) refused(t *testing.T, status int, parts ...string) {
	t.Helper()
	if a.status != status {
		t.Errorf("%s: status %d, want %d: %s", a.what, a.status, status, shorten(a.body))
		return
	}
	a.problem(t, parts...)
}

// problem checks the body of an error: JSON with the status as a number and a message.
func (a *answer) problem(t *testing.T, parts ...string) {
	t.Helper()
	if got := a.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("%s: an error of type %q, want application/json", a.what, got)
	}
	var p struct {
		Code    int    `json:"code"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(a.body, &p); err != nil {
		t.Errorf("%s: the error is not the JSON that clients read: %v: %s", a.what, err, shorten(a.body))
		return
	}
	if p.Code != a.status || strings.TrimSpace(p.Message) == "" {
		t.Errorf("%s: code %d and message %q under status %d", a.what, p.Code, p.Message, a.status)
	}
	for _, part := range parts {
		if !strings.Contains(p.Message, part) {
			t.Errorf("%s: message %q does not tell of %q", a.what, p.Message, part)
		}
	}
}

// object returns the answer as a JSON object.
func (a *answer) object(t *testing.T) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(a.body, &out); err != nil {
		t.Fatalf("%s: %v: %s", a.what, err, shorten(a.body))
	}
	return out
}

// page is one page of a list.
type page struct {
	Data   []jsontext.Value `json:"data"`
	Paging struct {
		After, Before string
		Total         *int
	} `json:"paging"`
}

func (a *answer) page(t *testing.T) page {
	t.Helper()
	a.want(t, http.StatusOK)
	var p page
	if err := json.Unmarshal(a.body, &p, json.MatchCaseInsensitiveNames(true)); err != nil {
		t.Fatalf("%s: %v: %s", a.what, err, shorten(a.body))
	}
	if p.Paging.Total == nil || p.Data == nil {
		t.Fatalf("%s: a page without data or total: %s", a.what, shorten(a.body))
	}
	return p
}

func shorten(body []byte) string {
	if len(body) > 1500 {
		return string(body[:1500]) + "..."
	}
	return string(body)
}
