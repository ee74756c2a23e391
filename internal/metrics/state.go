package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Sources tell what is so at the moment. They are asked when somebody reads the metrics.
type Sources struct {
	StoreFailures func() uint64
	Index         func(ctx context.Context) (Index, error)
	Jobs          func() (running, waiting int)
	Delivery      func(ctx context.Context) (Delivery, error)
	Draining      func() bool
}

// Index is how the search index is.
type Index struct {
	Position uint64 // of the last event that is searchable
	Behind   uint64 // events that are not
	Down     bool   // it cannot be written at the moment
	Skipped  uint64 // entities that could not be indexed since the start
	Check    Check
}

// Check is how the last comparison of index and store went, or how far it is.
type Check struct {
	Running                   bool
	Ended                     time.Time // zero if there was none
	Entities                  int
	Missing, Different, Extra int
	Repaired                  int
}

// Delivery is how much there is to send for event subscriptions.
type Delivery struct {
	Destinations, Busy, Retrying int
	Behind                       uint64
}

// askFor is how long a source may take.
const askFor = 3 * time.Second

// state asks the sources. One that fails leaves its metrics out: a wrong number would be
// taken for a right one.
type state struct {
	sources Sources
	descs   map[string]*prometheus.Desc
}

// Watch adds what the sources tell. It is called once.
func (m *Metrics) Watch(sources Sources) error {
	s := &state{sources: sources, descs: map[string]*prometheus.Desc{}}
	for _, d := range []struct {
		name, help string
		labels     []string
	}{
		{"catalpa_store_failures_total", "Write transactions that the database did not take.", nil},
		{"catalpa_source_up", "Whether what these metrics are read from answered: 1 or 0.", []string{"source"}},
		{"catalpa_index_position", "The last change that is searchable, by its number in the log of changes.", nil},
		{"catalpa_index_behind_events", "Changes that are not searchable yet.", nil},
		{"catalpa_index_down", "Whether the search index cannot be written at the moment: 1 or 0.", nil},
		{"catalpa_index_skipped_total", "Entities that could not be indexed.", nil},
		{"catalpa_index_check_running", "Whether the index is being compared with the store: 1 or 0.", nil},
		{"catalpa_index_check_ended_timestamp_seconds", "When the last comparison ended; 0 if there was none since the start.", nil},
		{"catalpa_index_check_entities", "Entities that the comparison has come to.", nil},
		{"catalpa_index_check_differences", "What the comparison found, by kind.", []string{"kind"}},
		{"catalpa_index_check_repaired", "Differences that the comparison mended.", nil},
		{"catalpa_jobs", "Jobs in the background, by state.", []string{"state"}},
		{"catalpa_delivery_destinations", "Destinations of event subscriptions, by state.", []string{"state"}},
		{"catalpa_delivery_behind_events", "Changes that a destination that is sent to, or could not be reached, has still before it; the most of all.", nil},
		{"catalpa_draining", "Whether the server is about to stop: 1 or 0.", nil},
	} {
		s.descs[d.name] = prometheus.NewDesc(d.name, d.help, d.labels, nil)
	}
	return m.registry.Register(s)
}

// Describe is of prometheus.Collector.
func (s *state) Describe(to chan<- *prometheus.Desc) {
	for _, desc := range s.descs {
		to <- desc
	}
}

// Collect is of prometheus.Collector.
func (s *state) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), askFor)
	defer cancel()
	send := func(kind prometheus.ValueType, name string, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(s.descs[name], kind, value, labels...)
	}
	gauge := func(name string, value float64, labels ...string) {
		send(prometheus.GaugeValue, name, value, labels...)
	}
	send(prometheus.CounterValue, "catalpa_store_failures_total", float64(s.sources.StoreFailures()))
	gauge("catalpa_draining", number(s.sources.Draining()))
	running, waiting := s.sources.Jobs()
	gauge("catalpa_jobs", float64(running), "running")
	gauge("catalpa_jobs", float64(waiting), "waiting")

	index, err := s.sources.Index(ctx)
	gauge("catalpa_source_up", number(err == nil), "index")
	if err == nil {
		send(prometheus.CounterValue, "catalpa_index_skipped_total", float64(index.Skipped))
		gauge("catalpa_index_position", float64(index.Position))
		gauge("catalpa_index_behind_events", float64(index.Behind))
		gauge("catalpa_index_down", number(index.Down))
		check(index.Check, gauge)
	}
	delivery, err := s.sources.Delivery(ctx)
	gauge("catalpa_source_up", number(err == nil), "delivery")
	if err == nil {
		gauge("catalpa_delivery_destinations", float64(delivery.Destinations), "on")
		gauge("catalpa_delivery_destinations", float64(delivery.Busy), "busy")
		gauge("catalpa_delivery_destinations", float64(delivery.Retrying), "retrying")
		gauge("catalpa_delivery_behind_events", float64(delivery.Behind))
	}
}

func check(c Check, gauge func(name string, value float64, labels ...string)) {
	ended := 0.0
	if !c.Ended.IsZero() {
		ended = float64(c.Ended.UnixMilli()) / 1000
	}
	gauge("catalpa_index_check_running", number(c.Running))
	gauge("catalpa_index_check_ended_timestamp_seconds", ended)
	gauge("catalpa_index_check_entities", float64(c.Entities))
	gauge("catalpa_index_check_differences", float64(c.Missing), "missing")
	gauge("catalpa_index_check_differences", float64(c.Different), "different")
	gauge("catalpa_index_check_differences", float64(c.Extra), "extra")
	gauge("catalpa_index_check_repaired", float64(c.Repaired))
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
