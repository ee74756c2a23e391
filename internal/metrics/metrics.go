package metrics

import (
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are those of one server. They are safe for concurrent use.
type Metrics struct {
	registry *prometheus.Registry
	codes    []string

	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	commits  prometheus.Counter
	foreign  prometheus.Counter
	batch    prometheus.Histogram
	signIns  *prometheus.CounterVec
	refusals *prometheus.CounterVec
	answered *prometheus.CounterVec
}

// other is the value of a label for what is none of its values.
const other = "other"

// Options say what the metrics are of.
type Options struct {
	Version string
	Codes   []string // of refusals
	Ways    []string // of signing in
}

// New makes the metrics of a server, all of them at 0.
func New(opts Options) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry(), codes: slices.Sorted(slices.Values(opts.Codes))}
	m.requests = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "catalpa_http_requests_total", Help: "Requests that were answered, by the pattern of their route.",
	}, []string{"method", "route", "status"})
	m.took = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "catalpa_http_request_duration_seconds", Help: "How long requests took until their answer was written.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60},
	}, []string{"method", "route"})
	m.commits = prometheus.NewCounter(prometheus.CounterOpts{Name: "catalpa_store_commits_total", Help: "Commits of this server that changed something."})
	m.foreign = prometheus.NewCounter(prometheus.CounterOpts{Name: "catalpa_store_foreign_commits_total", Help: "How often it was noticed that another process had written."})
	m.batch = prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "catalpa_store_commit_updates", Help: "How many updates shared a commit.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64},
	})
	m.signIns = prometheus.NewCounterVec(prometheus.CounterOpts{Name: "catalpa_sign_ins_total", Help: "People who signed in, by the way they took."}, []string{"way"})
	m.refusals = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "catalpa_refusals_total", Help: "Sign-ins and bearer tokens that were refused, by the code of the refusal.",
	}, []string{"what", "code"})
	m.answered = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "catalpa_http_answers_total", Help: "Requests that were answered, by the first digit of the status.",
	}, []string{"class"})
	build := prometheus.NewGauge(prometheus.GaugeOpts{Name: "catalpa_build_info", Help: "Always 1.", ConstLabels: prometheus.Labels{"version": opts.Version}})
	build.Set(1)
	m.registry.MustRegister(m.requests, m.took, m.commits, m.foreign, m.batch, m.signIns, m.refusals, m.answered, build,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	// What is at 0 is there, so that the first refusal shows as a rise.
	for _, way := range opts.Ways {
		m.signIns.WithLabelValues(way)
	}
	for _, code := range append([]string{other}, opts.Codes...) {
		m.refusals.WithLabelValues(whatSignIn, code)
		m.refusals.WithLabelValues(whatToken, code)
	}
	for _, class := range []string{"2xx", "3xx", "4xx", "5xx"} {
		m.answered.WithLabelValues(class)
	}
	return m
}

// Handler answers Prometheus.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		MaxRequestsInFlight: 4, ErrorHandling: promhttp.ContinueOnError, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	})
}

// Request counts an answered request; the route is its pattern, "" for none. A status of
// 0 is what nobody has set: net/http makes 200 of it.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default:
		method = other
	}
	if route == "" {
		route = "none"
	}
	if status < 100 || status > 599 {
		status = http.StatusOK
	}
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.took.WithLabelValues(method, route).Observe(took.Seconds())
	m.answered.WithLabelValues(strconv.Itoa(status/100) + "xx").Inc()
}

// Committed counts a commit that so many updates shared; one of another process has none.
func (m *Metrics) Committed(updates int) {
	if updates == 0 {
		m.foreign.Inc()
		return
	}
	m.commits.Inc()
	m.batch.Observe(float64(updates))
}

// SignedIn counts somebody who signed in.
func (m *Metrics) SignedIn(way string) { m.signIns.WithLabelValues(way).Inc() }

// Values of the label what.
const (
	whatSignIn = "sign-in"
	whatToken  = "token"
)

// Refused counts a refusal.
func (m *Metrics) Refused(signIn bool, code string) {
	what := whatToken
	if signIn {
		what = whatSignIn
	}
	if _, known := slices.BinarySearch(m.codes, code); !known {
		code = other
	}
	m.refusals.WithLabelValues(what, code).Inc()
}
