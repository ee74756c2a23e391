package api

import (
	"mime"
	"net/http"
	"slices"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/pages"
)

// sameOrigin is what browsers call a request of the server's own pages.
const sameOrigin = "same-origin"

// unsafe tells whether a method changes things.
func unsafe(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// own tells whether the request comes from a page of this server: the browser says
// so, or the origin that it names is ours.
func (c *call) own() bool {
	if site := c.r.Header.Get("Sec-Fetch-Site"); site != "" {
		return site == sameOrigin
	}
	origin := c.r.Header.Values("Origin")
	return len(origin) == 1 && origin[0] != "" && origin[0] == c.ownOrigin()
}

// ownOrigin is scheme and host of our pages as browsers name them. Where the server
// was not told, it is the host that the request names: that is only compared with
// the origin in the same request.
func (c *call) ownOrigin() string {
	settings := c.signOn()
	if origin := pages.Origin(settings.PublicURL); origin != "" {
		return origin
	}
	scheme := "http://"
	if c.https(settings) {
		scheme = "https://"
	}
	return pages.Origin(scheme + c.r.Host)
}

// checkOrigin refuses what a page of another site makes a browser with a session
// send. Such a request would not be let in by its cookie anyway; this says why.
func (c *call) checkOrigin() error {
	if !unsafe(c.r.Method) || c.route.Foreign || len(c.r.Header.Values("Authorization")) > 0 || c.session() == "" || c.own() {
		return nil
	}
	return auth.Refuse(auth.CodeOrigin)
}

// checkPosted wants JSON of a request that its cookie lets in: forms of other sites
// cannot send that.
func (c *call) checkPosted(session string) error {
	media := c.r.Header.Get("Content-Type")
	if session == "" || media == "" && c.r.ContentLength == 0 {
		return nil
	}
	if got, _, err := mime.ParseMediaType(media); err != nil || got != "application/json" {
		return entity.Errorf(entity.KindUnsupported, "send the body as application/json")
	}
	return nil
}

// meant tells whether a GET that changes something was meant by the person: typed,
// or followed on one of our pages; not an image, a frame, a prefetch, or a link of
// another site.
func (c *call) meant() bool {
	h := c.r.Header
	if h.Get("Sec-Purpose") != "" || h.Get("Purpose") != "" || h.Get("X-Moz") != "" {
		return false
	}
	switch h.Get("Sec-Fetch-Dest") {
	case "", "document", "empty":
	default:
		return false
	}
	return h.Get("Sec-Fetch-Site") == "none" || c.own()
}

// Headers and methods that listed sites may use.
const (
	corsMethods = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
	corsHeaders = "Authorization, Content-Type, Accept, If-Match, If-None-Match, X-Impersonate-User"
	corsExposed = "ETag, X-Request-Id, Retry-After"
)

// cors lets scripts of listed sites read answers of the API, never with cookies,
// and reports whether it has answered the request already.
func (a *API) cors(w http.ResponseWriter, r *http.Request) bool {
	settings := a.signOn()
	if len(settings.AllowedOrigins) == 0 || !strings.HasPrefix(r.URL.Path, "/api/") {
		return false
	}
	h := w.Header()
	h.Add("Vary", "Origin")
	origin := r.Header.Values("Origin")
	if len(origin) != 1 || !settings.readable(origin[0]) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin[0])
	h.Set("Access-Control-Expose-Headers", corsExposed)
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	h.Set("Access-Control-Allow-Methods", corsMethods)
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
	return true
}

// readable tells whether a site is listed, letter by letter.
func (s SignOnSettings) readable(origin string) bool {
	return origin != "" && origin == pages.Origin(origin) &&
		slices.ContainsFunc(s.AllowedOrigins, func(allowed string) bool { return pages.Origin(allowed) == origin })
}
