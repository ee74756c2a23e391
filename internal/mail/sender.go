package mail

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	netmail "net/mail"
	"strings"
	"sync"
	"unicode"

	gomail "github.com/wneessen/go-mail"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Sender sends mail by one SMTP server, over a connection of its own each time. It
// is safe for concurrent use.
type Sender struct{ config Config }

// New checks the configuration; it does not call the server.
func New(config Config) (*Sender, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	return &Sender{config: config}, nil
}

// Send implements auth.Mailer.
func (s *Sender) Send(ctx context.Context, m auth.Mail) error {
	words, err := s.config.write(m)
	if err != nil {
		return err
	}
	return s.deliver(ctx, m.To, words)
}

// Tell sends what somebody else has worded: a subject, and the same text plain and as
// HTML. It implements notify.Mailer.
func (s *Sender) Tell(ctx context.Context, to, subject, plain, rich string) error {
	return s.deliver(ctx, to, letter{
		subject: entity.Shorten(strings.Join(strings.Fields(s.config.Service+": "+subject), " "), maxSubject), plain: plain,
		html: "<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"></head><body>\n" + rich + "</body></html>\n",
	})
}

// maxSubject is the longest subject that Tell sends.
const maxSubject = 250

func (s *Sender) deliver(ctx context.Context, to string, words letter) error {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	msg, err := s.message(to, words)
	if err != nil {
		return err
	}
	line := &connection{config: &s.config}
	defer line.hangUp()
	stop := context.AfterFunc(ctx, line.hangUp)
	defer stop()
	client, err := s.client(line)
	if err != nil {
		return fmt.Errorf("setting up SMTP: %w", err)
	}
	return client.DialAndSendWithContext(ctx, msg)
}

// connection is the one of a mail. The library leaves it open after some failures,
// and knows the context only while it dials.
type connection struct {
	config *Config
	mu     sync.Mutex
	conn   net.Conn
	over   bool
}

func (l *connection) dial(ctx context.Context, network, address string) (net.Conn, error) {
	dial := (&net.Dialer{}).DialContext
	if l.config.Transport == SMTPS {
		dial = (&tls.Dialer{Config: l.config.tls()}).DialContext
	}
	conn, err := dial(ctx, network, address)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		_ = conn.Close()
		return nil, net.ErrClosed
	}
	l.conn = conn
	return conn, nil
}

func (l *connection) hangUp() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.over = true
	if l.conn != nil {
		_ = l.conn.Close() // often closed before
	}
}

func (c *Config) tls() *tls.Config {
	return &tls.Config{ServerName: c.Host, RootCAs: c.Roots, MinVersion: tls.VersionTLS12}
}

// message builds what goes over the wire.
func (s *Sender) message(to string, words letter) (*gomail.Msg, error) {
	address, err := recipient(to)
	if err != nil {
		return nil, err
	}
	msg := gomail.NewMsg()
	msg.FromMailAddress(&netmail.Address{Name: s.config.Service, Address: s.config.From})
	msg.ToMailAddress(address)
	msg.Subject(words.subject)
	msg.SetUserAgent(s.config.Service)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no out-of-office answers
	msg.SetDate()
	msg.SetMessageID()
	msg.SetBodyString(gomail.TypeTextPlain, words.plain)
	msg.AddAlternativeString(gomail.TypeTextHTML, words.html)
	return msg, nil
}

// recipient refuses all but one bare address: no second recipient, no header.
func recipient(text string) (*netmail.Address, error) {
	to, err := netmail.ParseAddress(text)
	if err != nil || to.Address != text || strings.ContainsFunc(text, notInAddress) {
		return nil, errors.New("the recipient is not one bare email address")
	}
	return to, nil
}

func notInAddress(c rune) bool {
	return unicode.IsControl(c) || unicode.IsSpace(c) || strings.ContainsRune(`"(),:;<>[\]`, c)
}

func (s *Sender) client(line *connection) (*gomail.Client, error) {
	c := s.config
	options := []gomail.Option{
		gomail.WithPort(c.Port), gomail.WithTimeout(c.Timeout),
		gomail.WithTLSConfig(c.tls()), gomail.WithDialContextFunc(line.dial),
	}
	switch c.Transport {
	case SMTPS:
		options = append(options, gomail.WithSSL())
	case SMTPTLS:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSMandatory))
	default:
		options = append(options, gomail.WithTLSPolicy(gomail.TLSOpportunistic))
	}
	if c.Username != "" {
		options = append(options, gomail.WithUsername(c.Username), gomail.WithPassword(c.Password),
			// These refuse to send the password without TLS.
			gomail.WithOpportunisticSMTPAuth(gomail.SMTPAuthSCRAMSHA256, gomail.SMTPAuthPlain, gomail.SMTPAuthLogin))
	}
	return gomail.NewClient(c.Host, options...)
}
