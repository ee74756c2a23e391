package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// scenario is one thing that is measured.
type scenario struct {
	name   string
	always bool // others need what it makes
	run    func(context.Context) (result, error)
}

// result of one scenario.
type result struct {
	name     string
	clients  int
	ops      int
	took     time.Duration
	cpu      time.Duration // of the server, in all
	p50, p99 time.Duration

	latencies []time.Duration // sorted
}

func (r result) rate() float64 { return float64(r.ops) / r.took.Seconds() }

func (r result) perOp() time.Duration { return r.cpu / time.Duration(max(r.ops, 1)) }

// plus is both results as one.
func (r result) plus(more result) result {
	r.name, r.clients = more.name, more.clients
	r.ops += more.ops
	r.took += more.took
	r.cpu += more.cpu
	r.latencies = slices.Concat(r.latencies, more.latencies)
	slices.Sort(r.latencies)
	if r.ops > 0 {
		r.p50, r.p99 = r.latencies[r.ops/2], r.latencies[r.ops*99/100]
	}
	return r
}

// inTurns measures loads in turns, so that all meet the same machine; of each it runs
// so many parts of a part of its period.
func inTurns(ctx context.Context, turns int, loads ...load) ([]result, error) {
	results := make([]result, len(loads))
	for range turns {
		for i, l := range loads {
			l.period /= time.Duration(turns)
			r, err := l.measure(ctx)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", l.name, err)
			}
			results[i] = results[i].plus(r)
		}
	}
	for _, r := range results {
		fmt.Println(r)
	}
	return results, nil
}

// String is one line of the report.
func (r result) String() string {
	return fmt.Sprintf("%-28s clients %3d  %8.0f/s  p50 %8v  p99 %8v  server CPU %8.3f ms/op", r.name, r.clients, r.rate(),
		r.p50.Round(10*time.Microsecond), r.p99.Round(10*time.Microsecond), r.cpu.Seconds()*1000/float64(max(r.ops, 1)))
}

// load is a closed loop: each client sends its next request when the answer to
// the last has been read.
type load struct {
	name    string
	server  *process
	clients int
	count   int           // stop after this many operations, when not 0
	period  time.Duration // or after this time
	op      func(ctx context.Context, n int) error
	settle  func(context.Context) error // part of the cost, done once at the end; optional
}

func (l load) measure(ctx context.Context) (result, error) {
	var next atomic.Int64
	var failed atomic.Pointer[error]
	latencies := make([][]time.Duration, l.clients)
	before, begun := l.server.cpu(), time.Now()
	var group sync.WaitGroup
	for c := range l.clients {
		group.Go(func() {
			for failed.Load() == nil {
				n := int(next.Add(1)) - 1
				if l.count > 0 && n >= l.count || l.count == 0 && time.Since(begun) > l.period {
					return
				}
				at := time.Now()
				if err := l.op(ctx, n); err != nil {
					failed.Store(&err)
					return
				}
				latencies[c] = append(latencies[c], time.Since(at))
			}
		})
	}
	group.Wait()
	if err := failed.Load(); err != nil {
		return result{}, *err
	}
	if l.settle != nil {
		if err := l.settle(ctx); err != nil {
			return result{}, err
		}
	}
	all := slices.Concat(latencies...)
	return result{}.plus(result{name: l.name, clients: l.clients, ops: len(all), took: time.Since(begun), cpu: l.server.cpu() - before, latencies: all}), nil
}

func scenarios(s settings, server *process, c *client) []scenario {
	name := func(n int) string { return fmt.Sprintf("bench.shop.public.t_%06d", n%s.tables) }
	any := func() string { return name(rand.IntN(s.tables)) }
	get := func(path string) func(context.Context, int) error {
		return func(ctx context.Context, _ int) error {
			_, err := c.do(ctx, http.MethodGet, strings.ReplaceAll(path, "NAME", any()), "", nil)
			return err
		}
	}
	timed := func(name string, clients int, op func(context.Context, int) error) scenario {
		return scenario{name: name, run: load{name: name, server: server, clients: clients, period: s.period, op: op}.measure}
	}
	// A search waits for the index: what indexing costs belongs to the writes.
	indexed := func(ctx context.Context) error {
		_, err := c.do(ctx, http.MethodGet, "/api/v1/search/query?q=*&index=table_search_index&size=0", "", nil)
		return err
	}
	put := load{name: "put table", server: server, clients: s.clients, count: s.tables, settle: indexed, op: func(ctx context.Context, n int) error {
		_, err := c.do(ctx, http.MethodPut, "/api/v1/tables", jsonType, table(n))
		return err
	}}
	written := func(name string, clients int, op func(context.Context, int) error) scenario {
		return scenario{name: name, run: load{name: name, server: server, clients: clients, period: s.period, op: op, settle: indexed}.measure}
	}
	bulk := load{name: "bulk put, 100 unchanged", server: server, clients: 4, count: max(s.tables/100, 1), op: func(ctx context.Context, n int) error {
		rows := make([]string, 100)
		for i := range rows {
			rows[i] = string(table((n*100 + i) % s.tables))
		}
		_, err := c.do(ctx, http.MethodPut, "/api/v1/tables/bulk?async=false", jsonType, []byte("["+strings.Join(rows, ",")+"]"))
		return err
	}}
	patch := func(ctx context.Context, n int) error {
		body := fmt.Sprintf(`[{"op":"add","path":"/description","value":"Changed for the %d. time"}]`, n)
		_, err := c.do(ctx, http.MethodPatch, "/api/v1/tables/name/"+any(), "application/json-patch+json", []byte(body))
		return err
	}
	return []scenario{
		{name: put.name, always: true, run: put.measure},
		{name: bulk.name, run: bulk.measure},
		{name: "bare handler", run: func(ctx context.Context) (result, error) { return bareHandler(ctx, s, c, name(0)) }},
		timed("get by name", 8, get("/api/v1/tables/name/NAME")),
		timed("get by name with fields", 8, get("/api/v1/tables/name/NAME?fields=columns,owners,tags")),
		timed("list of 100", 1, get("/api/v1/tables?limit=100&fields=columns,owners,tags&databaseSchema=bench.shop.public")),
		written("patch description", 8, patch),
		written("patch description, many", s.clients, patch),
		timed("search", 8, get("/api/v1/search/query?q=ledger&index=table_search_index&from=0&size=10")),
		timed("version", 8, get("/api/v1/system/version")),
	}
}

// goal is what a scenario should reach. CPU per operation hardly depends on what
// else the machine does; rates do.
type goal struct {
	name string
	cpu  time.Duration // per operation at most, when not 0
	rate float64       // per second at least, when not 0
	bare float64       // share of the bare handler's rate at least, when not 0
}

var goals = []goal{
	{name: "put table", cpu: 700 * time.Microsecond, rate: 2000},
	{name: "get by name", bare: 0.6},
	{name: "list of 100", cpu: 5 * time.Millisecond},
	{name: "patch description", cpu: time.Millisecond},
	{name: "patch description, many", cpu: time.Millisecond},
}

// printGoals compares what was measured with what is wanted.
func printGoals(results []result) {
	byName := map[string]result{}
	for _, r := range results {
		byName[r.name] = r
	}
	verdict := func(name string, ok bool, format string, args ...any) {
		word := "met"
		if !ok {
			word = "MISSED"
		}
		fmt.Printf("%-24s %-7s %s\n", name, word, fmt.Sprintf(format, args...))
	}
	for _, g := range goals {
		r, ok := byName[g.name]
		if !ok {
			continue
		}
		if g.cpu > 0 {
			verdict(g.name, r.perOp() <= g.cpu, "%.3f ms of CPU, goal %v", r.perOp().Seconds()*1000, g.cpu)
		}
		if g.rate > 0 {
			verdict(g.name, r.rate() >= g.rate, "%.0f/s, goal %.0f/s", r.rate(), g.rate)
		}
		if bare := byName["bare handler"].rate(); g.bare > 0 && bare > 0 {
			verdict(g.name, r.rate() >= g.bare*bare, "%.0f %% of the bare handler's rate, goal %.0f %%", 100*r.rate()/bare, 100*g.bare)
		}
	}
}
