package oidc

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/outbound"
)

// trace notes how a connection came about.
type trace struct {
	mu                         sync.Mutex
	dnsBegan, tcpBegan, tlsBeg time.Time
	dnsTook, tcpTook, tlsTook  time.Duration
	addresses                  []string
	dnsErr, tcpErr, tlsErr     error
	remote                     string
	connected, secured         bool
	chain                      []*x509.Certificate
}

func (t *trace) hooks() *httptrace.ClientTrace {
	locked := func(f func()) {
		t.mu.Lock()
		defer t.mu.Unlock()
		f()
	}
	return &httptrace.ClientTrace{
		DNSStart: func(httptrace.DNSStartInfo) { locked(func() { t.dnsBegan = time.Now() }) },
		DNSDone: func(i httptrace.DNSDoneInfo) {
			locked(func() {
				t.dnsTook, t.dnsErr = time.Since(t.dnsBegan), i.Err
				for _, a := range i.Addrs {
					t.addresses = append(t.addresses, a.String())
				}
			})
		},
		ConnectStart: func(_, _ string) { locked(func() { t.tcpBegan = time.Now() }) },
		ConnectDone: func(_, address string, err error) {
			locked(func() {
				t.tcpTook, t.tcpErr, t.remote = time.Since(t.tcpBegan), err, address
				t.connected = err == nil
			})
		},
		TLSHandshakeStart: func() { locked(func() { t.tlsBeg = time.Now() }) },
		TLSHandshakeDone: func(s tls.ConnectionState, err error) {
			locked(func() {
				t.tlsTook, t.tlsErr, t.secured, t.chain = time.Since(t.tlsBeg), err, err == nil, s.PeerCertificates
			})
		},
		// Another call may have freed a connection before the own one was ready.
		GotConn: func(i httptrace.GotConnInfo) {
			locked(func() {
				t.connected, t.remote = true, i.Conn.RemoteAddr().String()
				if s, ok := i.Conn.(interface{ ConnectionState() tls.ConnectionState }); ok {
					t.secured, t.chain = true, s.ConnectionState().PeerCertificates
				}
			})
		},
	}
}

// diagnoseConnection fetches the discovery document over a connection of its own; the
// answer is nil when there is nothing to look at further.
func (p *Provider) diagnoseConnection(ctx context.Context) ([]Step, *answer) {
	p.client.CloseIdleConnections()
	t := new(trace)
	ctx, cancel := context.WithTimeout(httptrace.WithClientTrace(ctx, t.hooks()), callTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.cfg.DiscoveryURI, nil)
	if err != nil {
		return []Step{{Name: "address", Code: auth.CodeUpstream, Detail: "discoveryUri is not an address"}}, nil
	}
	req.Header.Set("Accept", "application/json")
	began := time.Now()
	a, err := p.send(req)
	took := time.Since(began)
	t.mu.Lock()
	defer t.mu.Unlock()
	if errors.Is(err, outbound.ErrRefused) {
		return []Step{{Name: "address", Code: auth.CodeUpstream, Detail: "the rules for outgoing calls forbid " + req.URL.Host,
			Remedy: "Use the public https address of the provider, or list its host in outboundAllow."}}, nil
	}
	steps := t.steps(req.URL)
	if len(steps) > 0 && !steps[len(steps)-1].OK {
		return steps, nil
	}
	s := Step{Name: "answer", Took: took, Code: auth.CodeUpstream}
	switch {
	case err != nil:
		s.Detail = err.Error()
		s.Remedy = "Compare with what another program on this host gets from " + p.cfg.DiscoveryURI + "; proxies of the environment are not used."
		return append(steps, s), nil
	case a.status >= 300 && a.status < 400:
		s.Detail = fmt.Sprintf("status %d, a redirect to %s", a.status, shorten(a.header.Get("Location")))
		s.Remedy = "Set discoveryUri to the address behind the redirect: redirects are not followed."
		return append(steps, s), nil
	case a.status != http.StatusOK:
		s.Detail = fmt.Sprintf("status %d", a.status)
		s.Remedy = "Check discoveryUri: " + p.cfg.DiscoveryURI
		return append(steps, s), nil
	}
	return append(steps, Step{Name: "answer", OK: true, Took: took, Detail: fmt.Sprintf("status %d", a.status)}), a
}

// steps tell of name, connection and certificate, up to the first that failed.
func (t *trace) steps(u *url.URL) []Step {
	var steps []Step
	if !t.dnsBegan.IsZero() {
		s := Step{Name: "DNS", OK: t.dnsErr == nil, Took: t.dnsTook, Detail: u.Hostname() + ": " + strings.Join(t.addresses, ", ")}
		if t.dnsErr != nil {
			s.Code, s.Detail = auth.CodeUpstream, t.dnsErr.Error()
			s.Remedy = "Check the host name, and the name server of this host."
		}
		if steps = append(steps, s); !s.OK {
			return steps
		}
	}
	if !t.tcpBegan.IsZero() {
		s := Step{Name: "TCP", OK: t.connected, Took: t.tcpTook, Detail: t.remote}
		if !t.connected {
			s.Code, s.Detail = auth.CodeUpstream, "no connection to "+u.Host
			if t.tcpErr != nil {
				s.Detail += ": " + t.tcpErr.Error()
			}
			s.Remedy = "Check the firewall between this host and the provider."
		}
		if steps = append(steps, s); !s.OK {
			return steps
		}
	}
	if u.Scheme != "https" {
		return append(steps, Step{Name: "TLS", OK: true, Detail: "none: the address begins with http"})
	}
	if t.tlsBeg.IsZero() {
		return steps
	}
	return append(steps, t.tlsStep())
}

func (t *trace) tlsStep() Step {
	s := Step{Name: "TLS", OK: t.secured, Took: t.tlsTook}
	if t.secured && len(t.chain) > 0 {
		leaf := t.chain[0]
		s.Detail = fmt.Sprintf("%d certificates, the first of %s by %s, until %s", len(t.chain),
			shorten(leaf.Subject.CommonName), shorten(leaf.Issuer.CommonName), leaf.NotAfter.UTC().Format(time.DateOnly))
		return s
	}
	s.Code = auth.CodeUpstream
	s.Detail, s.Remedy = "the handshake failed", "Check that the address speaks TLS 1.2 or newer."
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	switch {
	case errors.As(t.tlsErr, &unknown):
		s.Detail = "the certificate is signed by an authority that this host does not know (or by itself)"
		s.Remedy = "Add the authority to the host's certificates (SSL_CERT_FILE or SSL_CERT_DIR), or let the provider send its whole chain."
	case errors.As(t.tlsErr, &name):
		s.Detail, s.Remedy = "the certificate is for another name", "Use the name of the certificate in the authority."
	case errors.As(t.tlsErr, &invalid):
		s.Detail, s.Remedy = "the certificate is not valid: "+invalid.Error(), "Renew the certificate; compare the clocks."
	case t.tlsErr != nil:
		s.Detail += ": " + t.tlsErr.Error()
	}
	return s
}
