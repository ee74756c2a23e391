package mail

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"fmt"
	"io"
	"math/big"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
)

// smtpServer is a mail server that keeps what it gets.
type smtpServer struct {
	host     string
	port     int
	roots    *x509.CertPool
	starttls bool // offers STARTTLS
	implicit bool // begins with TLS
	user     string
	password string
	silent   bool // accepts connections and says nothing

	config *tls.Config
	mu     sync.Mutex
	got    []received
	failed []string // handshakes and sign-ins that did not work
}

// received is one mail with its envelope.
type received struct {
	from, as string
	to       []string
	tls      bool
	data     string
}

func startServer(t *testing.T, adjust func(*smtpServer)) *smtpServer {
	t.Helper()
	s := &smtpServer{host: "127.0.0.1", starttls: true}
	certificate, roots := selfMade(t)
	s.roots, s.config = roots, &tls.Config{Certificates: []tls.Certificate{certificate}}
	if adjust != nil {
		adjust(s)
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(s.host, "0"))
	if err != nil {
		t.Fatal(err)
	}
	s.port = listener.Addr().(*net.TCPAddr).Port
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
				s.serve(conn)
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	return s
}

// selfMade makes a certificate for the loopback address that vouches for itself.
func selfMade(t *testing.T) (tls.Certificate, *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.ParseIP("127.0.0.1")}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: private}, roots
}

// session is one connection.
type session struct {
	*smtpServer
	conn   net.Conn
	in     *bufio.Reader
	secure bool
	now    received
}

func (s *smtpServer) serve(conn net.Conn) {
	c := &session{smtpServer: s, conn: conn, in: bufio.NewReader(conn)}
	if s.silent {
		_, _ = io.Copy(io.Discard, conn)
		return
	}
	if s.implicit && !c.encrypt() {
		return
	}
	c.say("220 mail.test ready")
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return
		}
		if !c.command(strings.TrimRight(line, "\r\n")) {
			return
		}
	}
}

func (c *session) say(line string) { _, _ = fmt.Fprintf(c.conn, "%s\r\n", line) }

func (c *session) encrypt() bool {
	secured := tls.Server(c.conn, c.config)
	if err := secured.Handshake(); err != nil {
		c.fail("handshake: " + err.Error())
		return false
	}
	c.conn, c.in, c.secure = secured, bufio.NewReader(secured), true
	return true
}

func (c *session) fail(what string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = append(c.failed, what)
}

func (c *session) command(line string) bool {
	verb, rest, _ := strings.Cut(line, " ")
	switch strings.ToUpper(verb) {
	case "EHLO", "HELO":
		c.say("250-mail.test")
		if c.starttls && !c.secure {
			c.say("250-STARTTLS")
		}
		if c.user != "" {
			c.say("250-AUTH PLAIN")
		}
		c.say("250 8BITMIME")
	case "STARTTLS":
		c.say("220 go ahead")
		return c.encrypt()
	case "AUTH":
		c.auth(rest)
	case "MAIL":
		c.now = received{from: rest, tls: c.secure, as: c.now.as}
		c.say("250 ok")
	case "RCPT":
		c.now.to = append(c.now.to, rest)
		c.say("250 ok")
	case "DATA":
		return c.data()
	case "QUIT":
		c.say("221 bye")
		return false
	default: // NOOP, RSET
		c.say("250 ok")
	}
	return true
}

func (c *session) auth(rest string) {
	if !c.secure {
		c.fail("a password without TLS")
	}
	_, encoded, _ := strings.Cut(rest, " ")
	plain, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || string(plain) != "\x00"+c.user+"\x00"+c.password {
		c.fail("sign-in")
		c.say("535 no")
		return
	}
	c.now.as = c.user
	c.say("235 welcome")
}

func (c *session) data() bool {
	c.say("354 go on")
	var text strings.Builder
	for {
		line, err := c.in.ReadString('\n')
		if err != nil {
			return false
		}
		if line == ".\r\n" {
			break
		}
		text.WriteString(strings.TrimPrefix(line, "."))
	}
	c.now.data = text.String()
	c.mu.Lock()
	c.got = append(c.got, c.now)
	c.mu.Unlock()
	c.say("250 kept")
	return true
}

// mails returns what has come so far.
func (s *smtpServer) mails() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.got...)
}
