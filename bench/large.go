package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// maxHop is how long one hop of lineage may take.
const maxHop = time.Second

// measureLarge measures single calls about much: the rename of a glossary, an import,
// lineage. s.large is the number of terms and of nodes; each term is used on ten columns,
// and half as many rows are imported.
func measureLarge(ctx context.Context, s settings, dir string) error {
	server, err := startServer(ctx, s.server, dir)
	if err != nil {
		return err
	}
	defer server.stop()
	g := &growth{s: s, server: server, client: newClient(server.url, server.token), results: map[string][]result{}}
	if err := g.client.prepare(ctx); err != nil {
		return err
	}
	return errors.Join(g.importRows(ctx), g.hops(ctx), g.renameGlossary(ctx))
}

// timed does something once and prints what it took.
func (g *growth) timed(name string, do func() error) error {
	begun, cpu := time.Now(), g.server.cpu()
	if err := do(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	fmt.Printf("%s: %.1f s, server CPU %.1f s, %.0f MiB\n", name, time.Since(begun).Seconds(), (g.server.cpu() - cpu).Seconds(), g.server.memory())
	return nil
}

func (g *growth) importRows(ctx context.Context) error {
	var file strings.Builder
	file.WriteString("name*,description\n")
	rows := g.s.large / 2
	for i := range rows {
		fmt.Fprintf(&file, "row_%06d,Row %d of many\n", i, i)
	}
	return g.timed(fmt.Sprintf("import of %d CSV rows", rows), func() error {
		out, err := g.client.do(ctx, http.MethodPut, "/api/v1/databaseSchemas/name/bench.shop.public/import?dryRun=false", "text/plain", []byte(file.String()))
		if err == nil && !strings.Contains(string(out), `"status":"success"`) {
			err = fmt.Errorf("%.300s", out)
		}
		return err
	})
}

// bulk puts many entities, a hundred at a time.
func (g *growth) bulk(ctx context.Context, path string, n int, body func(i int) string) error {
	for from := 0; from < n; from += pageSize {
		rows := make([]string, min(pageSize, n-from))
		for i := range rows {
			rows[i] = body(from + i)
		}
		if _, err := g.client.do(ctx, http.MethodPut, path, jsonType, []byte("["+strings.Join(rows, ",")+"]")); err != nil {
			return err
		}
	}
	return nil
}

// hops makes a graph in which every node has two edges, and one has a thousand.
func (g *growth) hops(ctx context.Context) error {
	n := g.s.large
	err := g.bulk(ctx, "/api/v1/tables/bulk?async=false", n, func(i int) string {
		return fmt.Sprintf(`{"name":"node_%06d","databaseSchema":"bench.shop.public","columns":[]}`, i)
	})
	if err != nil {
		return err
	}
	ids := make([]string, 0, n)
	after := ""
	for len(ids) < n {
		var page struct {
			Data []struct {
				ID   string `json:"id"`
				Name string `json:"name"`
			} `json:"data"`
			Paging struct {
				After string `json:"after"`
			} `json:"paging"`
		}
		if err := g.get(ctx, "/api/v1/tables?limit=1000&databaseSchema=bench.shop.public&after="+after, &page); err != nil {
			return err
		}
		for _, t := range page.Data {
			if strings.HasPrefix(t.Name, "node_") {
				ids = append(ids, t.ID)
			}
		}
		if after = page.Paging.After; after == "" {
			break
		}
	}
	link := func(from, to int) error {
		_, err := g.client.do(ctx, http.MethodPut, "/api/v1/lineage", jsonType,
			fmt.Appendf(nil, `{"edge":{"fromEntity":{"id":%q,"type":"table"},"toEntity":{"id":%q,"type":"table"}}}`, ids[from], ids[to]))
		return err
	}
	for i := 1; i < len(ids); i++ {
		if err := link(i/2, i); err != nil {
			return err
		}
		if i > 2 && i <= 1000 {
			if err := link(0, i); err != nil {
				return err
			}
		}
	}
	var took []time.Duration
	for i := 0; i < len(ids); i += max(1, len(ids)/200) {
		begun := time.Now()
		if _, err := g.client.do(ctx, http.MethodGet, "/api/v1/lineage/table/"+ids[i]+"?upstreamDepth=1&downstreamDepth=1", "", nil); err != nil {
			return err
		}
		took = append(took, time.Since(begun))
	}
	hub := took[0]
	slices.Sort(took)
	fmt.Printf("one hop of lineage among %d nodes: p50 %v, longest %v; of the node with a thousand edges %v\n", len(ids), took[len(took)/2], took[len(took)-1], hub)
	if took[len(took)-1] > maxHop {
		return fmt.Errorf("one hop of lineage takes %v, the goal is %v", took[len(took)-1], maxHop)
	}
	return nil
}

func (g *growth) renameGlossary(ctx context.Context) error {
	out, err := g.client.do(ctx, http.MethodPut, "/api/v1/glossaries", jsonType, []byte(`{"name":"Words","displayName":"Words","description":"Many words"}`))
	if err != nil {
		return err
	}
	var glossary struct {
		ID string `json:"id"`
	}
	if err := json.Unmarshal(out, &glossary); err != nil {
		return err
	}
	n := g.s.large
	for from := 0; from < n; from += pageSize {
		rows := make([]string, min(pageSize, n-from))
		for i := range rows {
			rows[i] = fmt.Sprintf(`{"name":"term_%06d","glossary":"Words","description":"d"}`, from+i)
		}
		if _, err := g.client.do(ctx, http.MethodPost, "/api/v1/glossaryTerms/createMany", jsonType, []byte("["+strings.Join(rows, ",")+"]")); err != nil {
			return err
		}
	}
	err = g.bulk(ctx, "/api/v1/tables/bulk?async=false", n/2, func(i int) string {
		columns := make([]string, 20)
		for j := range columns {
			columns[j] = fmt.Sprintf(`{"name":"c%d","dataType":"INT","tags":[{"tagFQN":"Words.term_%06d","source":"Glossary","labelType":"Manual","state":"Confirmed"}]}`, j, (i*20+j)%n)
		}
		return fmt.Sprintf(`{"name":"used_%06d","databaseSchema":"bench.shop.public","columns":[%s]}`, i, strings.Join(columns, ","))
	})
	if err != nil {
		return err
	}
	return g.timed(fmt.Sprintf("rename of a glossary with %d terms on %d columns", n, n/2*20), func() error {
		_, err := g.client.do(ctx, http.MethodPatch, "/api/v1/glossaries/"+glossary.ID, "application/json-patch+json", []byte(`[{"op":"replace","path":"/name","value":"Terms"}]`))
		return err
	})
}
