package api

import "net/http"

// limitRoutes serve what clients ask about limits on what may be made. There are none
// here, as in any server of one's own: they are a matter of hosted ones.
func (a *API) limitRoutes() []Route {
	const base = "/api/v1/limits"
	return []Route{
		{Method: http.MethodGet, Path: base + "/config", Access: Authenticated, Handle: func(c *call) error {
			return c.json(http.StatusOK, map[string]bool{"enable": false})
		}},
		{Method: http.MethodGet, Path: base + "/features/{name}", Access: Authenticated, Handle: func(c *call) error {
			return c.empty(http.StatusOK) // nothing limits the feature, whatever it is
		}},
	}
}
