package mail

import (
	"crypto/x509"
	"errors"
	"fmt"
	netmail "net/mail"
	"net/url"
	"strings"
	"time"
	"unicode"
)

// Transport is how the connection to the mail server is protected.
type Transport string

// The transports, by the names of OpenMetadata.
const (
	// SMTP uses STARTTLS when the server offers it. A password is never sent
	// without TLS.
	SMTP Transport = "SMTP"
	// SMTPS begins with TLS.
	SMTPS Transport = "SMTPS"
	// SMTPTLS demands STARTTLS.
	SMTPTLS Transport = "SMTP_TLS"
)

// Config says by which server to send, and as whom.
type Config struct {
	Service   string    // emailingEntity: what the server calls itself; default Catalpa
	From      string    // senderMail
	Host      string    // serverEndpoint
	Port      int       // serverPort; default 25, 465 or 587 after the transport
	Username  string    // "" sends without signing in
	Password  string    //
	Transport Transport // transportationStrategy; default SMTP
	Support   string    // supportUrl, shown at the end when set
	ServerURL string    // what links begin with
	Timeout   time.Duration
	// Roots are the authorities that may vouch for the mail server; nil means those
	// of the system.
	Roots *x509.CertPool
}

func (c *Config) complete() error {
	if c.Service == "" {
		c.Service = "Catalpa"
	}
	if c.Transport == "" {
		c.Transport = SMTP
	}
	ports := map[Transport]int{SMTP: 25, SMTPS: 465, SMTPTLS: 587}
	port, ok := ports[c.Transport]
	if !ok {
		return fmt.Errorf("transportationStrategy must be one of SMTP, SMTPS, SMTP_TLS, not %q", c.Transport)
	}
	if c.Port == 0 {
		c.Port = port
	}
	if c.Timeout == 0 {
		c.Timeout = 15 * time.Second
	}
	return c.check()
}

func (c *Config) check() error {
	switch {
	case c.Host == "" || strings.ContainsFunc(c.Host, notInHost):
		return errors.New("serverEndpoint must be the host name of the mail server")
	case c.Port < 1 || c.Port > 65535:
		return errors.New("serverPort must be between 1 and 65535")
	case strings.ContainsFunc(c.Service, unicode.IsControl):
		return errors.New("emailingEntity must be one line")
	case (c.Username == "") != (c.Password == ""):
		return errors.New("username and password of the mail server belong together")
	}
	if from, err := netmail.ParseAddress(c.From); err != nil || from.Address != c.From {
		return errors.New("senderMail must be an email address")
	}
	if err := absolute(c.ServerURL); err != nil {
		return fmt.Errorf("the address of this server, which links begin with, %w", err)
	}
	if c.Support == "" {
		return nil
	}
	if err := absolute(c.Support); err != nil {
		return fmt.Errorf("supportUrl %w", err)
	}
	return nil
}

func notInHost(c rune) bool {
	return unicode.IsSpace(c) || unicode.IsControl(c) || c == '/' || c == '@'
}

func absolute(text string) error {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return errors.New("must be an absolute http or https address")
	}
	return nil
}
