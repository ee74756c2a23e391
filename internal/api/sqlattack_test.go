//go:build !race

package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/openapi"
)

// injections are pairs of what an attacker adds to a value to find out whether it
// becomes a part of a statement: the first half would be true there, the second false.
var injections = [][2]string{
	{`' OR '1'='1`, `' OR '1'='2`},
	{`") OR 1=1--`, `") OR 1=2--`},
}

// theTrue is what may tell a false half that an answer repeats from a true one.
var theTrue = strings.NewReplacer("='2", "='1", "=2", "=1", "%3D2", "%3D1", "%3D%272", "%3D%271", "='%272", "='%271", "=%272", "=%271")

// passing are parts of an answer that are about the moment it was given.
var passing = regexp.MustCompile(`"took":\d+|\d{13}|\d{4}-\d\d-\d\dT[\d:.]+Z`)

// meaning is what an answer says apart from which half it repeats, and when it was given.
func meaning(a answer) string {
	return passing.ReplaceAllString(theTrue.Replace(a.anonymous()), "")
}

// sqlProbe is one value put into one place of one call.
type sqlProbe struct {
	*attack
	client *http.Client
	op     openapi.Operation
}

// TestT56SQLInEveryParameter puts pieces of SQL into each parameter, of path and query,
// of every call that reads. Nothing may fail inside, tell of a statement, differ by what
// the piece would mean, or change what is stored.
func TestT56SQLInEveryParameter(t *testing.T) {
	h := newHarness(t)
	h.customers()
	ops, err := h.api.Operations()
	check(t, err)
	x := h.attacked()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	probed := map[string]bool{}
	for i, r := range h.api.routes.all() {
		if r.Method != http.MethodGet {
			continue
		}
		p := &sqlProbe{attack: x, client: client, op: ops[i]}
		// What all types have is the same code: it is probed with the first of them.
		place := r.Path
		if r.of != nil {
			place = "*" + strings.TrimPrefix(r.Path, "/api"+r.of.Collection)
		}
		for _, name := range pathParams(r.Path) {
			if key := place + " path " + name; !probed[key] {
				probed[key] = true
				p.pair(name, true)
			}
		}
		for _, param := range p.op.Query {
			if key := place + " query " + param.Name; !probed[key] {
				probed[key] = true
				p.pair(param.Name, false)
			}
		}
	}
	if len(probed) < 400 {
		t.Errorf("only %d parameters were probed: does the description name them no more?", len(probed))
	}
	x.over()
}

var pathParam = regexp.MustCompile(`\{(\w+)\}`)

func pathParams(path string) []string {
	var out []string
	for _, found := range pathParam.FindAllStringSubmatch(path, -1) {
		out = append(out, found[1])
	}
	return out
}

// pair sends both halves of each injection in one parameter.
func (p *sqlProbe) pair(name string, inPath bool) {
	p.t.Helper()
	for _, halves := range injections {
		yes, no := p.send(name, halves[0], inPath), p.send(name, halves[1], inPath)
		if yes.status != no.status || meaning(yes) != meaning(no) {
			p.t.Errorf("%s: %s makes a difference by what it means in SQL: %d %.300s\nand %d %.300s", yes.what, name, yes.status, yes.body, no.status, no.body)
		}
	}
}

func (p *sqlProbe) send(name, value string, inPath bool) answer {
	p.t.Helper()
	path := pathParam.ReplaceAllStringFunc(p.op.Path, func(found string) string {
		switch param := found[1 : len(found)-1]; {
		case inPath && param == name:
			return url.PathEscape(value)
		case strings.HasSuffix(strings.ToLower(param), "id"):
			return "00000000-0000-4000-8000-000000000000"
		case strings.Contains(strings.ToLower(param), "type"):
			return "table"
		}
		return url.PathEscape(customersFQN)
	})
	if !inPath {
		path += "?" + url.Values{name: {value}}.Encode()
	}
	// What goes on answering, as logs that are followed do, is cut off: it has begun.
	ctx, cancel := context.WithTimeout(p.t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+path, nil)
	check(p.t, err)
	req.Header.Set("Authorization", "Bearer "+p.admin.token)
	resp, err := p.client.Do(req)
	if errors.Is(err, context.DeadlineExceeded) {
		p.t.Errorf("GET %s: no answer in 20 s", path)
		return answer{t: p.t, what: "GET " + path}
	}
	check(p.t, err)
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	check(p.t, err)
	a := answer{t: p.t, what: "GET " + path, status: resp.StatusCode, header: resp.Header, body: raw}
	if a.status >= 500 && a.status != http.StatusNotImplemented && a.status != http.StatusServiceUnavailable {
		p.t.Errorf("%.200s answers %d: %.300s", a.what, a.status, a.body)
	}
	p.silent(a)
	return a
}
