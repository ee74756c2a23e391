package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/api"
	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/metrics"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// operations is the listener for those who run the server. It asks nobody who they are,
// so it is apart from the API's.
type operations struct {
	listener net.Listener
	server   *http.Server
	done     chan struct{}
}

// measure makes the metrics, unless nobody could read them.
func (a *assembly) measure(cfg *config.Config, version string) {
	if cfg.Operations.Address == "" {
		return
	}
	m := metrics.New(metrics.Options{Version: version, Codes: auth.Codes(), Ways: []string{auth.WayPassword, auth.WayProvider, auth.WayToken}})
	a.metrics = m
	a.store.OnCommit(func(c store.Commit) { m.Committed(c.Updates) })
}

// observer is who hears of sign-ins; nil for nobody.
func (a *assembly) observer() auth.Observer {
	if a.metrics == nil {
		return nil
	}
	return a.metrics
}

// observeRequests is who hears of requests; nil for nobody.
func (a *assembly) observeRequests() func(method, route string, status int, took time.Duration) {
	if a.metrics == nil {
		return nil
	}
	return a.metrics.Request
}

// sources are what the metrics read when they are asked for.
func (a *assembly) sources(handler *api.API) metrics.Sources {
	return metrics.Sources{
		StoreFailures: func() uint64 {
			counted, ok := a.store.(interface{ Failures() uint64 })
			if !ok {
				return 0
			}
			return counted.Failures()
		},
		Jobs: handler.Jobs, Draining: handler.Draining,
		Index: func(ctx context.Context) (metrics.Index, error) {
			behind, err := a.indexer.Behind(ctx)
			checked := a.indexer.Checked()
			return metrics.Index{
				Position: a.indexer.Position(), Behind: behind, Down: a.indexer.Trouble() != nil, Skipped: a.indexer.Skipped(),
				Check: metrics.Check{
					Running: checked.Running, Ended: checked.Ended, Entities: checked.Done,
					Missing: checked.Missing, Different: checked.Different, Extra: checked.Extra, Repaired: checked.Repaired,
				},
			}, err
		},
		Delivery: func(ctx context.Context) (metrics.Delivery, error) {
			load, err := a.alerts.Load(ctx)
			return metrics.Delivery{Destinations: load.Destinations, Busy: load.Busy, Retrying: load.Retrying, Behind: load.Behind}, err
		},
	}
}

// operate serves metrics, and profiles where they are wanted. It returns nil when
// nothing is to be served.
func (a *assembly) operate(ctx context.Context, cfg *config.Config, handler *api.API, log *slog.Logger) (*operations, error) {
	if a.metrics == nil {
		return nil, nil
	}
	if err := a.metrics.Watch(a.sources(handler)); err != nil {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", cfg.Operations.Address)
	if err != nil {
		return nil, fmt.Errorf("listening for operations on %s: %w", cfg.Operations.Address, err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler(log))
	if cfg.Operations.Pprof {
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	o := &operations{listener: listener, done: make(chan struct{}), server: &http.Server{
		Handler: named(mux), ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 10 * time.Second, WriteTimeout: 2 * time.Minute,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 8 << 10, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelWarn),
	}}
	go func() {
		defer close(o.done)
		if err := o.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("metrics are not served any more", "error", err)
		}
	}()
	log.Info("metrics are served", "address", "http://"+listener.Addr().String()+"/metrics", "pprof", cfg.Operations.Pprof)
	return o, nil
}

// close ends it at once: whoever reads metrics comes again.
func (o *operations) close() {
	if o == nil {
		return
	}
	_ = o.server.Close()
	<-o.done
}

// named refuses requests under a name of somebody's own that leads to a loopback address:
// a page in a browser on this machine could make them, and read the answers.
func named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		if host := hostOf(r.Host); ok && loopback(hostOf(local.String())) && host != "localhost" && net.ParseIP(host) == nil {
			http.Error(w, "ask for this by an address of this machine", http.StatusMisdirectedRequest)
			return
		}
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// hostOf is an address without its port.
func hostOf(address string) string {
	if host, _, err := net.SplitHostPort(address); err == nil {
		return host
	}
	return address
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}
