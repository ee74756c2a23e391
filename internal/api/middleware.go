package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-chi/chi/v5"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// note collects what the access log says about a request.
type note struct {
	id, user, method, route string
	address                 func() string // whom the request came from
	place                   *place        // among the requests that are worked on
	header                  http.Header   // as it came
	lacks                   bool          // see Route.Lacks
}

type noteKey struct{}

func requestID(ctx context.Context) string {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		return n.id
	}
	return ""
}

func noteRoute(ctx context.Context, r *Route) {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		n.route, n.lacks = r.Path, r.Lacks
	}
}

// RouteOf names the route of the request that a context belongs to, "" for none.
func RouteOf(ctx context.Context) string {
	if n, ok := ctx.Value(noteKey{}).(*note); ok && n.route != "" {
		return n.method + " " + n.route
	}
	return ""
}

// HeadersOf names the headers of the request that a context belongs to, never their
// values: what a proxy took away shows there.
func HeadersOf(ctx context.Context) string {
	n, ok := ctx.Value(noteKey{}).(*note)
	if !ok || n.header == nil {
		return ""
	}
	return strings.Join(slices.Sorted(maps.Keys(n.header)), ", ")
}

// AddressOf names whom the request came from that a context belongs to, "" for none.
func AddressOf(ctx context.Context) string {
	if n, ok := ctx.Value(noteKey{}).(*note); ok && n.address != nil {
		return n.address()
	}
	return ""
}

func noteUser(ctx context.Context, name string) {
	if n, ok := ctx.Value(noteKey{}).(*note); ok {
		n.user = name
	}
}

// recorder remembers the status for the access log.
type recorder struct {
	http.ResponseWriter
	status int
	bytes  int
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// chain puts around the router what every request gets: an id, a line in the
// log, recovery from panics, security headers, limits and a deadline.
func (a *API) chain(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		n := &note{id: newRequestID(), method: r.Method, address: (&call{API: a, r: r}).address, header: r.Header}
		ctx, cancel := context.WithTimeout(context.WithValue(r.Context(), noteKey{}, n), a.limits.Timeout)
		defer cancel()
		r = r.WithContext(ctx)
		rec := &recorder{ResponseWriter: w}
		h := w.Header()
		h.Set("X-Request-Id", n.id)
		h.Set("X-Frame-Options", "DENY")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-XSS-Protection", "1; mode=block")
		h.Set("Strict-Transport-Security", "max-age=31536000; includeSubDomains")
		h.Set("Cache-Control", "no-store")
		defer func() {
			if p := recover(); p != nil {
				a.panicked(rec, r, p)
			}
			took := time.Since(start)
			a.observe(n.method, strings.TrimPrefix(n.route, "*"), rec.status, took)
			a.access(ctx, rec, r, n, took)
		}()
		if a.cors(rec, r) {
			return
		}
		c := &call{API: a, w: rec, r: r, route: &Route{Path: "*", Access: Public}}
		if err := a.checkTarget(r); err != nil {
			c.fail(err)
			return
		}
		n.place = &place{among: a.slots}
		if r.URL.Path != livePath && !n.place.take(ctx) { // a server with much to do is alive
			c.fail(entity.Errorf(entity.KindUnavailable, "the server is busy; try again in a moment"))
			return
		}
		defer n.place.leave()
		next.ServeHTTP(rec, r)
	})
}

// place is one among the requests that are worked on.
type place struct {
	among chan struct{}
	held  bool
}

// placeOf returns the place of the request that a context belongs to.
func placeOf(ctx context.Context) *place {
	if n, ok := ctx.Value(noteKey{}).(*note); ok && n.place != nil {
		return n.place
	}
	return &place{among: make(chan struct{}, 1)}
}

// take waits for its turn. Whoever finds a place free takes it, even if the client has
// ended its half of the connection.
func (p *place) take(ctx context.Context) bool {
	select {
	case p.among <- struct{}{}:
		p.held = true
	default:
		select {
		case p.among <- struct{}{}:
			p.held = true
		case <-ctx.Done():
		}
	}
	return p.held
}

// leave gives the place up, if it is held.
func (p *place) leave() {
	if p.held {
		p.held = false
		<-p.among
	}
}

func (a *API) panicked(rec *recorder, r *http.Request, p any) {
	if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(p)
	}
	a.log.ErrorContext(r.Context(), "a handler panicked", "panic", p, "request", requestID(r.Context()), "stack", string(debug.Stack()))
	if rec.status == 0 {
		c := &call{API: a, w: rec, r: r, route: &Route{Path: "*"}}
		c.fail(entity.Internal(nil))
	}
}

func (a *API) access(ctx context.Context, rec *recorder, r *http.Request, n *note, took time.Duration) {
	level := slog.LevelDebug
	if rec.status >= 500 && rec.status != http.StatusNotImplemented && (!n.lacks || rec.status != http.StatusServiceUnavailable) {
		level = slog.LevelWarn
	}
	if !a.log.Enabled(ctx, level) {
		return
	}
	a.log.LogAttrs(ctx, level, "request", slog.String("method", r.Method), slog.String("route", n.route), slog.Int("status", rec.status),
		slog.Int("bytes", rec.bytes), slog.Duration("took", took), slog.String("user", n.user), slog.String("request", n.id))
}

func newRequestID() string {
	var b [8]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "unknown"
	}
	return hex.EncodeToString(b[:])
}

// checkTarget refuses request targets that could be read in two ways. An escaped
// slash is data inside a name; a second level of escaping, dots that climb, raw
// separators and control characters are not.
func (a *API) checkTarget(r *http.Request) error {
	if len(r.RequestURI) > a.limits.MaxURL {
		return entity.BadRequest("the request target is longer than %d bytes", a.limits.MaxURL)
	}
	path := r.URL.EscapedPath()
	if asked, _, _ := strings.Cut(r.RequestURI, "?"); strings.Contains(asked, "\\") { // EscapedPath shows it escaped
		path = asked
	}
	if strings.Contains(path, "//") || strings.ContainsAny(path, ";\\") || strings.Contains(path, "%00") {
		return entity.BadRequest("the path holds an empty segment or a character that is not allowed there; escape it as %%3B or %%5C")
	}
	for segment := range strings.SplitSeq(path, "/") {
		plain, err := url.PathUnescape(segment)
		if err != nil || !utf8.ValidString(plain) {
			return entity.BadRequest("the path is not properly escaped UTF-8")
		}
		if plain == "." || plain == ".." {
			return entity.BadRequest("the path holds a . or .. segment")
		}
	}
	return nil
}

// hasSlash tells whether part of an escaped path holds a slash or backslash as data.
func hasSlash(escaped string) bool {
	lower := strings.ToLower(escaped)
	return strings.Contains(lower, "%2f") || strings.Contains(lower, "%5c")
}

// holdsName are the parameters of paths that hold a name, in which a slash is data. In all
// other segments it can only be meant to be read in two ways.
var holdsName = map[string]bool{
	"fqn": true, "name": true, "fromFQN": true, "toFQN": true, "pipelineFqn": true, "columnName": true, "customMetricName": true, "runId": true,
	"expression": true, "username": true, "user": true, "resource": true,
}

// checkSegments refuses escaped slashes outside of names.
func checkSegments(r *http.Request) error {
	params := chi.RouteContext(r.Context()).URLParams
	for i, key := range params.Keys {
		if !holdsName[key] && hasSlash(params.Values[i]) {
			return ambiguous()
		}
	}
	return nil
}

func ambiguous() error {
	return entity.BadRequest("the path holds an escaped slash or backslash where no name is")
}

// parseQuery reads a query string; a malformed one is an error, not half a query.
func parseQuery(raw string) (url.Values, error) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, entity.BadRequest("the query string is not properly escaped")
	}
	for name, list := range values {
		for _, value := range append(list, name) {
			if !utf8.ValidString(value) || strings.ContainsRune(value, 0) {
				return nil, entity.BadRequest("the query string holds invalid UTF-8 or a NUL character")
			}
		}
	}
	return values, nil
}
