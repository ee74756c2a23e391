package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"github.com/go-json-experiment/json"
)

// What searching may cost: by the clock with a hundred thousand tables, and with a
// million.
const (
	searchClients  = 8
	searchPeriod   = 10 * time.Second
	maxSearch      = 40 * time.Millisecond
	maxSuggest     = 15 * time.Millisecond
	maxIndexing    = time.Millisecond // of CPU, a table
	maxRebuild     = 60 * time.Second
	million        = 1_000_000
	maxSearchLarge = 100 * time.Millisecond
	maxMemoryLarge = 1536 // MiB
	wideColumns    = 50
)

// findings measures searches in a catalog of wide tables in many services.
type findings struct {
	growth
	services int
}

// measureSearch fills a catalog, searches it, and has its index made anew.
func measureSearch(ctx context.Context, s settings, dir string) error {
	server, err := startServer(ctx, s.server, dir)
	if err != nil {
		return err
	}
	f := &findings{growth: growth{s: s, server: server, client: newClient(server.url, server.token), results: map[string][]result{}}, services: 20}
	defer func() { f.server.stop() }()
	if err := f.places(ctx); err != nil {
		return err
	}
	f.body = f.wide
	for from := 0; from < s.search; from += million / 10 {
		if err := f.fill(ctx, from, min(from+million/10, s.search)); err != nil {
			return err
		}
	}
	fmt.Printf("\n%d tables of %d columns, %.0f MiB\n", s.search, wideColumns, f.server.memory())
	if err := f.searches(ctx); err != nil {
		return err
	}
	if s.search >= million {
		f.within("memory", f.server.memory(), maxMemoryLarge)
	}
	if err := f.rebuild(ctx); err != nil {
		return err
	}
	return errors.Join(f.missed...)
}

// places makes services, databases and schemas.
func (f *findings) places(ctx context.Context) error {
	for i := range f.services {
		name := fmt.Sprintf("warehouse%d", i)
		steps := []struct{ path, body string }{
			{"services/databaseServices", fmt.Sprintf(`{"name":%q,"serviceType":%q}`, name, []string{"Postgres", "Mysql", "Snowflake", "BigQuery"}[i%4])},
			{"databases", fmt.Sprintf(`{"name":"shop","service":%q}`, name)},
		}
		for _, schema := range []string{"raw", "clean", "mart"} {
			steps = append(steps, struct{ path, body string }{"databaseSchemas", fmt.Sprintf(`{"name":%q,"database":"%s.shop"}`, schema, name)})
		}
		for _, step := range steps {
			if _, err := f.client.do(ctx, http.MethodPut, "/api/v1/"+step.path, jsonType, []byte(step.body)); err != nil {
				return err
			}
		}
	}
	return nil
}

// wide writes the create request of the n-th table.
func (f *findings) wide(n int) []byte {
	var b bytes.Buffer
	word := func(i int) string { return nouns[i%len(nouns)] }
	fmt.Fprintf(&b, `{"name":"%s_%s_%06d","description":"The %s of every %s, as of batch %d.","tableType":"Regular","databaseSchema":"warehouse%d.shop.%s"`,
		word(n), word(n/5), n, word(n), word(n/7), n/1000, n%f.services, []string{"raw", "clean", "mart"}[n%3])
	if n%3 == 0 {
		fmt.Fprintf(&b, `,"tags":[{"tagFQN":"Tier.Tier%d","source":"Classification","labelType":"Manual","state":"Confirmed"}]`, 1+n%5)
	}
	b.WriteString(`,"columns":[`)
	types := []string{`"dataType":"BIGINT"`, `"dataType":"VARCHAR","dataLength":256`, `"dataType":"TIMESTAMP"`, `"dataType":"DECIMAL","precision":18,"scale":4`}
	for i := range wideColumns {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":"%s_%s_%02d",%s,"description":"The %s of the %s.","ordinalPosition":%d}`, word(n+i), word(i/3), i, types[i%len(types)], word(i), word(n+3*i), i+1)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

// searches measures what people do, with all facets and highlights.
func (f *findings) searches(ctx context.Context) error {
	word := func() string { return nouns[rand.IntN(len(nouns))] }
	const query = "/api/v1/search/query?index=dataAsset&from=0&size=15&q="
	limit := maxSearch
	if f.s.search >= million {
		limit = maxSearchLarge
	}
	for _, sc := range []struct {
		name  string
		limit time.Duration
		path  func() string
	}{
		{"search, one word", limit, func() string { return query + word() }},
		{"search, two words", limit, func() string { return query + url.QueryEscape(word()+" "+word()) }},
		{"search, a name", limit, func() string { return query + fmt.Sprintf("%s_%06d", word(), rand.IntN(f.s.search)) }},
		{"search, a typo", limit, func() string { w := word(); return query + w[:2] + w[3:] }},
		{"search, filtered", limit, func() string {
			return query + word() + "&query_filter=" + url.QueryEscape(`{"query":{"bool":{"must":[{"term":{"tier.tagFQN":"Tier.Tier1"}},{"term":{"serviceType":"Mysql"}}]}}}`)
		}},
		{"search, everything", limit, func() string { return query + "*" }},
		{"suggest", maxSuggest, func() string {
			w := word()
			return "/api/v1/search/suggest?index=dataAsset&q=" + w[:2+rand.IntN(len(w)-2)]
		}},
	} {
		r, err := load{name: sc.name, server: f.server, clients: searchClients, period: searchPeriod, op: func(ctx context.Context, _ int) error {
			_, err := f.client.do(ctx, http.MethodGet, sc.path(), "", nil)
			return err
		}}.measure(ctx)
		if err != nil {
			return err
		}
		fmt.Println(r)
		if r.p99 > sc.limit {
			f.missed = append(f.missed, fmt.Errorf("%s: p99 %v, the goal is %v", sc.name, r.p99.Round(time.Millisecond), sc.limit))
		}
	}
	return f.facets(ctx)
}

// facets fails when searches do not count what the figures say they do.
func (f *findings) facets(ctx context.Context) error {
	var answer struct {
		Aggregations map[string]struct{} `json:"aggregations"`
		Hits         struct {
			Hits []struct {
				Highlight map[string][]string `json:"highlight"`
			} `json:"hits"`
		} `json:"hits"`
	}
	out, err := f.client.do(ctx, http.MethodGet, "/api/v1/search/query?index=dataAsset&size=1&q=ledger", "", nil)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(out, &answer); err != nil {
		return err
	}
	if n := len(answer.Aggregations); n < 12 || len(answer.Hits.Hits) == 0 || len(answer.Hits.Hits[0].Highlight) == 0 {
		return fmt.Errorf("a search has %d facets, want 12, and highlights", n)
	}
	return nil
}

// rebuild has the index made anew, with the server stopped.
func (f *findings) rebuild(ctx context.Context) error {
	dir := f.server.dir
	f.server.stop()
	begun := time.Now()
	cmd := exec.CommandContext(ctx, f.s.server, "reindex", "--data-dir", dir)
	cmd.Stderr = os.Stderr
	if out, err := cmd.Output(); err != nil {
		return fmt.Errorf("reindex: %w: %s", err, out)
	}
	took, used := time.Since(begun), cmd.ProcessState.UserTime()+cmd.ProcessState.SystemTime()
	peak := 0.0
	if usage, ok := cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		peak = float64(usage.Maxrss) / 1024
	}
	each := used / time.Duration(f.s.search)
	fmt.Printf("index made anew: %v, %v of CPU a table, at most %.0f MiB\n", took.Round(100*time.Millisecond), each.Round(time.Microsecond), peak)
	if each > maxIndexing {
		f.missed = append(f.missed, fmt.Errorf("indexing a table takes %v of CPU, the goal is %v", each, maxIndexing))
	}
	if limit := maxRebuild * time.Duration(max(f.s.search/100_000, 1)); took > limit {
		f.missed = append(f.missed, fmt.Errorf("making the index anew takes %v, the goal is %v", took.Round(time.Second), limit))
	}
	server, err := startOn(ctx, f.s.server, dir)
	if err != nil {
		return err
	}
	f.server, f.client = server, newClient(server.url, server.token)
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	var sizes []string
	for _, file := range files {
		if info, err := file.Info(); err == nil && strings.HasSuffix(file.Name(), ".db") {
			sizes = append(sizes, fmt.Sprintf("%s %d MiB", file.Name(), info.Size()>>20))
		}
	}
	fmt.Printf("start: ready after %v, %.0f MiB; %s\n", server.started.Round(time.Millisecond), server.memory(), strings.Join(sizes, ", "))
	return nil
}
