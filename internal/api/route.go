package api

import (
	"net/http"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"

	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// Access says who may call a route. The zero value lets nobody in, so a route
// that says nothing is closed.
type Access int

// The access rules.
const (
	closed        Access = iota
	Public               // anybody, without a credential
	Cookie               // a browser with the cookie of a session; the handler proves it
	Authenticated        // anybody with a valid credential; the handler asks policy
	AdminOnly            // administrators
)

// String names the rule for documentation.
func (a Access) String() string {
	return [...]string{"closed", "public", "cookie", "authenticated", "admin"}[a]
}

// Route is one method and path of the API.
type Route struct {
	Method  string
	Path    string // as chi has it, e.g. /api/v1/tables/name/{fqn}
	Access  Access
	Handle  func(*call) error
	MaxBody int64  // bytes; 0 means the configured limit
	OneTime bool   // also for people who signed in with a one-time password
	Accepts string // media type of the body; "" means application/json where there is one
	Page    bool   // browsers get errors as a page
	Foreign bool   // meant to be posted to by others: no check of the origin
	Lacks   bool   // always answers 503, as it lacks what this server does not have: no trouble of the server's

	of *registry.Type // of a route that all types have
}

// routes is the table of routes. A later entry replaces an earlier one with the
// same method and path, so that a special handler takes the place of a generic
// one.
type routes struct {
	byKey map[string]*Route
	order []string
}

func newRoutes() *routes { return &routes{byKey: map[string]*Route{}} }

// key makes two spellings of the same route equal: parameter names do not count.
func routeKey(method, path string) string {
	segments := strings.Split(path, "/")
	for i, s := range segments {
		if strings.HasPrefix(s, "{") {
			segments[i] = "{}"
		}
	}
	return method + " " + strings.Join(segments, "/")
}

func (t *routes) add(list ...Route) {
	for _, r := range list {
		key := routeKey(r.Method, r.Path)
		if _, ok := t.byKey[key]; !ok {
			t.order = append(t.order, key)
		}
		t.byKey[key] = &r
	}
}

// all returns the routes ordered by path and method.
func (t *routes) all() []Route {
	out := make([]Route, 0, len(t.order))
	for _, key := range t.order {
		out = append(out, *t.byKey[key])
	}
	slices.SortFunc(out, func(a, b Route) int {
		if c := strings.Compare(a.Path, b.Path); c != 0 {
			return c
		}
		return strings.Compare(a.Method, b.Method)
	})
	return out
}

// has tells whether a route with the method and path is served.
func (t *routes) has(method, path string) bool {
	_, ok := t.byKey[routeKey(method, path)]
	return ok
}

// mount puts all routes into a chi router. Parameter names of routes that share
// a prefix are made equal, as chi wants one name a position.
func (t *routes) mount(router chi.Router, handler func(*Route) http.HandlerFunc) {
	for _, key := range t.order {
		r := t.byKey[key]
		router.MethodFunc(r.Method, r.Path, handler(r))
		if r.Method == http.MethodGet { // answers to HEAD are cut off after the header
			router.MethodFunc(http.MethodHead, r.Path, handler(r))
		}
	}
}
