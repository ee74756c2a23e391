package opensearch

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/opensearch-project/opensearch-go/v4"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/outbound"
)

// object is a JSON object in the making.
type object = map[string]any

// maxAnswer bounds an answer: a page of 10,000 hits may be large, but not without end.
const maxAnswer = 512 << 20

// down is what clients hear while the cluster does not answer.
const down = "The search server does not answer. Writes go on and become searchable when it is back; try again in a moment."

// client sends requests to the cluster.
type client struct {
	cluster *opensearch.Client
	idle    interface{ CloseIdleConnections() }
	timeout time.Duration

	mu   sync.Mutex
	lost error // why the last request got no answer, until one does
	when time.Time
}

// restFor is how long nobody asks a cluster that gave no answer: those who come meanwhile would wait in vain, each for as
// long as a request may take.
const restFor = time.Second

// rests returns an error while the cluster is not asked.
func (c *client) rests() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lost == nil || time.Since(c.when) > restFor {
		return nil
	}
	return c.lost
}

// heard notes whether the cluster has given an answer.
func (c *client) heard(lost error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost, c.when = lost, time.Now()
}

func newClient(o Options) (*client, error) {
	rules := outbound.Options{
		Timeout: o.Timeout, ConnectTimeout: o.ConnectTimeout, Idle: 32, MaxBytes: maxAnswer, NoRedirects: true,
	}
	for _, address := range o.Addresses { // the operator's: they may be private, and without TLS
		u, err := url.Parse(address)
		if err != nil {
			return nil, errors.New("an address of the search server cannot be read")
		}
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
		}
		rules.Allow = append(rules.Allow, net.JoinHostPort(u.Hostname(), port))
	}
	if len(o.CACert) > 0 {
		rules.RootCAs = x509.NewCertPool()
		if !rules.RootCAs.AppendCertsFromPEM(o.CACert) {
			return nil, errors.New("the file with the search server's certificate authority holds no certificate in PEM form")
		}
	}
	caller := outbound.New(rules)
	header := http.Header{}
	if o.APIKey != "" {
		header.Set("Authorization", "ApiKey "+o.APIKey)
	}
	cluster, err := opensearch.NewClient(opensearch.Config{
		Addresses: o.Addresses, Username: o.Username, Password: o.Password, Header: header, Transport: caller.Transport,
		// What may be tried again is decided here, and a node that was down is tried soon.
		DisableRetry: true, HealthCheckMaxRetries: -1, MaxRetryClusterHealth: -1,
		ResurrectTimeoutInitial: 500 * time.Millisecond, ResurrectTimeoutMax: 5 * time.Second,
	})
	if err != nil {
		return nil, fmt.Errorf("connecting to the search server: %w", err)
	}
	return &client{cluster: cluster, idle: caller, timeout: o.Timeout}, nil
}

func (c *client) close() error {
	err := c.cluster.Close()
	c.idle.CloseIdleConnections()
	return err
}

// failure is an answer that is no success.
type failure struct {
	status int
	Error  struct {
		Type   string `json:"type"`
		Reason string `json:"reason"`
		Causes []struct {
			Type   string `json:"type"`
			Reason string `json:"reason"`
		} `json:"root_cause"`
	} `json:"error"`
}

func (f *failure) text() string {
	if len(f.Error.Causes) > 0 {
		return fmt.Sprintf("%d %s: %s", f.status, f.Error.Causes[0].Type, f.Error.Causes[0].Reason)
	}
	return fmt.Sprintf("%d %s: %s", f.status, f.Error.Type, f.Error.Reason)
}

// call sends a JSON body, which may be nil, and reads the answer into out, which may be nil too.
func (c *client) call(ctx context.Context, method, path string, query url.Values, body, out any) error {
	var raw []byte
	if body != nil {
		var err error
		if raw, err = json.Marshal(body, jsontext.AllowInvalidUTF8(true)); err != nil {
			return entity.Internal(err)
		}
	}
	status, answer, err := c.send(ctx, method, path, query, "application/json", raw)
	if err != nil {
		return err
	}
	if status >= 300 {
		return refusal(status, answer)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(answer, out); err != nil {
		return entity.Internal(fmt.Errorf("an answer of the search server cannot be read: %w", err))
	}
	return nil
}

// send sends a request once. The error is that of the caller's context, or of KindUnavailable.
func (c *client) send(ctx context.Context, method, path string, query url.Values, kind string, body []byte) (int, []byte, error) {
	within, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	target := path
	if len(query) > 0 {
		target += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(within, method, target, bytes.NewReader(body))
	if err != nil {
		return 0, nil, entity.Internal(err)
	}
	if body == nil {
		req.Body, req.GetBody, req.ContentLength = nil, nil, 0
	} else {
		req.Header.Set("Content-Type", kind)
	}
	answer, err := c.cluster.Stream(req)
	if err != nil {
		return 0, nil, c.noAnswer(ctx, err)
	}
	defer answer.Body.Close()
	raw, err := io.ReadAll(answer.Body)
	if err != nil {
		return 0, nil, c.noAnswer(ctx, err)
	}
	c.heard(nil)
	return answer.StatusCode, raw, nil
}

// noAnswer is the error of a request that got no answer, or none that can be taken.
func (c *client) noAnswer(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if errors.Is(err, outbound.ErrTooLarge) {
		c.heard(nil)
		return entity.BadRequest("the answer would be too large; ask for a smaller page, or for fewer members of _source")
	}
	lost := &entity.Error{Kind: entity.KindUnavailable, Message: down, Cause: err}
	c.heard(lost)
	return lost
}

// refusal turns an answer that is no success into an error.
func refusal(status int, answer []byte) error {
	f := failure{status: status}
	if err := json.Unmarshal(answer, &f, json.RejectUnknownMembers(false)); err != nil {
		f.Error.Reason = entity.Shorten(string(answer), 300)
	}
	cause := errors.New(f.text())
	switch {
	case status == http.StatusTooManyRequests:
		return &entity.Error{Kind: entity.KindUnavailable, Message: "The search server has too much to do; try again in a moment.", Cause: cause}
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return &entity.Error{Kind: entity.KindUnavailable, Cause: cause,
			Message: "The search server refuses this server's credentials; an administrator has to correct the settings below elasticsearch."}
	case f.tooBroad(): // a 400, or for facets a 500
		return &entity.Error{Kind: entity.KindBadRequest, Message: "the query is too broad for the search server; narrow it", Cause: cause}
	case status >= http.StatusInternalServerError:
		return &entity.Error{Kind: entity.KindUnavailable, Message: down, Cause: cause}
	case status == http.StatusConflict:
		return &entity.Error{Kind: entity.KindConflict, Message: "The search index has moved on.", Cause: cause}
	case status == http.StatusNotFound:
		return &entity.Error{Kind: entity.KindNotFound, Message: "The search index is not there.", Cause: cause}
	}
	return entity.Internal(cause)
}

// tooBroad tells refusals that are about the size of a query.
func (f *failure) tooBroad() bool {
	kinds := []string{f.Error.Type, f.Error.Reason}
	for _, c := range f.Error.Causes {
		kinds = append(kinds, c.Type, c.Reason)
	}
	for _, text := range kinds {
		for _, sign := range []string{"too_many", "maxClauseCount", "too_complex", "too complex", "too many", "too large", "exceeded the allowed maximum", "Determinizing"} {
			if bytes.Contains([]byte(text), []byte(sign)) {
				return true
			}
		}
	}
	return false
}
