package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
)

// maxWait is how long somebody who writes may wait while a tree is deleted, 99 times of
// 100.
const maxWait = 500 * time.Millisecond

// measureTrees deletes and brings back a service with many tables, while somebody else
// writes.
func measureTrees(ctx context.Context, s settings, dir string) error {
	server, err := startServer(ctx, s.server, dir)
	if err != nil {
		return err
	}
	defer server.stop()
	g := &growth{s: s, server: server, client: newClient(server.url, server.token), results: map[string][]result{}}
	if err := g.client.prepare(ctx); err != nil {
		return err
	}
	if err := g.fill(ctx, 0, s.trees); err != nil {
		return err
	}
	var service struct {
		ID string `json:"id"`
	}
	const services = "/api/v1/services/databaseServices"
	if err := g.get(ctx, services+"/name/bench", &service); err != nil {
		return err
	}
	if _, err := g.client.do(ctx, http.MethodPut, services, jsonType, []byte(`{"name":"beside","serviceType":"Mysql"}`)); err != nil {
		return err
	}
	fmt.Printf("\n%d tables, %.1f MiB\n", s.trees, server.memory())
	var missed []error
	for _, step := range []struct{ name, method, path, body string }{
		{"soft delete", http.MethodDelete, services + "/" + service.ID + "?recursive=true", ""},
		{"restore", http.MethodPut, services + "/restore", `{"id":"` + service.ID + `"}`},
		{"hard delete", http.MethodDelete, services + "/" + service.ID + "?recursive=true&hardDelete=true", ""},
	} {
		waits, err := g.beside(ctx, step.name, func() error { return g.untilDone(ctx, step.method, step.path, step.body) })
		if err != nil {
			return fmt.Errorf("%s: %w", step.name, err)
		}
		if p99 := waits[len(waits)*99/100]; p99 > maxWait {
			missed = append(missed, fmt.Errorf("%s: a write beside it takes %v, the goal is %v", step.name, p99, maxWait))
		}
	}
	return errors.Join(missed...)
}

// untilDone makes a call that may take longer than a request: then it goes on, and the
// same call is refused until it has ended.
func (g *growth) untilDone(ctx context.Context, method, path, body string) error {
	media := ""
	if body != "" {
		media = jsonType
	}
	status, out, err := g.client.send(ctx, method, path, media, []byte(body))
	if err == nil && status >= http.StatusBadRequest {
		err = fmt.Errorf("%d: %.300s", status, out)
	}
	return err
}

// beside does something while somebody else changes a description again and again, and
// returns how long these changes took, the shortest first.
func (g *growth) beside(ctx context.Context, name string, do func() error) ([]time.Duration, error) {
	begun, cpu := time.Now(), g.server.cpu()
	done := make(chan error, 1)
	go func() { done <- do() }()
	var waits []time.Duration
	peak := 0.0
	for n := 0; ; n++ {
		select {
		case err := <-done:
			if err != nil {
				return nil, err
			}
			took, used := time.Since(begun), g.server.cpu()-cpu
			slices.Sort(waits)
			fmt.Printf("%-12s %6.1f s, server CPU %.1f s, at most %.0f MiB; %d writes beside it: p50 %v, p99 %v, longest %v\n", name, took.Seconds(), used.Seconds(), peak,
				len(waits), waits[len(waits)/2].Round(time.Millisecond), waits[len(waits)*99/100].Round(time.Millisecond), waits[len(waits)-1].Round(time.Millisecond))
			return waits, nil
		default:
		}
		body, err := json.Marshal(map[string]string{"name": "beside", "serviceType": "Mysql", "description": fmt.Sprintf("%s %d", name, n)})
		if err != nil {
			return nil, err
		}
		at := time.Now()
		if _, err := g.client.do(ctx, http.MethodPut, "/api/v1/services/databaseServices", jsonType, body); err != nil {
			return nil, err
		}
		waits = append(waits, time.Since(at))
		peak = max(peak, g.server.memory())
	}
}
