//go:build signon

package signontest

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// chromium is the one browser process of the test binary; profiles keep tests apart.
type chromium struct {
	process *process
	mu      sync.Mutex
	next    int
	waiting map[int]chan reply
	closed  error
}

type reply struct {
	ID    int
	OK    bool
	Value json.RawMessage
	Error string
}

// order is one command of browser.mjs.
type order map[string]any

var (
	browserOnce sync.Once //nolint:gochecknoglobals // one Chromium serves all tests of the binary
	browserNow  *chromium //nolint:gochecknoglobals // set once above
	errBrowser  error     //nolint:gochecknoglobals // set once above
)

func TestMain(m *testing.M) {
	code := m.Run()
	if browserNow != nil {
		browserNow.process.stop()
	}
	if keycloakNow != nil {
		keycloakNow.stop()
	}
	os.Exit(code)
}

func theBrowser(t *testing.T) *chromium {
	t.Helper()
	browserOnce.Do(func() { browserNow, errBrowser = startChromium() })
	if errBrowser != nil {
		t.Fatal(errBrowser)
	}
	return browserNow
}

func startChromium() (*chromium, error) {
	path := os.Getenv("CHROMIUM")
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path == "" {
			path, _ = exec.LookPath(name)
		}
	}
	p, err := launch(30*time.Second, "node", []string{"browser.mjs"}, []string{"CHROMIUM=" + path})
	if err != nil {
		return nil, err
	}
	c := &chromium{process: p, waiting: map[int]chan reply{}}
	go c.listen()
	return c, nil
}

// listen hands answers to those who wait for them.
func (c *chromium) listen() {
	for {
		line, err := c.process.out.ReadBytes('\n')
		var answer reply
		if err == nil {
			err = json.Unmarshal(line, &answer)
		}
		c.mu.Lock()
		if err != nil {
			c.closed = fmt.Errorf("the browser is gone: %w\n%s", err, c.process.log.String())
			for _, waiting := range c.waiting {
				close(waiting)
			}
			c.waiting = nil
			c.mu.Unlock()
			return
		}
		c.waiting[answer.ID] <- answer
		delete(c.waiting, answer.ID)
		c.mu.Unlock()
	}
}

// do runs one command; its answer goes into value unless that is nil.
func (c *chromium) do(what string, o order, value any) error {
	answered := make(chan reply, 1)
	c.mu.Lock()
	if c.closed != nil {
		defer c.mu.Unlock()
		return c.closed
	}
	c.next++
	o["id"], o["do"] = c.next, what
	c.waiting[c.next] = answered
	line, err := json.Marshal(o)
	if err == nil {
		_, err = c.process.in.Write(append(line, '\n'))
	}
	c.mu.Unlock()
	if err != nil {
		return err
	}
	select {
	case answer, open := <-answered:
		switch {
		case !open:
			return c.closed
		case !answer.OK:
			return fmt.Errorf("%s: %s", what, answer.Error)
		case value == nil:
			return nil
		}
		return json.Unmarshal(answer.Value, value)
	case <-time.After(90 * time.Second):
		return fmt.Errorf("%s: no answer from the browser", what)
	}
}

// profile is a person's browser: cookies and storage of its own.
type profile struct {
	t       *testing.T
	browser *chromium
	name    string
	pages   int
}

func newProfile(t *testing.T, person string) *profile {
	t.Helper()
	p := &profile{t: t, browser: theBrowser(t), name: t.Name() + "/" + person}
	t.Cleanup(func() {
		if err := p.browser.do("forget", order{"profile": p.name}, nil); err != nil {
			t.Error(err)
		}
	})
	return p
}

func (p *profile) do(what string, o order, value any) {
	p.t.Helper()
	o["profile"] = p.name
	if err := p.browser.do(what, o, value); err != nil {
		p.t.Fatal(err)
	}
}

// cookie is one as the browser keeps it.
type cookie struct {
	Name     string  `json:"name"`
	Value    string  `json:"value"`
	Domain   string  `json:"domain"`
	Path     string  `json:"path"`
	Expires  float64 `json:"expires"`
	HTTPOnly bool    `json:"httpOnly"`
	Secure   bool    `json:"secure"`
	SameSite string  `json:"sameSite"`
}

func (p *profile) cookies() []cookie {
	p.t.Helper()
	var found []cookie
	p.do("cookies", order{}, &found)
	return found
}

// cookieNamed returns the first cookie whose name contains part.
func (p *profile) cookieNamed(part string) (cookie, bool) {
	p.t.Helper()
	for _, c := range p.cookies() {
		if strings.Contains(c.Name, part) {
			return c, true
		}
	}
	return cookie{}, false
}

// traffic is what all pages of a profile asked for and got.
type traffic struct {
	Requests []struct{ Method, URL, Type, Referer string }
	// Responses are in the order their headers came.
	Responses []struct {
		URL, Location string
		Status        int
		SetCookie     []string
	}
	Console []string
}

func (p *profile) traffic() traffic {
	p.t.Helper()
	var seen traffic
	p.do("record", order{}, &seen)
	return seen
}

// plant sets a cookie as somebody else's page might have.
func (p *profile) plant(name, value, url string) {
	p.t.Helper()
	p.do("setCookies", order{"cookies": []map[string]string{{"name": name, "value": value, "url": url}}}, nil)
}

// page is one tab.
type page struct {
	*profile
	id string
}

// tab opens another one.
func (p *profile) tab() *page {
	p.t.Helper()
	p.pages++
	tab := &page{profile: p, id: fmt.Sprintf("%s#%d", p.name, p.pages)}
	p.do("open", order{"page": tab.id}, nil)
	p.t.Cleanup(func() {
		if p.t.Failed() {
			tab.explain()
		}
	})
	return tab
}

// explain logs what a person would see now.
func (p *page) explain() {
	var at, text string
	if p.try("url", order{}, &at) != nil || p.try("text", order{}, &text) != nil {
		return
	}
	p.t.Logf("%s was at %s and showed:\n%s", p.id, at, tail(text, 20))
}

func (p *page) try(what string, o order, value any) error {
	o["page"] = p.id
	return p.browser.do(what, o, value)
}

func (p *page) do(what string, o order, value any) {
	p.t.Helper()
	if err := p.try(what, o, value); err != nil {
		p.t.Fatalf("%s: %v", p.id, err)
	}
}

// visit is what a navigation ended with.
type visit struct {
	Status  int
	URL     string
	Headers map[string]string
}

func (p *page) open(url string) visit {
	p.t.Helper()
	var v visit
	p.do("goto", order{"url": url}, &v)
	return v
}

func (p *page) reload() {
	p.t.Helper()
	p.do("reload", order{}, nil)
}

// press clicks a button by its name, which is a pattern.
func (p *page) press(name string) {
	p.t.Helper()
	p.do("click", order{"role": "button", "name": name}, nil)
}

// opens clicks a button that opens a window, and returns that.
func (p *page) opens(name string) *page {
	p.t.Helper()
	p.pages++
	beside := &page{profile: p.profile, id: fmt.Sprintf("%s#%d", p.name, p.pages)}
	p.do("popup", order{"role": "button", "name": name, "newcomer": beside.id}, nil)
	return beside
}

func (p *page) follow(name string) {
	p.t.Helper()
	p.do("click", order{"role": "link", "name": name}, nil)
}

func (p *page) fill(label, value string) {
	p.t.Helper()
	p.do("fill", order{"label": label, "value": value}, nil)
}

// at waits until the address matches and returns it.
func (p *page) at(pattern string) string {
	p.t.Helper()
	var url string
	p.do("waitURL", order{"url": pattern}, &url)
	return url
}

// shows waits until the page shows a text that matches.
func (p *page) shows(pattern string) {
	p.t.Helper()
	p.do("waitText", order{"text": pattern}, nil)
}

func (p *page) text() string {
	p.t.Helper()
	var text string
	p.do("text", order{}, &text)
	return text
}

func (p *page) url() string {
	p.t.Helper()
	var url string
	p.do("url", order{}, &url)
	return url
}

// evaluate calls a JavaScript function with one argument in the page.
func (p *page) evaluate(script string, argument, value any) {
	p.t.Helper()
	p.do("evaluate", order{"script": script, "argument": argument}, value)
}

// kept is all that scripts of the page's origin can find there.
func (p *page) kept() map[string]string {
	p.t.Helper()
	found := map[string]string{}
	p.do("storage", order{}, &found)
	return found
}

func (p *page) history() []string {
	p.t.Helper()
	var entries []string
	p.do("history", order{}, &entries)
	return entries
}

// looks are the ways in which pages are judged; the first is how tests see them.
var looks = []struct { //nolint:gochecknoglobals // nothing writes it
	scheme        string
	width, height int
}{{"light", 1280, 800}, {"dark", 1440, 900}, {"light", 390, 844}, {"dark", 320, 640}}

// judge checks that axe finds nothing wrong and that nothing has to be scrolled
// sideways, light and dark, wide and narrow; and keeps pictures if asked to.
func (p *page) judge(name string) {
	p.t.Helper()
	for i := range looks {
		look := looks[(i+1)%len(looks)]
		p.do("look", order{"scheme": look.scheme, "width": look.width, "height": look.height}, nil)
		as := fmt.Sprintf("%s-%d-%s", name, look.width, look.scheme)
		var found []string
		p.do("axe", order{}, &found)
		for _, breach := range found {
			p.t.Errorf("%s: axe: %s", as, breach)
		}
		var beyond int
		p.evaluate(`() => document.documentElement.scrollWidth - document.documentElement.clientWidth`, nil, &beyond)
		if beyond > 0 {
			p.t.Errorf("%s: %d pixels are beyond the edge", as, beyond)
		}
		if dir := os.Getenv("SIGNON_SHOTS"); dir != "" {
			p.do("screenshot", order{"path": filepath.Join(dir, as+".png")}, nil)
		}
	}
}
