package api

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/catalpa-metadata/catalpa/internal/openapi"
	"github.com/catalpa-metadata/catalpa/internal/registry"
)

// ownRoutes describes, one a line, the routes that the wire contract does not have.
//
//go:embed own_routes.txt
var ownRoutes string

// description is the OpenAPI document of a server, as it is kept and sent.
type description struct {
	packed []byte // by gzip
	size   int    // of the text
	etag   string // of the text
}

func (a *API) openAPIRoutes() []Route {
	a.describe = sync.OnceValues(a.makeDescription)
	return []Route{
		{Method: http.MethodGet, Path: "/swagger.json", Access: Authenticated, Handle: (*call).openAPI},
		{Method: http.MethodGet, Path: "/openapi.json", Access: Authenticated, Handle: (*call).openAPI},
	}
}

// openAPI sends the document, packed to whoever takes that. It is made once, when it is
// first asked for.
func (c *call) openAPI() error {
	d, err := c.describe()
	if err != nil {
		return err
	}
	h := c.w.Header()
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Vary", "Accept-Encoding")
	h.Set("ETag", d.etag)
	if slices.ContainsFunc(strings.Split(c.r.Header.Get("If-None-Match"), ","), func(tag string) bool {
		return strings.TrimPrefix(strings.TrimSpace(tag), "W/") == d.etag[2:]
	}) {
		c.w.WriteHeader(http.StatusNotModified)
		return nil
	}
	h.Set("Content-Type", "application/json")
	var text io.Reader = bytes.NewReader(d.packed)
	size := len(d.packed)
	if takesGzip(c.r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
	} else {
		size = d.size
		if text, err = gzip.NewReader(text); err != nil {
			return err
		}
	}
	h.Set("Content-Length", strconv.Itoa(size))
	c.w.WriteHeader(http.StatusOK)
	if c.r.Method != http.MethodHead {
		_, _ = io.Copy(c.w, text) // who went away needs no answer
	}
	return nil
}

// takesGzip tells whether a client wants its answers packed.
func takesGzip(accepted string) bool {
	for _, one := range strings.Split(accepted, ",") {
		coding, quality, _ := strings.Cut(one, ";")
		if strings.TrimSpace(coding) == "gzip" {
			return !strings.HasPrefix(strings.ReplaceAll(quality, " ", "")+".", "q=0.") || strings.ContainsAny(quality, "123456789")
		}
	}
	return false
}

// makeDescription writes the document of all routes that are answered.
func (a *API) makeDescription() (*description, error) {
	operations, err := a.Operations()
	if err != nil {
		return nil, err
	}
	text, err := openapi.Write(a.engine.Schemas(), openapi.Server{Version: a.wire, Cookie: hostPrefix + sessionCookie}, operations)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	if _, err := w.Write(text); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	sum := sha256.Sum256(text)
	return &description{packed: bytes.Clone(packed.Bytes()), size: len(text), etag: `W/"` + hex.EncodeToString(sum[:16]) + `"`}, nil
}

// Operations describes every route that is answered, for the OpenAPI document: who may
// call it by the table of routes, what all types have by the registry, and the rest by
// the facts of the wire contract and of our own routes.
func (a *API) Operations() ([]openapi.Operation, error) {
	facts := map[string]openapi.Operation{}
	for prefix, lines := range map[string]string{"/api": contractRoutes, "": ownRoutes} {
		for line := range strings.Lines(lines) {
			op, err := openapi.Parse(strings.TrimSpace(line))
			if err != nil {
				return nil, err
			}
			facts[routeKey(op.Method, prefix+op.Path)] = op
		}
	}
	routes := a.routes.all()
	out := make([]openapi.Operation, 0, len(routes))
	for _, r := range routes {
		op := facts[routeKey(r.Method, r.Path)]
		op.Method, op.Path = r.Method, r.Path
		if r.of != nil {
			r.describe(&op)
		}
		if r.Accepts != "" && op.In != "" {
			op.Accepts = strings.Split(r.Accepts, ", ")
		}
		switch r.Access {
		case Public:
			op.Security = openapi.Nothing
		case Cookie:
			op.Security = openapi.Session
		case AdminOnly:
			op.Note = "Only administrators may."
		}
		out = append(out, op)
	}
	return out, nil
}

// describe fills in what the registry says about a route that all types have.
func (r *Route) describe(op *openapi.Operation) {
	t, rest := r.of, strings.TrimPrefix(r.Path, "/api"+r.of.Collection)
	one := openapi.Shape(t.Schema)
	switch r.Method + " " + rest {
	case "GET ":
		op.Out = "page:" + one
		addParams(op, listParams(t)...)
	case "GET /history":
		op.Out = "page:" + one
		addParams(op, historyParams()...)
	case "GET /{id}", "GET /name/{fqn}":
		op.Out = one
		addParams(op, viewParams(t)...)
	case "POST ":
		op.In, op.Out, op.Sends = openapi.Shape(t.Create), one, []int{http.StatusCreated}
	case "PUT ":
		op.In, op.Out, op.Sends = openapi.Shape(t.Create), one, []int{http.StatusOK, http.StatusCreated}
	case "PATCH /{id}", "PATCH /name/{fqn}":
		op.In, op.Out = "api/patch.json#/$defs/jsonPatch", one
	case "PUT /bulk":
		op.In = openapi.Shape("list:" + t.Create)
	case "DELETE /{id}", "DELETE /name/{fqn}", "PUT /restore", "GET /{id}/versions/{version}":
		op.Out, op.Sends = one, nil
	case "DELETE /async/{id}":
		op.Out, op.Sends = "answer/deleteEntityResponse.json", []int{http.StatusAccepted}
	case "GET /{id}/versions":
		op.Out = "type/entityVersionHistory.json"
	}
}

// addParams adds parameters; what the facts say about one gives way.
func addParams(op *openapi.Operation, params ...openapi.Param) {
	for _, p := range params {
		op.Query = slices.DeleteFunc(op.Query, func(old openapi.Param) bool { return old.Name == p.Name })
	}
	op.Query = append(params, op.Query...)
}

func viewParams(t *registry.Type) []openapi.Param {
	fields := openapi.Param{Name: "fields", Type: "string"}
	if len(t.Expand) > 0 {
		fields.Note = "Members to fill in, joined by commas: " + strings.Join(t.Expand, ", ") + "; * for all."
	}
	return []openapi.Param{fields, {Name: "include", Type: "Include", Default: "non-deleted"}}
}

func listParams(t *registry.Type) []openapi.Param {
	out := append(viewParams(t), openapi.Param{Name: "limit", Type: "integer", Default: "10", Min: "0", Max: "1000000"},
		openapi.Param{Name: "before", Type: "string", Note: "Cursor: the page before it."},
		openapi.Param{Name: "after", Type: "string", Note: "Cursor: the page after it."})
	for _, f := range t.Filters {
		out = append(out, openapi.Param{Name: f.Param, Type: "string"})
	}
	return out
}

func historyParams() []openapi.Param {
	return []openapi.Param{
		{Name: "startTs", Type: "integer", Required: true, Note: "Milliseconds since 1970."},
		{Name: "endTs", Type: "integer", Required: true, Note: "Milliseconds since 1970."},
		{Name: "limit", Type: "integer", Default: "10", Min: "0", Max: "1000000"},
		{Name: "before", Type: "string"}, {Name: "after", Type: "string"},
	}
}
