package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"time"
)

// settings of one run.
type settings struct {
	server  string
	tables  int
	clients int
	period  time.Duration
	only    string
	grow    int
	signOn  bool
	rights  bool
	trees   int
	large   int
	search  int
}

func main() {
	if address := os.Getenv(bareEnv); address != "" {
		log.Fatal(serveBare(address))
	}
	var s settings
	flag.StringVar(&s.server, "server", "bin/catalpa", "the binary to measure")
	flag.IntVar(&s.tables, "tables", 5000, "tables of 20 columns in the catalog")
	flag.IntVar(&s.clients, "clients", 32, "clients that write side by side")
	flag.DurationVar(&s.period, "seconds", 5*time.Second, "how long each reading scenario runs")
	flag.IntVar(&s.grow, "grow", 0, "instead, compare a catalog of so many tables with one of a tenth")
	flag.BoolVar(&s.signOn, "signon", false, "instead, measure what authenticating costs")
	flag.BoolVar(&s.rights, "rights", false, "instead, measure what deciding about rights costs")
	flag.IntVar(&s.trees, "trees", 0, "instead, delete and restore a service with so many tables while others write")
	flag.IntVar(&s.large, "large", 0, "instead, rename a glossary of so many terms, import half as many rows, and walk lineage of so many tables")
	flag.IntVar(&s.search, "search", 0, "instead, search so many tables of 50 columns, and make their index anew")
	flag.StringVar(&s.only, "only", "", "run only the scenario with this name")
	flag.Parse()
	log.SetFlags(0)
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	if err := run(ctx, s); err != nil {
		log.Fatalf("bench: %v", err)
	}
}

func run(ctx context.Context, s settings) error {
	dir, err := os.MkdirTemp("", "catalpa-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if s.grow > 0 {
		return measureGrowth(ctx, s, dir)
	}
	if s.trees > 0 {
		return measureTrees(ctx, s, dir)
	}
	if s.search > 0 {
		return measureSearch(ctx, s, dir)
	}
	if s.large > 0 {
		return measureLarge(ctx, s, dir)
	}
	if s.signOn {
		return measureSignOn(ctx, s, dir)
	}
	if s.rights {
		return measureRights(ctx, s, dir)
	}
	server, err := startServer(ctx, s.server, dir)
	if err != nil {
		return err
	}
	defer server.stop()
	fmt.Printf("idle memory: %.1f MiB; ready after %v\n\n", server.memory(), server.started.Round(time.Millisecond))
	client := newClient(server.url, server.token)
	if err := client.prepare(ctx); err != nil {
		return err
	}
	var results []result
	for _, sc := range scenarios(s, server, client) {
		if s.only != "" && s.only != sc.name && !sc.always {
			continue
		}
		r, err := sc.run(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", sc.name, err)
		}
		results = append(results, r)
		fmt.Println(r)
	}
	fmt.Printf("\nmemory after the run: %.1f MiB with %d tables\n", server.memory(), s.tables)
	printGoals(results)
	return nil
}
