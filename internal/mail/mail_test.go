package mail

import (
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	netmail "net/mail"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

func (s *smtpServer) sender(t *testing.T, adjust func(*Config)) *Sender {
	t.Helper()
	config := Config{
		From: "catalog@example.org", Host: s.host, Port: s.port, Username: s.user, Password: s.password,
		ServerURL: "https://catalog.example.org/", Roots: s.roots, Timeout: 10 * time.Second,
	}
	if adjust != nil {
		adjust(&config)
	}
	sender, err := New(config)
	if err != nil {
		t.Fatal(err)
	}
	return sender
}

// parts reads a mail and returns its header, plain text and HTML.
func parts(t *testing.T, data string) (netmail.Header, string, string) {
	t.Helper()
	msg, err := netmail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	media, params, err := mime.ParseMediaType(msg.Header.Get("Content-Type"))
	if err != nil || media != "multipart/alternative" {
		t.Fatalf("%s: %v", media, err)
	}
	reader := multipart.NewReader(msg.Body, params["boundary"])
	texts := map[string]string{}
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		media, _, _ := strings.Cut(part.Header.Get("Content-Type"), ";")
		texts[media] = strings.ReplaceAll(string(text), "\r\n", "\n")
	}
	return msg.Header, texts["text/plain"], texts["text/html"]
}

func TestTransports(t *testing.T) {
	for name, c := range map[string]struct {
		server func(*smtpServer)
		client func(*Config)
		tls    bool
		fails  string
	}{
		"SMTP, STARTTLS offered": {nil, nil, true, ""},
		"SMTP, none offered":     {func(s *smtpServer) { s.starttls = false }, nil, false, ""},
		"SMTP_TLS":               {nil, func(c *Config) { c.Transport = SMTPTLS }, true, ""},
		"SMTP_TLS, none offered": {func(s *smtpServer) { s.starttls = false }, func(c *Config) { c.Transport = SMTPTLS }, false, "STARTTLS"},
		"SMTPS":                  {func(s *smtpServer) { s.implicit = true }, func(c *Config) { c.Transport = SMTPS }, true, ""},
		"signed in":              {func(s *smtpServer) { s.user, s.password = "mailer", "Correct-Horse-7" }, nil, true, ""},
		"wrong password": {
			func(s *smtpServer) { s.user, s.password = "mailer", "Correct-Horse-7" },
			func(c *Config) { c.Password = "wrong" }, true, "AUTH",
		},
		"unknown authority, STARTTLS": {nil, func(c *Config) { c.Roots = x509.NewCertPool() }, true, "certificate"},
		"unknown authority, SMTPS": {
			func(s *smtpServer) { s.implicit = true },
			func(c *Config) { c.Roots, c.Transport = x509.NewCertPool(), SMTPS }, true, "certificate",
		},
		"certificate of another": {nil, func(c *Config) { c.Host = "localhost" }, true, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			server := startServer(t, c.server)
			err := server.sender(t, c.client).Send(t.Context(), auth.Mail{Kind: auth.MailTest, To: "ann@example.org"})
			got := server.mails()
			if c.fails != "" {
				if err == nil || !strings.Contains(err.Error(), c.fails) || len(got) != 0 {
					t.Errorf("got %v and %d mails, want an error about %s", err, len(got), c.fails)
				}
				return
			}
			if err != nil || len(got) != 1 {
				t.Fatalf("%v, %d mails", err, len(got))
			}
			if got[0].tls != c.tls || got[0].as != server.user || !strings.Contains(got[0].from, "<catalog@example.org>") {
				t.Errorf("%+v", got[0])
			}
			if want := []string{"TO:<ann@example.org>"}; !slices.Equal(got[0].to, want) {
				t.Errorf("recipients %v", got[0].to)
			}
		})
	}
}

// TestPasswordNeedsTLS: a server off this machine that offers no TLS does not get
// the password.
func TestPasswordNeedsTLS(t *testing.T) {
	server := startServer(t, func(s *smtpServer) {
		// The library trusts the usual names of this machine; this is not one of them.
		s.host, s.starttls, s.user, s.password = "127.0.0.2", false, "mailer", "Correct-Horse-7"
	})
	err := server.sender(t, nil).Send(t.Context(), auth.Mail{Kind: auth.MailTest, To: "ann@example.org"})
	if err == nil || !strings.Contains(err.Error(), "AUTH") || len(server.mails()) != 0 {
		t.Errorf("sent: %v", err)
	}
	if err != nil && strings.Contains(err.Error(), "Correct-Horse-7") {
		t.Errorf("the error holds the password: %v", err)
	}
	server.mu.Lock()
	defer server.mu.Unlock()
	if len(server.failed) > 0 {
		t.Errorf("the server got %v", server.failed)
	}
}

func TestSilentServer(t *testing.T) {
	server := startServer(t, func(s *smtpServer) { s.silent = true })
	started := time.Now()
	err := server.sender(t, func(c *Config) { c.Timeout = 50 * time.Millisecond }).Send(t.Context(), auth.Mail{Kind: auth.MailTest, To: "ann@example.org"})
	if err == nil {
		t.Error("a server that says nothing took the mail")
	}
	if took := time.Since(started); took > 10*time.Second {
		t.Errorf("gave up after %s", took)
	}
}

func TestLetters(t *testing.T) {
	server := startServer(t, nil)
	sender := server.sender(t, func(c *Config) { c.Service, c.Support = "Our Catalog", "https://help.example.org/?a=1&b=2" })
	const link = "https://catalog.example.org"
	for i, c := range []struct {
		mail     auth.Mail
		subject  string
		contains []string
	}{
		{
			auth.Mail{Kind: auth.MailReset, User: "ann", Token: "t0-k_n", Lifetime: time.Hour}, "Our Catalog: choose a new password",
			[]string{"Hello ann,", "within 60 minutes", "\n" + link + "/users/password/reset?token=t0-k_n&user=ann\n"},
		},
		{
			auth.Mail{Kind: auth.MailRegistration, User: "ann", Token: "t", Lifetime: 24 * time.Hour}, "Our Catalog: confirm your email address",
			[]string{"within 24 hours", link + "/users/registrationConfirmation?token=t&user=ann\n"},
		},
		{
			auth.Mail{Kind: auth.MailChanged, User: "ann", Tokens: []string{"nightly", "laptop"}}, "Our Catalog: your password was changed",
			[]string{`"nightly", "laptop"`, link + "/signin\n"},
		},
		{auth.Mail{Kind: auth.MailChanged, User: "ann"}, "Our Catalog: your password was changed", []string{"Those of your account: none."}},
		{
			auth.Mail{Kind: auth.MailChanged, Tokens: make([]string, maxListed+3)}, "Our Catalog: your password was changed",
			[]string{"and 3 more"},
		},
		{auth.Mail{Kind: auth.MailTaken, User: "ann"}, "Our Catalog: about your registration", []string{"user name ann", link + "/signin\n"}},
		{auth.Mail{Kind: auth.MailTest}, "Our Catalog: test mail", []string{link + "/\n"}},
	} {
		c.mail.To = "ann@example.org"
		if err := sender.Send(t.Context(), c.mail); err != nil {
			t.Fatal(err)
		}
		header, plain, rich := parts(t, server.mails()[i].data)
		if header.Get("Subject") != c.subject || header.Get("To") != "<ann@example.org>" || header.Get("From") != `"Our Catalog" <catalog@example.org>` {
			t.Errorf("%s: header %v", c.mail.Kind, header)
		}
		if header.Get("Auto-Submitted") != "auto-generated" || header.Get("Message-Id") == "" || header.Get("Date") == "" {
			t.Errorf("%s: header %v", c.mail.Kind, header)
		}
		for _, want := range append(c.contains, "Help: https://help.example.org/?a=1&b=2") {
			if !strings.Contains(plain, want) {
				t.Errorf("%s lacks %q:\n%s", c.mail.Kind, want, plain)
			}
		}
		if strings.ContainsAny(plain, "{}") || strings.ContainsAny(rich, "{}") {
			t.Errorf("%s has a variable left:\n%s", c.mail.Kind, plain)
		}
		if !strings.Contains(rich, "a=1&amp;b=2") || strings.Contains(rich, `"nightly"`) {
			t.Errorf("%s is not escaped:\n%s", c.mail.Kind, rich)
		}
	}
}

// TestT55ValuesAreNeverTemplates: code in a value is text in the letter.
func TestT55ValuesAreNeverTemplates(t *testing.T) {
	config := Config{Service: "{user}{{.Token}}", ServerURL: "https://catalog.example.org"}
	for _, value := range []string{
		"{{.Token}}", "{link}", "{service}", "${7*7}", "<%= 7*7 %>", "#{7*7}", "{{constructor.constructor('x')()}}", "{{template \"x\"}}", "<script>alert(1)</script>",
	} {
		words, err := config.write(auth.Mail{Kind: auth.MailChanged, User: value, Tokens: []string{value}, Token: "the-secret"})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(words.plain, "Hello "+value+",") || !strings.Contains(words.subject, "{user}{{.Token}}: ") {
			t.Errorf("%q is not literal:\n%s\n%s", value, words.subject, words.plain)
		}
		if strings.Count(words.plain, "the-secret") != 1 || strings.Contains(words.plain, "49") {
			t.Errorf("%q was looked into:\n%s", value, words.plain)
		}
		if strings.Contains(words.html, "<script") || strings.Contains(words.html, "<%") {
			t.Errorf("%q is markup:\n%s", value, words.html)
		}
	}
}

// TestHeadersCannotBeInjected neither through recipients nor through names.
func TestHeadersCannotBeInjected(t *testing.T) {
	server := startServer(t, nil)
	sender := server.sender(t, nil)
	for _, to := range []string{
		"", "ann", "ann@example.org\r\nBcc: eve@example.org", "ann@example.org, eve@example.org", "Ann <ann@example.org>", "ann@example.org\x00",
		"\"a\r\nBcc: eve\"@example.org", "ann@example.org>\r\nRCPT TO:<eve@example.org", "ann@[127.0.0.1]", " ann@example.org",
	} {
		if err := sender.Send(t.Context(), auth.Mail{Kind: auth.MailTest, To: to}); err == nil {
			t.Errorf("%q was taken for a recipient", to)
		}
	}
	if got := server.mails(); len(got) != 0 {
		t.Fatalf("%d mails went out", len(got))
	}
	evil := auth.Mail{Kind: auth.MailReset, To: "ann@example.org", User: "ann\r\nBcc: eve@example.org\r\n\r\n.\r\nMAIL FROM:<x@example.org>", Token: "a&b#c"}
	if err := sender.Send(t.Context(), evil); err != nil {
		t.Fatal(err)
	}
	header, plain, _ := parts(t, server.mails()[0].data)
	if header.Get("Bcc") != "" || len(server.mails()) != 1 || !strings.Contains(plain, "Hello ann Bcc: eve@example.org") {
		t.Errorf("header %v, text %s", header, plain)
	}
	if !strings.Contains(plain, "token=a%26b%23c&user=ann%0D%0ABcc") {
		t.Errorf("the link is not escaped: %s", plain)
	}
}

func TestNewRefuses(t *testing.T) {
	good := Config{From: "catalog@example.org", Host: "mail.example.org", ServerURL: "https://catalog.example.org"}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*Config){
		"senderMail":             func(c *Config) { c.From = "Catalog <catalog@example.org>" },
		"serverEndpoint":         func(c *Config) { c.Host = "mail.example.org/x" },
		"serverPort":             func(c *Config) { c.Port = 70000 },
		"transportationStrategy": func(c *Config) { c.Transport = "TLS" },
		"emailingEntity":         func(c *Config) { c.Service = "a\r\nBcc: x" },
		"username and password":  func(c *Config) { c.Username = "mailer" },
		"address of this server": func(c *Config) { c.ServerURL = "/relative" },
		"supportUrl":             func(c *Config) { c.Support = "javascript:alert(1)" },
	} {
		config := good
		spoil(&config)
		if _, err := New(config); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for transport, port := range map[Transport]int{SMTP: 25, SMTPS: 465, SMTPTLS: 587} {
		config := good
		config.Transport = transport
		sender, err := New(config)
		if err != nil || sender.config.Port != port {
			t.Errorf("%s: port %d, %v", transport, sender.config.Port, err)
		}
	}
	if _, err := (&Config{}).write(auth.Mail{Kind: "none"}); err == nil {
		t.Error("a mail without a letter was worded")
	}
}
