package api

import (
	"context"
	"io/fs"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/catalpa-metadata/catalpa/internal/apps"
	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/doctor"
	"github.com/catalpa-metadata/catalpa/internal/engine"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/job"
	"github.com/catalpa-metadata/catalpa/internal/notify"
	"github.com/catalpa-metadata/catalpa/internal/pages"
	"github.com/catalpa-metadata/catalpa/internal/search"
	"github.com/catalpa-metadata/catalpa/internal/signon"
)

// Limits bound what one request may cost.
type Limits struct {
	MaxBody     int64         // bytes of a JSON body
	MaxUpload   int64         // bytes of a CSV or log upload
	MaxURL      int           // bytes of the request target
	MaxPage     int           // entities on one page
	Concurrent  int           // requests worked on at the same time
	Timeout     time.Duration // of one request
	SearchDelay time.Duration // how long a search waits for the index to catch up
	// StrangerTime is within what a body has to arrive that needs no credential.
	StrangerTime time.Duration
}

// DefaultLimits are the limits of a server that was told nothing else.
func DefaultLimits() Limits {
	return Limits{
		MaxBody: 32 << 20, MaxUpload: 32 << 20, MaxURL: 16 << 10, MaxPage: 1_000_000, Concurrent: 512,
		Timeout: 120 * time.Second, SearchDelay: time.Second, StrangerTime: strangerTime,
	}
}

// Indexer is what searches ask of the indexer.
type Indexer interface {
	// CatchUp returns once all acknowledged writes are searchable, or after the delay;
	// exact tells that nothing found is out of date.
	CatchUp(ctx context.Context, delay time.Duration) (exact bool, err error)
	// Trouble is what keeps the index from being written at the moment; nil if nothing does.
	Trouble() error
	// Rebuild fills the index anew and calls progress from time to time.
	Rebuild(ctx context.Context, progress func(done, total int)) error
	// Rebuilding tells how far a rebuild is.
	Rebuilding() search.Progress
	// Behind tells how many events the index has not seen yet.
	Behind(ctx context.Context) (events uint64, err error)
	// Failures lists entities that are not in the index as they are.
	Failures() []search.Failure
	// Reindex makes the documents of some entities anew.
	Reindex(ctx context.Context, ids []entity.ID) error
	// StartCheck begins to compare the index with the store, Checked tells how far it is.
	StartCheck(repair bool) error
	Checked() search.Check
	// Drop removes all documents of an index.
	Drop(ctx context.Context, index string) error
}

// Options are what an API is made of. All but PublicURL and Log are required.
type Options struct {
	Engine    *engine.Engine
	Auth      *auth.Service
	Index     search.Index
	Indexer   Indexer
	Limits    Limits
	Version   string // version of Catalpa
	UI        fs.FS  // the user interface as it was built; nil for none
	Wire      string // version of the API that clients compare, e.g. 1.12.14
	PublicURL string // scheme and host of the server as clients see it; "" takes the request's
	Settings  Settings
	// SignOn returns how people sign in at the moment; nil leaves it at Settings.
	SignOn func() SignOnSettings
	// Security keeps the sign-on settings.
	Security *signon.Manager
	// Checkup examines how people sign in, all of it or some areas.
	Checkup func(ctx context.Context, areas ...string) doctor.Report
	// Accepted are what the server would not have started with, had the operator not
	// accepted it; nil for nothing.
	Accepted func() []doctor.Check
	// Alerts tells others about changes; nil for a server that tells nobody.
	Alerts *notify.Service
	// Defaults returns the value that a setting comes with, nil for none.
	Defaults func(setting string) []byte
	// Observe is told of each request: the pattern of its route, "" if it came to none;
	// nil for nobody.
	Observe func(method, route string, status int, took time.Duration)
	Log     *slog.Logger
	Shared  bool             // other processes work on the same data
	Clock   func() time.Time // time.Now if nil
}

// Settings are the parts of the configuration that clients may read.
type Settings struct {
	ClusterName      string
	Provider         string // authentication provider: basic
	EnableSelfSignup bool
	PrincipalDomain  string
	EnforceDomain    bool
	AdminPrincipals  []string
	JWTPrincipals    []string
	MaxLoginFails    int
	LoginBlock       time.Duration
	AccessLifetime   time.Duration
}

// API serves HTTP, and works in the background until Close. It is safe for
// concurrent use.
type API struct {
	engine    *engine.Engine
	auth      *auth.Service
	index     search.Index
	indexer   Indexer
	catalog   *search.Catalog
	rankings  *atomic.Pointer[readRanking] // the last that was read
	limits    Limits
	version   string
	wire      string
	publicURL string
	settings  Settings
	signOn    func() SignOnSettings
	security  *signon.Manager
	checkup   func(context.Context, ...string) doctor.Report
	accepted  func() []doctor.Check
	alerts    *notify.Service
	pages     *pages.Pages
	log       *slog.Logger
	clock     func() time.Time
	started   time.Time
	presence  *presence
	streams   chan struct{} // logs that are being watched
	defaults  func(string) []byte
	jobs      *job.Runner
	observe   func(method, route string, status int, took time.Duration)
	journal   *jobJournal
	apps      *apps.Runner

	routes  *routes
	missing map[string]bool // known routes of the wire contract that are not served
	slots   chan struct{}   // requests that are worked on
	// Bodies on their way, of callers with a credential and of strangers; see receive.
	arrivals, strangers chan struct{}
	large               chan struct{} // see enterPage
	draining            chan struct{} // closed by Drain
	drain               func()
	handler             http.Handler
	describe            func() (*description, error) // the OpenAPI document, made once
}

// New builds the router.
func New(opts Options) *API {
	a := &API{
		rankings: new(atomic.Pointer[readRanking]),
		engine:   opts.Engine, auth: opts.Auth, index: opts.Index, indexer: opts.Indexer, limits: opts.Limits,
		version: opts.Version, wire: opts.Wire, publicURL: strings.TrimSuffix(opts.PublicURL, "/"), settings: opts.Settings,
		signOn: opts.SignOn, security: opts.Security, checkup: opts.Checkup, accepted: opts.Accepted, alerts: opts.Alerts, pages: pages.MustNew(opts.Version, opts.UI), log: opts.Log, routes: newRoutes(), started: time.Now(), presence: newPresence(), streams: make(chan struct{}, maxStreams), defaults: opts.Defaults,
	}
	if a.observe = opts.Observe; a.observe == nil {
		a.observe = func(string, string, int, time.Duration) {}
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.clock = opts.Clock; a.clock == nil {
		a.clock = time.Now
	}
	a.apps = apps.New(a.engine.Store(), a.appJobs(), a.log, a.clock)
	if a.signOn == nil {
		a.signOn = fixedSignOn(opts)
	}
	a.draining = make(chan struct{})
	a.drain = sync.OnceFunc(func() { close(a.draining) })
	a.journal = newJobJournal(a.engine.Store(), a.clock, opts.Shared)
	a.jobs = job.New(job.Options{Log: a.log, Journal: a.journal})
	a.slots, a.large = make(chan struct{}, a.limits.Concurrent), make(chan struct{}, largePages)
	a.arrivals, a.strangers = make(chan struct{}, a.limits.Concurrent), make(chan struct{}, min(strangerBodies, a.limits.Concurrent))
	var types []string
	for _, t := range a.engine.Registry().All() {
		types = append(types, t.Name)
		a.entityRoutes(t)
	}
	a.catalog = search.NewCatalog(types)
	a.engine.OnRename(renameInFeed)
	a.engine.OnReview(reviewInFeed)
	a.routes.add(a.authRoutes()...)
	a.routes.add(a.signOnRoutes()...)
	a.routes.add(a.pageRoutes()...)
	a.routes.add(a.systemRoutes()...)
	a.routes.add(a.probeRoutes()...)
	a.routes.add(a.systemTruthRoutes()...)
	a.routes.add(a.securityRoutes()...)
	a.routes.add(a.diagnosisRoutes()...)
	a.routes.add(a.auditLogRoutes()...)
	a.routes.add(a.searchRoutes()...)
	a.routes.add(a.searchAdminRoutes()...)
	a.routes.add(a.permissionRoutes()...)
	a.routes.add(a.permissionDebugRoutes()...)
	a.routes.add(a.eventRoutes()...)
	a.routes.add(a.specialRoutes()...)
	a.routes.add(a.openAPIRoutes()...)
	a.missing = missingRoutes(a.routes)
	a.handler = a.chain(a.router())
	return a
}

// ServeHTTP answers one request.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.handler.ServeHTTP(w, r) }

// Routes returns the table of routes, for tests and documentation.
func (a *API) Routes() []Route { return a.routes.all() }

func (a *API) router() http.Handler {
	router := chi.NewRouter()
	a.routes.mount(router, a.serve)
	fallback := &Route{Path: "*", Access: Public, Page: true, Handle: func(c *call) error { return c.unknown() }}
	for key := range a.missing { // or else {id} would take the last word for an id
		if method, path, _ := strings.Cut(key, " "); !strings.Contains(path, "{") {
			router.MethodFunc(method, path, a.serve(fallback))
		}
	}
	router.NotFound(a.serve(fallback))
	router.MethodNotAllowed(a.serve(fallback))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Match on the escaped path, so that a name may hold an escaped slash.
		if rctx := chi.RouteContext(r.Context()); rctx == nil {
			rctx = chi.NewRouteContext()
			rctx.RoutePath = r.URL.EscapedPath()
			r = r.WithContext(context.WithValue(r.Context(), chi.RouteCtxKey, rctx))
		}
		router.ServeHTTP(w, r)
	})
}

// serve turns a route into a handler: access first, then limits, then the work.
func (a *API) serve(route *Route) http.HandlerFunc {
	limit := route.MaxBody
	if limit == 0 {
		limit = a.limits.MaxBody
	}
	return func(w http.ResponseWriter, r *http.Request) {
		c := &call{API: a, w: w, r: r, route: route, limit: limit}
		noteRoute(r.Context(), route)
		if err := checkSegments(r); err != nil {
			c.fail(err)
			return
		}
		if err := c.admit(); err != nil {
			c.fail(err)
			return
		}
		if r.Body != nil {
			r.Body = http.MaxBytesReader(w, r.Body, limit)
		}
		query, err := parseQuery(r.URL.RawQuery)
		if err != nil {
			c.fail(err)
			return
		}
		c.query = query
		if err := route.Handle(c); err != nil {
			c.fail(err)
		}
	}
}

// credential is the value of the Authorization header. Several become one that is no
// token: a proxy in front may have judged another one than we would.
func (c *call) credential() string { return strings.Join(c.r.Header.Values("Authorization"), ", ") }

// admit lets the caller in, or says why not.
func (c *call) admit() error {
	if err := c.checkOrigin(); err != nil {
		return err
	}
	switch c.route.Access {
	case Public:
		return nil
	case Cookie:
		if c.session() == "" {
			return auth.Refuse(auth.CodeRefresh)
		}
		return nil
	}
	by, err := c.auth.Authenticate(c.ctx(), c.credential())
	if err != nil {
		return err
	}
	if by, err = c.impersonated(by); err != nil {
		return err
	}
	c.by = by
	c.presence.note(by, c.clock())
	noteUser(c.ctx(), by.Name)
	if by.MustChangePassword && !c.route.OneTime {
		return auth.Refuse(auth.CodeOneTime)
	}
	switch c.route.Access {
	case Authenticated:
		return nil
	case AdminOnly:
		if by.IsAdmin {
			return nil
		}
		return entity.Forbidden("Principal: CatalogPrincipal{name='%s'} is not admin. Ask an administrator for this.", by.Name)
	}
	return entity.Forbidden("this route is closed")
}

// unknown answers what no route serves. Only callers with a credential learn
// which routes there are.
func (c *call) unknown() error {
	path := c.r.URL.EscapedPath()
	if c.ofUI(path) {
		return c.appPage("app")
	}
	if hasSlash(path) && c.matchMissing(path) == "" && len(c.allowedMethods(path)) == 0 {
		return ambiguous()
	}
	if strings.HasPrefix(path, "/api/") || path == "/api" {
		if _, err := c.auth.Authenticate(c.ctx(), c.credential()); err != nil {
			return err
		}
	}
	if c.missing[c.matchMissing(path)] {
		return entity.Errorf(entity.KindNotImplemented, "%s %s is part of the API but not built into Catalpa yet; docs/compatibility.md lists what is", c.r.Method, entity.Shorten(path, 200))
	}
	if allowed := c.allowedMethods(path); len(allowed) > 0 {
		c.w.Header().Set("Allow", strings.Join(allowed, ", "))
		if c.r.Method == http.MethodOptions {
			return c.empty(http.StatusOK)
		}
		return entity.Errorf(entity.KindMethod, "HTTP 405 Method Not Allowed: %s is not possible here, but %s", c.r.Method, strings.Join(allowed, ", "))
	}
	return entity.Errorf(entity.KindNotFound, "HTTP 404 Not Found: there is nothing at %s", entity.Shorten(path, 200))
}

// allowedMethods returns the methods that the path does answer.
func (c *call) allowedMethods(path string) []string {
	var out []string
	for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		for _, key := range c.routes.order {
			r := c.routes.byKey[key]
			if r.Method == method && pathMatches(r.Path, path) {
				out = append(out, method)
				break
			}
		}
	}
	switch {
	case len(out) == 0:
		return nil
	case out[0] == http.MethodGet:
		out = append(out, http.MethodHead)
	}
	return append(out, http.MethodOptions)
}

// pathMatches tells whether a path has the form of a route's.
func pathMatches(pattern, path string) bool {
	for {
		p, restP, moreP := strings.Cut(pattern, "/")
		s, rest, more := strings.Cut(path, "/")
		if !strings.HasPrefix(p, "{") && p != s || strings.HasPrefix(p, "{") && s == "" || moreP != more {
			return false
		}
		if !moreP {
			return true
		}
		pattern, path = restP, rest
	}
}
