package outbound

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// ErrRefused is the cause of calls that the rules forbid: the address was never
// contacted, so nothing about it can be learned.
var ErrRefused = errors.New("the rules for outgoing calls forbid this address")

// ErrTooLarge ends the reading of an answer beyond its limit.
var ErrTooLarge = errors.New("the answer is larger than its limit")

// Defaults and bounds of Options.
const (
	DefaultTimeout  = 10 * time.Second
	DefaultMaxBytes = 1 << 20

	maxRedirects   = 5
	maxHeaderBytes = 64 << 10
)

// Resolver turns a name into addresses; *net.Resolver is one.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Options are the rules for outgoing calls.
type Options struct {
	// Allow lists hosts ("name", "name:port", an address) and networks ("10.1.0.0/16")
	// that may be private, and called without TLS.
	Allow []string
	// Development allows loopback hosts, and them without TLS.
	Development bool
	// Timeout bounds a request including the reading of its answer; default 10 s.
	Timeout time.Duration
	// ConnectTimeout bounds how long a connection may take to be made; default 5 s.
	ConnectTimeout time.Duration
	// Idle is how many connections to a host are kept for the next call; default 4.
	Idle int
	// MaxBytes bounds an answer's body after decompression; default 1 MiB.
	MaxBytes int64
	// NoRedirects hands redirects to the caller as they are. Otherwise they are
	// followed within the same scheme, host and port.
	NoRedirects bool
	// RootCAs replaces the system's authorities.
	RootCAs *x509.CertPool
	// Resolver replaces the system's resolver.
	Resolver Resolver
}

// New makes a client. Proxies named in the environment are not used: the address
// would be resolved by the proxy, beyond what can be checked here.
//
// Errors of its calls are *entity.Error inside *url.Error: the message is fit for
// clients and the same for every port and host that cannot be reached, the cause is
// for the log.
func New(opts Options) *http.Client {
	if opts.Timeout <= 0 {
		opts.Timeout = DefaultTimeout
	}
	if opts.MaxBytes <= 0 {
		opts.MaxBytes = DefaultMaxBytes
	}
	if opts.ConnectTimeout <= 0 {
		opts.ConnectTimeout = 5 * time.Second
	}
	if opts.Idle <= 0 {
		opts.Idle = 4
	}
	if opts.Resolver == nil {
		opts.Resolver = net.DefaultResolver
	}
	d := &dialer{rules: newRules(opts.Allow, opts.Development), resolver: opts.Resolver,
		dial: &net.Dialer{Timeout: opts.ConnectTimeout, KeepAlive: 30 * time.Second}}
	client := &http.Client{
		// http.Client.Timeout would replace our errors by texts.
		Transport: &transport{rules: d.rules, limit: opts.MaxBytes, timeout: opts.Timeout, next: &http.Transport{
			Proxy:                  nil,
			DialContext:            d.DialContext,
			TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: opts.RootCAs},
			TLSHandshakeTimeout:    5 * time.Second,
			ResponseHeaderTimeout:  opts.Timeout,
			MaxResponseHeaderBytes: maxHeaderBytes,
			MaxIdleConns:           5 * opts.Idle,
			MaxIdleConnsPerHost:    opts.Idle,
			MaxConnsPerHost:        64,
			IdleConnTimeout:        90 * time.Second,
			ForceAttemptHTTP2:      true,
		}},
	}
	client.CheckRedirect = sameHost
	if opts.NoRedirects {
		client.CheckRedirect = NoRedirects
	}
	return client
}

// NoRedirects is a CheckRedirect that follows none.
func NoRedirects(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

func sameHost(req *http.Request, via []*http.Request) error {
	first := via[0].URL
	if len(via) > maxRedirects || req.URL.Scheme != first.Scheme || !strings.EqualFold(req.URL.Host, first.Host) {
		return refused(refusef("a redirect to another host"))
	}
	return nil
}

// dialer resolves a name once, checks what came, and connects to nothing else.
type dialer struct {
	rules    *rules
	resolver Resolver
	dial     *net.Dialer
}

// DialContext opens a connection for http.Transport.
func (d *dialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, refusef("the address is not valid")
	}
	addrs, err := d.resolve(ctx, host, port)
	if err != nil {
		return nil, err
	}
	var failure error
	for _, addr := range addrs {
		conn, err := d.dial.DialContext(ctx, network, net.JoinHostPort(addr.String(), port))
		if err == nil {
			return conn, nil
		}
		failure = err
	}
	return nil, failure
}

func (d *dialer) resolve(ctx context.Context, host, port string) ([]netip.Addr, error) {
	free := d.rules.free(host, port)
	if addr, err := netip.ParseAddr(host); err == nil {
		if !free {
			err = d.rules.check(addr, true)
		}
		return []netip.Addr{addr}, err
	}
	if err := checkName(host); err != nil {
		return nil, err
	}
	addrs, err := d.resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	if len(addrs) == 0 {
		return nil, errors.New("the name has no address")
	}
	for i, addr := range addrs {
		addrs[i] = addr.Unmap()
		if free {
			continue
		}
		// One forbidden address spoils the name: which one is used must not be luck.
		if err := d.rules.check(addr, false); err != nil {
			return nil, err
		}
	}
	return addrs, nil
}

// transport checks requests before they leave and bounds what comes back.
type transport struct {
	rules   *rules
	limit   int64
	timeout time.Duration
	next    http.RoundTripper
}

// RoundTrip does one request.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if err := t.check(req.URL); err != nil {
		return nil, refused(err)
	}
	// The time runs until the body is closed.
	ctx, cancel := context.WithTimeout(req.Context(), t.timeout)
	resp, err := t.next.RoundTrip(req.WithContext(ctx))
	if err != nil {
		cancel()
		if errors.Is(err, ErrRefused) {
			return nil, refused(err)
		}
		return nil, unreachable(err)
	}
	if resp.ContentLength > t.limit {
		resp.Body.Close()
		cancel()
		return nil, unreachable(ErrTooLarge)
	}
	resp.Body = &bounded{body: resp.Body, left: t.limit, done: cancel}
	return resp, nil
}

// CloseIdleConnections lets http.Client.CloseIdleConnections work.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func (t *transport) check(u *url.URL) error {
	switch u.Scheme {
	case "https":
	case "http":
		port := u.Port()
		if port == "" {
			port = "80"
		}
		if !t.rules.free(u.Hostname(), port) {
			return refusef("https is needed")
		}
	default:
		return refusef("the scheme is not allowed")
	}
	if u.User != nil {
		return refusef("credentials in an address")
	}
	if u.Hostname() == "" {
		return refusef("no host")
	}
	return nil
}

func refused(cause error) error {
	return &entity.Error{Kind: entity.KindBadRequest, Message: "This server does not call that address.",
		Hint: "Use an https address of a public host, or let the operator list the host in outboundAllow.", Cause: cause}
}

func unreachable(cause error) error {
	return &entity.Error{Kind: entity.KindUnavailable, Message: "The other server does not answer as it should.",
		Hint: "Check the address, and try again later. The operator finds the cause in the log.", Cause: cause}
}

// bounded ends with an error, not silently, when the limit is passed.
type bounded struct {
	body io.ReadCloser
	left int64
	done context.CancelFunc
}

// Read reads up to the limit.
func (b *bounded) Read(p []byte) (int, error) {
	if b.left < 0 {
		return 0, unreachable(ErrTooLarge)
	}
	// One byte more than is left tells "exactly full" from "too much".
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.body.Read(p)
	b.left -= int64(n)
	if b.left < 0 {
		return n - 1, unreachable(ErrTooLarge)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return n, unreachable(err)
	}
	return n, err
}

// Close closes the body.
func (b *bounded) Close() error {
	defer b.done()
	return b.body.Close()
}
