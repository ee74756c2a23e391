package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// client speaks to a server as an ingestion run would: keep-alive, one token.
type client struct {
	url, token string
	forwarded  string // for whom it says to ask, as a proxy does; optional
	http       *http.Client
}

func newClient(url, token string) *client {
	transport := &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true}
	return &client{url: url, token: token, http: &http.Client{Transport: transport, Timeout: time.Minute}}
}

// do sends one request and reads the whole answer; a status of 400 or more is an
// error.
func (c *client) do(ctx context.Context, method, path, media string, body []byte) ([]byte, error) {
	status, out, err := c.send(ctx, method, path, media, body)
	if err == nil && status >= http.StatusBadRequest {
		err = fmt.Errorf("%s %s: %d: %.300s", method, path, status, out)
	}
	return out, err
}

// as is do for whoever has the token.
func (c *client) as(ctx context.Context, token, method, path string) ([]byte, error) {
	other := *c
	other.token = token
	return other.do(ctx, method, path, "", nil)
}

// send is do for answers of any status.
func (c *client) send(ctx context.Context, method, path, media string, body []byte) (int, []byte, error) {
	var reader io.Reader = http.NoBody
	if body != nil {
		reader = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, reader)
	if err != nil {
		return 0, nil, err
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	if c.forwarded != "" {
		req.Header.Set("X-Forwarded-For", c.forwarded)
	}
	if media != "" {
		req.Header.Set("Content-Type", media)
	}
	a, err := c.read(req)
	return a.status, a.body, err
}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// read sends a request and reads the whole answer.
func (c *client) read(req *http.Request) (answer, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return answer{resp.StatusCode, resp.Header, body}, err
}

const jsonType = "application/json"

// prepare makes the service, database and schema that hold the tables.
func (c *client) prepare(ctx context.Context) error {
	for _, step := range []struct{ path, body string }{
		{"/api/v1/services/databaseServices", `{"name":"bench","serviceType":"Postgres"}`},
		{"/api/v1/databases", `{"name":"shop","service":"bench"}`},
		{"/api/v1/databaseSchemas", `{"name":"public","database":"bench.shop"}`},
	} {
		if _, err := c.do(ctx, http.MethodPut, step.path, jsonType, []byte(step.body)); err != nil {
			return err
		}
	}
	return nil
}

var nouns = strings.Fields("account ledger order customer invoice payment shipment region ticket session campaign contract supplier warehouse currency")

// table writes the create request of the n-th table: 20 columns, about 2.9 kB.
func table(n int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `{"name":"t_%06d","description":"The %s of every %s, table %d","tableType":"Regular","databaseSchema":"bench.shop.public","columns":[`,
		n, nouns[n%len(nouns)], nouns[(n/7)%len(nouns)], n)
	types := []string{`"dataType":"BIGINT"`, `"dataType":"VARCHAR","dataLength":256`, `"dataType":"TIMESTAMP"`, `"dataType":"DECIMAL","precision":18,"scale":4`}
	for i := range 20 {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"name":"%s_%02d",%s,"description":"The %s of the %s, column %d","ordinalPosition":%d}`,
			nouns[(n+i)%len(nouns)], i, types[i%len(types)], nouns[i%len(nouns)], nouns[(n+3*i)%len(nouns)], i, i+1)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}
