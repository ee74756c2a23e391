package api

import (
	"net/http"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// livePath is where whoever watches the process asks whether it lives.
const livePath = "/healthz"

// hopelesslyBehind is how many events the index of a server may not have seen that is
// ready: with so many, a restart or another server serves people better. Writers are held
// up long before; it takes an index that is being made anew, or one that is stuck.
const hopelesslyBehind = 50_000

// probeRoutes answer machines that watch the server, such as Kubernetes.
func (a *API) probeRoutes() []Route {
	return []Route{
		{Method: http.MethodGet, Path: livePath, Access: Public, Handle: (*call).live},
		{Method: http.MethodGet, Path: "/readyz", Access: Public, Handle: (*call).ready},
	}
}

// Drain begins the end: the server is not ready any more, and logs that are watched end.
// Everything else is still answered.
func (a *API) Drain() { a.drain() }

// Draining tells whether Drain was called.
func (a *API) Draining() bool {
	select {
	case <-a.draining:
		return true
	default:
		return false
	}
}

// live answers while the process does: a restart would not bring a database back.
func (c *call) live() error {
	return c.json(http.StatusOK, map[string]string{"status": "live"})
}

// ready answers 503 while requests should go to another server.
func (c *call) ready() error {
	if c.Draining() {
		return unready("the server is about to stop", nil)
	}
	if err := c.storeAnswers(); err != nil {
		return err
	}
	behind, err := c.indexer.Behind(c.ctx())
	if err != nil {
		return unready("the store does not answer", err)
	}
	// A search server that is down is down for all servers: it is no reason to send
	// people away from each of them.
	if trouble := c.indexer.Trouble(); behind > hopelesslyBehind && entity.KindOf(trouble) != entity.KindUnavailable {
		return unready("the search index is far behind the store and catching up", trouble)
	}
	return c.json(http.StatusOK, map[string]string{"status": "ready"})
}

func unready(message string, cause error) error {
	return &entity.Error{Kind: entity.KindUnavailable, Message: message, Cause: cause}
}
