package oidc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

const (
	maxAnswer   = 1 << 20
	callTimeout = 10 * time.Second
	keysTimeout = 5 * time.Second
)

// answer is what a provider said.
type answer struct {
	status int
	header http.Header
	body   []byte
}

func (a *answer) mediaType() string {
	t, _, err := mime.ParseMediaType(a.header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

func (a *answer) isJSON() bool {
	t := a.mediaType()
	return t == "application/json" || strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "+json")
}

var errTooLarge = errors.New("the answer is larger than 1 MiB")

// get reads a document; anything but 200 is an error.
func (p *Provider) get(ctx context.Context, address string, timeout time.Duration) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	a, err := p.send(req)
	if err != nil {
		return nil, err
	}
	if a.status != http.StatusOK {
		return nil, fmt.Errorf("%s answers with status %d", address, a.status)
	}
	return a, nil
}

// send does one request and reads the whole answer. The client follows no redirects.
func (p *Provider) send(req *http.Request) (*answer, error) {
	resp, err := p.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxAnswer {
		return nil, errTooLarge
	}
	return &answer{status: resp.StatusCode, header: resp.Header, body: body}, nil
}

// post sends a form. A code and a rotating refresh token work once, so nothing is
// repeated unless no connection ever opened.
func (p *Provider) post(ctx context.Context, address string, prepare func() (*http.Request, error)) (*answer, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	for attempt := 0; ; attempt++ {
		opened := false
		traced := httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { opened = true }})
		req, err := prepare()
		if err != nil {
			return nil, err
		}
		a, err := p.send(req.WithContext(traced))
		if err == nil || opened || attempt > 0 || ctx.Err() != nil {
			return a, err
		}
		p.log.WarnContext(ctx, "no connection to the identity provider, trying once more", "address", address, "error", err)
	}
}

// shorten makes foreign text fit for a log line.
func shorten(text string) string {
	return fmt.Sprintf("%q", entity.Shorten(text, 200))
}
