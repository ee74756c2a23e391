package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// What the growth of a catalog may cost. CPU per operation may grow by the
// factor, or by the slack where it is so small that ticks of the clock show.
const (
	maxGrowth     = 1.5
	growthSlack   = 500 * time.Microsecond
	maxMemory     = 400 // MiB with the large catalog
	maxIdleMemory = 80
	growthOps     = 300
	pageSize      = 100
)

// growth measures the same requests on a small and on a large catalog.
type growth struct {
	s       settings
	server  *process
	client  *client
	cursors []string // of the pages of 100, as a client that pages gets them
	results map[string][]result
	missed  []error
	body    func(n int) []byte // of the n-th table; nil is table
}

// measureGrowth fills a catalog and fails when something is not flat.
func measureGrowth(ctx context.Context, s settings, dir string) error {
	server, err := startServer(ctx, s.server, dir)
	if err != nil {
		return err
	}
	g := &growth{s: s, server: server, client: newClient(server.url, server.token), results: map[string][]result{}}
	defer func() { g.server.stop() }()
	g.within("idle memory", server.memory(), maxIdleMemory)
	if err := g.client.prepare(ctx); err != nil {
		return err
	}
	small := s.grow / 10
	for _, size := range []struct{ from, to int }{{0, small}, {small, s.grow}} {
		if err := g.fill(ctx, size.from, size.to); err != nil {
			return err
		}
		if err := g.page(ctx, size.to); err != nil {
			return err
		}
		fmt.Printf("\n%d tables of 20 columns, %.1f MiB\n", size.to, g.server.memory())
		if err := g.measure(ctx, size.to); err != nil {
			return err
		}
	}
	g.within("memory with the large catalog", g.server.memory(), maxMemory)
	if err := g.restart(ctx); err != nil {
		return err
	}
	g.compare()
	return errors.Join(g.missed...)
}

func (g *growth) within(what string, mib, limit float64) {
	fmt.Printf("%s: %.1f MiB\n", what, mib)
	if mib > limit {
		g.missed = append(g.missed, fmt.Errorf("%s: %.1f MiB, the goal is %.0f", what, mib, limit))
	}
}

// fill adds tables in bulk and waits until they can be found.
func (g *growth) fill(ctx context.Context, from, to int) error {
	begun, cpu := time.Now(), g.server.cpu()
	body := g.body
	if body == nil {
		body = table
	}
	r, err := load{name: "fill", server: g.server, clients: 4, count: (to - from) / pageSize, op: func(ctx context.Context, n int) error {
		rows := make([]string, pageSize)
		for i := range rows {
			rows[i] = string(body(from + n*pageSize + i))
		}
		_, err := g.client.do(ctx, http.MethodPut, "/api/v1/tables/bulk?async=false", jsonType, []byte("["+strings.Join(rows, ",")+"]"))
		return err
	}}.measure(ctx)
	if err != nil {
		return err
	}
	for found := 0; found < to; {
		var answer struct {
			Hits struct {
				Total struct {
					Value int `json:"value"`
				} `json:"total"`
			} `json:"hits"`
		}
		if err := g.get(ctx, "/api/v1/search/query?q=*&index=table_search_index&size=0", &answer); err != nil {
			return err
		}
		found = answer.Hits.Total.Value
	}
	took, added := time.Since(begun), float64(r.ops*pageSize)
	fmt.Printf("\nadded %.0f tables in bulk, searchable: %.0f/s, server CPU %.3f ms each\n",
		added, added/took.Seconds(), (g.server.cpu()-cpu).Seconds()*1000/added)
	return nil
}

func (g *growth) get(ctx context.Context, path string, into any) error {
	answer, err := g.client.do(ctx, http.MethodGet, path, "", nil)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, into)
}

const listPath = "/api/v1/tables?limit=100&fields=columns,owners,tags&databaseSchema=bench.shop.public"

// page goes from the first page to the last, and keeps the cursors.
func (g *growth) page(ctx context.Context, size int) error {
	g.cursors = []string{""}
	seen := 0
	before, begun := g.server.cpu(), time.Now()
	for {
		var answer struct {
			Data   []struct{} `json:"data"`
			Paging struct {
				After string `json:"after"`
			} `json:"paging"`
		}
		if err := g.get(ctx, listPath+"&after="+url.QueryEscape(g.cursors[len(g.cursors)-1]), &answer); err != nil {
			return err
		}
		if seen += len(answer.Data); answer.Paging.After == "" {
			break
		}
		g.cursors = append(g.cursors, answer.Paging.After)
	}
	if seen != size {
		return fmt.Errorf("paging to the end shows %d tables of %d", seen, size)
	}
	g.keep(result{name: "paging to the end, a page", clients: 1, ops: len(g.cursors), took: time.Since(begun), cpu: g.server.cpu() - before})
	return nil
}

func (g *growth) keep(r result) { g.results[r.name] = append(g.results[r.name], r) }

// measure runs the scenarios of one size.
func (g *growth) measure(ctx context.Context, size int) error {
	some := func() int { return rand.IntN(size) }
	list := func(page int) func() string {
		return func() string { return listPath + "&after=" + url.QueryEscape(g.cursors[page]) }
	}
	fixed := func(path string) func() string { return func() string { return path } }
	const query = "/api/v1/search/query?index=table_search_index&from=0&size=10&q="
	for _, sc := range []struct {
		name string
		path func() string
	}{
		{"list, first page", list(0)},
		{"list, middle", list(len(g.cursors) / 2)},
		{"list, last page", list(len(g.cursors) - 1)},
		{"get by name", func() string { return fmt.Sprintf("/api/v1/tables/name/bench.shop.public.t_%06d", some()) }},
		{"search, one hit", func() string { return fmt.Sprintf("%st_%06d", query, some()) }},
		{"search, 10 hits of all", fixed(query + "ledger")},
		{"search, two words", fixed(query + "ledger+invoice")},
		{"search, filter and sort", fixed(query + "order&sort_field=name.keyword&sort_order=asc&query_filter=" +
			url.QueryEscape(`{"query":{"bool":{"must":[{"term":{"database.name.keyword":"shop"}}]}}}`))},
		{"suggest", func() string {
			return fmt.Sprintf("/api/v1/search/suggest?index=table_search_index&q=t_%05d", some()/10)
		}},
	} {
		r, err := load{name: sc.name, server: g.server, clients: 1, count: growthOps, op: func(ctx context.Context, _ int) error {
			_, err := g.client.do(ctx, http.MethodGet, sc.path(), "", nil)
			return err
		}}.measure(ctx)
		if err != nil {
			return err
		}
		g.keep(r)
		fmt.Println(r)
	}
	return nil
}

// restart measures a start on the large catalog.
func (g *growth) restart(ctx context.Context) error {
	dir := g.server.dir
	g.server.stop()
	server, err := startOn(ctx, g.s.server, dir)
	if err != nil {
		return err
	}
	g.server = server
	fmt.Printf("\nstart on %d tables: ready after %v, %.1f MiB\n", g.s.grow, server.started.Round(time.Millisecond), server.memory())
	return nil
}

// compare prints how CPU per operation grew and notes what is not flat.
func (g *growth) compare() {
	fmt.Printf("\nCPU per operation, %d tables / %d tables\n", g.s.grow, g.s.grow/10)
	for name, pair := range g.results {
		small, large := pair[0].perOp(), pair[1].perOp()
		fmt.Printf("%-28s %8.3f ms / %8.3f ms\n", name, large.Seconds()*1000, small.Seconds()*1000)
		if large > time.Duration(maxGrowth*float64(small))+growthSlack {
			g.missed = append(g.missed, fmt.Errorf("%s is not flat: %v of CPU with %d tables, %v with a tenth", name, large, g.s.grow, small))
		}
	}
}
