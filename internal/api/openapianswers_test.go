package api

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/jsonschema"
	"github.com/catalpa-metadata/catalpa/internal/openapi"
)

// promises compares answers with what the OpenAPI document says about them.
type promises struct {
	schemas    *jsonschema.Set
	operations func() (map[string]openapi.Operation, error)
}

func newPromises(a *API) *promises {
	return &promises{schemas: a.engine.Schemas(), operations: sync.OnceValues(func() (map[string]openapi.Operation, error) {
		list, err := a.Operations()
		byKey := map[string]openapi.Operation{}
		for _, op := range list {
			byKey[routeKey(op.Method, op.Path)] = op
		}
		return byKey, err
	})}
}

// kept returns what is wrong with an answer of a route; nil for one as promised.
func (p *promises) kept(r Route, got answer) error {
	operations, err := p.operations()
	if err != nil {
		return err
	}
	op, ok := operations[routeKey(r.Method, r.Path)]
	if !ok {
		return errors.New("the OpenAPI document does not have it")
	}
	media := got.header.Get("Content-Type")
	if got.status == http.StatusNotImplemented && !slices.Contains(op.Sends, got.status) {
		return errors.New("the OpenAPI document does not say that it is not built: sends=501")
	}
	if got.status == http.StatusServiceUnavailable && !slices.Contains(op.Sends, got.status) {
		return errors.New("the OpenAPI document does not say that it always lacks something: sends=503")
	}
	if got.status >= http.StatusBadRequest {
		if r.Page && strings.HasPrefix(media, "text/html") {
			return nil
		}
		return p.fits("answer/problem.json", media, got.body)
	}
	if sends := op.Successes(); !slices.Contains(sends, got.status) {
		return fmt.Errorf("status %d is not among those of the OpenAPI document, %v", got.status, sends)
	}
	if got.status >= http.StatusMultipleChoices || got.status == http.StatusNoContent {
		return nil
	}
	return p.fits(op.Out, media, got.body)
}

// fits tells whether a body has the shape.
func (p *promises) fits(s openapi.Shape, media string, body []byte) error {
	kind, rest, _ := strings.Cut(string(s), ":")
	media, _, _ = strings.Cut(media, ";")
	switch {
	case kind == "none":
		if len(body) > 0 {
			return errors.New("the OpenAPI document promises no body")
		}
		return nil
	case s == "" || kind == "*/*":
		return nil
	case strings.Contains(kind, "/") && !strings.Contains(kind, ".json"):
		if media != kind {
			return fmt.Errorf("it is %s, the OpenAPI document promises %s", media, kind)
		}
		return nil
	case media != "application/json":
		return fmt.Errorf("it is %q, the OpenAPI document promises JSON: %s", media, s)
	case kind == "page":
		var page struct {
			Data   []jsontext.Value `json:"data"`
			Paging jsontext.Value   `json:"paging"`
		}
		if err := json.Unmarshal(body, &page, json.RejectUnknownMembers(true)); err != nil {
			return err
		}
		if err := p.schemas.Validate("type/paging.json", page.Paging); err != nil {
			return fmt.Errorf("paging: %w", err)
		}
		return p.each(openapi.Shape(rest), slices.Values(page.Data))
	case kind == "list":
		var list []jsontext.Value
		if err := json.Unmarshal(body, &list); err != nil {
			return err
		}
		return p.each(openapi.Shape(rest), slices.Values(list))
	case kind == "map":
		var members map[string]jsontext.Value
		if err := json.Unmarshal(body, &members); err != nil {
			return err
		}
		for _, value := range members {
			if err := p.fits(openapi.Shape(rest), media, value); err != nil {
				return err
			}
		}
		return nil
	case strings.Contains(kind, ".json"):
		return p.schemas.Validate(string(s), body)
	}
	return fitsKind(kind, jsontext.Value(body).Kind())
}

func (p *promises) each(s openapi.Shape, values func(func(jsontext.Value) bool)) error {
	for value := range values {
		if err := p.fits(s, "application/json", value); err != nil {
			return err
		}
	}
	return nil
}

// fitsKind tells whether a value is of a JSON type.
func fitsKind(want string, got jsontext.Kind) error {
	kinds := map[string]string{"any": `{["0tfn`, "object": "{", "string": `"`, "uuid": `"`, "integer": "0", "number": "0", "boolean": "tf"}
	if !strings.ContainsRune(kinds[want], rune(got)) {
		return fmt.Errorf("it is %v, the OpenAPI document promises %s", got, want)
	}
	return nil
}
