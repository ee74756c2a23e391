package server

import (
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// connections counts those that a request is expected on or runs on.
// http.Server.Shutdown drops a request that is read while it begins: whoever stops a
// server lets them end before.
type connections struct {
	mu    sync.Mutex
	busy  map[net.Conn]bool
	quiet chan struct{} // closed when none is busy; nil unless somebody waits
}

func newConnections() *connections { return &connections{busy: map[net.Conn]bool{}} }

// note is an http.Server.ConnState.
func (c *connections) note(conn net.Conn, state http.ConnState) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch state {
	case http.StateNew, http.StateActive:
		c.busy[conn] = true
	default:
		delete(c.busy, conn)
	}
	if len(c.busy) == 0 && c.quiet != nil {
		close(c.quiet)
		c.quiet = nil
	}
}

// settleTime is how long a connection may keep the server that stops waiting for its
// first request. Requests that run may take longer.
const settleTime = 2 * time.Second

// settle waits until no connection is busy. Nobody may be accepting any more.
func (c *connections) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	c.mu.Lock()
	if len(c.busy) == 0 {
		c.mu.Unlock()
		return
	}
	quiet := make(chan struct{})
	c.quiet = quiet
	c.mu.Unlock()
	select {
	case <-quiet:
	case <-ctx.Done():
	}
}

// linger waits until the time is over or the listener has failed. Whoever asked whether
// the server is ready has got no for an answer by then.
func linger(serving chan error, delay time.Duration) {
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case err := <-serving:
		serving <- err // for who waits next
	case <-timer.C:
	}
}
