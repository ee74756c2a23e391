package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
)

// bareEnv makes this program serve the bare handler instead of measuring.
const bareEnv = "CATALPA_BENCH_BARE"

// bareHandler measures a handler that checks a token as cheaply as one can, by a
// digest and a map, and answers the bytes of one table: the limit for any server
// in net/http. It runs in a process of its own, like the server.
func bareHandler(ctx context.Context, s settings, c *client, name string) (result, error) {
	bytes, err := c.do(ctx, http.MethodGet, "/api/v1/tables/name/"+name, "", nil)
	if err != nil {
		return result{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return result{}, err
	}
	address, err := freeAddress(ctx)
	if err != nil {
		return result{}, err
	}
	cmd := exec.CommandContext(ctx, self)
	cmd.Env = append(os.Environ(), bareEnv+"="+address)
	cmd.Stdin = strings.NewReader(string(bytes))
	p, err := start(ctx, cmd, "http://"+address, "/")
	if err != nil {
		return result{}, err
	}
	defer p.stop()
	bare := newClient("http://"+address, c.token)
	return load{name: "bare handler", server: p, clients: 8, period: s.period, op: func(ctx context.Context, _ int) error {
		_, err := bare.do(ctx, http.MethodGet, "/api/v1/tables/name/"+name, "", nil)
		return err
	}}.measure(ctx)
}

// serveBare is the process of the bare handler.
func serveBare(address string) error {
	body, err := io.ReadAll(os.Stdin)
	if err != nil {
		return err
	}
	known := map[[32]byte]bool{}
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		digest := sha256.Sum256([]byte(token))
		if len(known) > 0 && !known[digest] {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		w.Header().Set("Content-Type", jsonType)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body) // a client that went away is no matter here
	})
	server := &http.Server{Addr: address, Handler: handler}
	if err := server.ListenAndServe(); err != nil {
		return fmt.Errorf("bare handler: %w", err)
	}
	return nil
}
