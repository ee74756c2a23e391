package ldap

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	ldapv3 "github.com/go-ldap/ldap/v3"
)

const (
	// maxAnswer bounds what the directory may send during one check.
	maxAnswer = 4 << 20
	// maxIdle is how long an unused connection is kept: shorter than most firewalls.
	maxIdle = 2 * time.Minute
)

// conn is a connection that is bound as the service account while it is idle.
type conn struct {
	*ldapv3.Conn
	budget *budget
	since  time.Time // idle since
	fresh  bool      // never been in the pool
}

// pool keeps at most its size of connections, in use and idle together.
type pool struct {
	config Config
	tls    *tls.Config
	slots  chan struct{} // one for each connection in use

	mu   sync.Mutex
	idle []*conn
}

func newPool(config Config, tlsConfig *tls.Config) *pool {
	return &pool{config: config, tls: tlsConfig, slots: make(chan struct{}, config.MaxPoolSize)}
}

// use lends a connection that is bound as the service account. When it was idle and
// turns out to be dead, the work is done once more on a new one. The work returns
// whether the connection is still bound as the service account.
func (p *pool) use(ctx context.Context, work func(*conn) (bool, error)) error {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return fmt.Errorf("no connection became free: %w", ctx.Err())
	}
	c, err := p.take(ctx)
	if err != nil {
		return err
	}
	fresh := c.fresh // once lent and put back, the connection may be somebody else's
	err = p.lend(ctx, c, work)
	if err == nil || fresh || !isNetwork(err) || ctx.Err() != nil {
		return err
	}
	if c, err = p.open(ctx); err != nil {
		return err
	}
	return p.lend(ctx, c, work)
}

func (p *pool) lend(ctx context.Context, c *conn, work func(*conn) (bool, error)) error {
	c.budget.left.Store(maxAnswer)
	if deadline, ok := ctx.Deadline(); ok {
		c.SetTimeout(max(time.Until(deadline), time.Millisecond))
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	keep, err := work(c)
	if !stop() || !keep || c.IsClosing() {
		c.Close()
		return err
	}
	p.put(c)
	return err
}

func (p *pool) take(ctx context.Context) (*conn, error) {
	for {
		p.mu.Lock()
		n := len(p.idle)
		if n == 0 {
			p.mu.Unlock()
			return p.open(ctx)
		}
		c := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		if !c.IsClosing() && time.Since(c.since) < maxIdle {
			return c, nil
		}
		c.Close()
	}
}

func (p *pool) put(c *conn) {
	c.fresh, c.since = false, time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, c)
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.idle {
		c.Close()
	}
	p.idle = nil
}

// open connects and binds the service account.
func (p *pool) open(ctx context.Context) (*conn, error) {
	c, err := p.dial(ctx)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { c.Close() })
	defer stop()
	if err := p.bindService(c); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (p *pool) bindService(c *conn) error {
	if err := c.Bind(p.config.AdminDN, p.config.AdminPassword); err != nil {
		return &serviceError{err}
	}
	return nil
}

// dial connects, with TLS where configured, and binds nobody.
func (p *pool) dial(ctx context.Context) (*conn, error) {
	dialer := net.Dialer{}
	raw, err := dialer.DialContext(ctx, "tcp", p.config.address())
	if err != nil {
		return nil, err
	}
	limited := &budget{Conn: raw}
	limited.left.Store(maxAnswer)
	var stream net.Conn = limited
	if p.config.SSL {
		secured := tls.Client(limited, p.tls)
		if err := secured.HandshakeContext(ctx); err != nil {
			raw.Close()
			return nil, err
		}
		stream = secured
	}
	c := &conn{Conn: ldapv3.NewConn(stream, p.config.SSL), budget: limited, fresh: true}
	c.Start()
	if deadline, ok := ctx.Deadline(); ok {
		c.SetTimeout(max(time.Until(deadline), time.Millisecond))
	}
	if p.config.StartTLS {
		stop := context.AfterFunc(ctx, func() { raw.Close() })
		defer stop()
		if err := c.StartTLS(p.tls); err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// serviceError says that the service account was refused, which is never the fault
// of the person who signs in.
type serviceError struct{ cause error }

func (e *serviceError) Error() string { return describe(e) }
func (e *serviceError) Unwrap() error { return e.cause }

// budget is a connection of which only so much can be read.
type budget struct {
	net.Conn
	left atomic.Int64
}

// Read fails once the budget is used up.
func (b *budget) Read(into []byte) (int, error) {
	if b.left.Load() <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.Conn.Read(into)
	b.left.Add(int64(-n))
	return n, err
}

// unsent begins the library's error for a request that it could not write, which has no
// type.
const unsent = "unable to send request"

// isNetwork tells whether the connection rather than the directory failed.
func isNetwork(err error) bool {
	var refused *ldapv3.Error
	if errors.As(err, &refused) {
		return refused.ResultCode == ldapv3.ErrorNetwork
	}
	for err != nil && !strings.HasPrefix(err.Error(), unsent) {
		err = errors.Unwrap(err)
	}
	return err != nil
}
