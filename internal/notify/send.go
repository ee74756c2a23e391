package notify

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/alert"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// SignatureHeader carries the signature of the body: sha256= and the HMAC in hex, made
// with the secret of the destination.
const SignatureHeader = "X-OM-Signature"

// Sign is the value of SignatureHeader.
func Sign(secret string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}

// failure is why something was not sent, in words for whoever looks after the alert.
type failure struct {
	reason string
	source string
	code   int           // of the answer, 0 for none
	final  bool          // trying again would be refused as well
	wait   time.Duration // that the receiver asked for
	cause  error         // for the log
}

// Error implements error.
func (f *failure) Error() string { return f.reason }

// Unwrap returns the cause.
func (f *failure) Unwrap() error { return f.cause }

// failureOf words an error of sending.
func failureOf(err error) *failure {
	var f *failure
	if errors.As(err, &f) {
		return f
	}
	return &failure{reason: entity.AsError(err).Message, source: SourceServer, cause: err}
}

// seconds is a time a destination names, or what is usual.
func seconds(n *int, usual int) time.Duration {
	if n != nil && *n > 0 {
		usual = min(*n, 60)
	}
	return time.Duration(usual) * time.Second
}

// Bounds of calls, for the client that makes them.
const (
	MaxTime   = 2 * time.Minute
	MaxAnswer = 1 << 20
)

// maxWait is the longest pause that receivers can ask for.
const maxWait = 5 * time.Minute

// post sends a body to the endpoint of a destination. Of the answer only the status
// counts; what else it says is nobody's business.
func (s *Service) post(ctx context.Context, d *alert.Destination, body []byte) error {
	// Both times together: how they are split is of no use to anybody.
	ctx, cancel := context.WithTimeout(ctx, seconds(d.Timeout, 10)+seconds(d.ReadTimeout, 12))
	defer cancel()
	req, err := request(ctx, d, body)
	if err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		return unsent(ctx, err)
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(resp.Body, 64<<10)) // so that the connection can be used again
	if resp.StatusCode >= 200 && resp.StatusCode < 300 {
		return nil
	}
	f := &failure{reason: "The receiver answered " + strconv.Itoa(resp.StatusCode) + ".", source: SourceReceiver, code: resp.StatusCode}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		f.reason, f.final = "The receiver answered with a redirect, which is not followed.", true
	}
	if after, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && after > 0 {
		f.wait = min(time.Duration(min(after, 1<<20))*time.Second, maxWait)
	}
	return f
}

func unsent(ctx context.Context, err error) error {
	f := &failure{reason: "The receiver cannot be reached.", source: SourceReceiver, cause: unaddressed(err)}
	var said *entity.Error
	switch {
	case errors.As(err, &said) && said.Kind == entity.KindBadRequest: // by the rules of outgoing calls
		f.reason, f.source, f.final = said.Message+" "+said.Hint, SourceServer, true
	case ctx.Err() != nil:
		f.reason = "The receiver did not answer in time."
	}
	return f
}

// unaddressed is an error without the address that the call went to, which may hold
// secrets that no log should.
func unaddressed(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

func request(ctx context.Context, d *alert.Destination, body []byte) (*http.Request, error) {
	method := http.MethodPost
	if d.Config.Method == http.MethodPut {
		method = http.MethodPut
	}
	address, err := addressOf(d)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(body))
	if err != nil {
		return nil, &failure{reason: "The address cannot be used.", source: SourceServer, final: true, cause: unaddressed(err)}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Catalpa")
	for name, value := range d.Config.Headers {
		text, err := alert.Text(value)
		if err != nil {
			continue
		}
		req.Header.Set(name, text)
	}
	if d.Config.SecretKey != "" {
		req.Header.Set(SignatureHeader, Sign(d.Config.SecretKey, body))
	}
	return req, nil
}

func addressOf(d *alert.Destination) (string, error) {
	u, err := url.Parse(d.Config.Endpoint)
	if err != nil || d.Config.Endpoint == "" {
		return "", &failure{reason: "The destination has no address.", source: SourceServer, final: true}
	}
	if len(d.Config.QueryParams) == 0 {
		return u.String(), nil
	}
	query := u.Query()
	for name, value := range d.Config.QueryParams {
		text, err := alert.Text(value)
		if err != nil {
			continue
		}
		query.Set(name, text)
	}
	u.RawQuery = query.Encode()
	return u.String(), nil
}
