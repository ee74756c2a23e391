package pages

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

//go:embed templates/*.html
var templateFiles embed.FS

//go:embed static
var staticFiles embed.FS

// Pages writes pages. It is safe for concurrent use.
type Pages struct {
	templates *template.Template
	assets    map[string]asset
	build     string // names the content of all assets
	failures  map[string]words
	version   string
	ui        UI
	uiAssets  map[string]asset
}

// New reads templates and assets; version is shown at the foot of each page. files are
// those of the user interface, nil for none.
func New(version string, files fs.FS) (*Pages, error) {
	p := &Pages{version: version}
	var err error
	if p.ui, p.uiAssets, err = readUI(files); err != nil {
		return nil, err
	}
	static, err := fs.Sub(staticFiles, "static")
	if err != nil {
		return nil, err
	}
	if p.assets, p.build, err = readAssets(static); err != nil {
		return nil, err
	}
	if p.failures, err = readFailures(static); err != nil {
		return nil, err
	}
	p.templates, err = template.New("pages").Funcs(template.FuncMap{"asset": p.assetPath}).ParseFS(templateFiles, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("reading the page templates: %w", err)
	}
	return p, nil
}

// Page is one page to write.
type Page struct {
	// Template names the page: app, stopped, signout, account, tested.
	Template string
	Title    string
	Status   int // 0 means 200
	// Settings are what the page's script works by; encoded as JSON.
	Settings any
	// Data is what the template shows.
	Data any
	// Connect are addresses besides the server's own whose origins the script may call.
	Connect []string
	// UI is what the page loads once somebody is signed in.
	UI UI
}

// shown is what a template gets.
type shown struct {
	Title, Version, Settings string
	Data                     any
	UI                       UI
}

// Write answers with a page. Nothing of a failing template reaches the browser.
func (p *Pages) Write(w http.ResponseWriter, r *http.Request, page Page) error {
	settings := []byte("{}")
	if page.Settings != nil {
		var err error
		if settings, err = json.Marshal(page.Settings); err != nil {
			return fmt.Errorf("encoding the settings of the page %s: %w", page.Template, err)
		}
	}
	var out bytes.Buffer
	view := shown{Title: page.Title, Version: p.version, Settings: string(settings), Data: page.Data, UI: page.UI}
	if err := p.templates.ExecuteTemplate(&out, page.Template+".html", view); err != nil {
		return fmt.Errorf("writing the page %s: %w", page.Template, err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	h.Set("Content-Security-Policy", policy(page.Connect))
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if page.Status == 0 {
		page.Status = http.StatusOK
	}
	w.WriteHeader(page.Status)
	if r.Method == http.MethodHead {
		return nil
	}
	_, _ = w.Write(out.Bytes()) // if the browser went away, nothing is left to answer
	return nil
}

// policy is the Content-Security-Policy of a page: no inline script, no frame
// around it, and calls to nobody but this server and the named addresses.
func policy(connect []string) string {
	allowed := []string{"'self'"}
	for _, address := range connect {
		if origin := Origin(address); origin != "" {
			allowed = append(allowed, origin)
		}
	}
	return "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; img-src 'self' data: blob:; connect-src " +
		strings.Join(allowed, " ") + "; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
}

// Origin returns scheme and host of an http address as browsers write them, ""
// for anything else.
func Origin(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return ""
	}
	host := strings.ToLower(u.Host)
	if strings.ContainsAny(host, "*;, '\"\\") || strings.ContainsFunc(host, func(r rune) bool { return r < '!' || r > '~' }) {
		return ""
	}
	switch {
	case u.Scheme == "https":
		host = strings.TrimSuffix(host, ":443")
	default:
		host = strings.TrimSuffix(host, ":80")
	}
	return u.Scheme + "://" + host
}

// MustNew is New for files that the tests have read: it panics where it would fail.
func MustNew(version string, files fs.FS) *Pages {
	p, err := New(version, files)
	if err != nil {
		panic(err)
	}
	return p
}
