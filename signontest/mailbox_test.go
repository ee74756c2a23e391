//go:build signon

package signontest

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// mailbox is a mail server that keeps every mail, whoever it is for.
type mailbox struct {
	t       *testing.T
	host    string
	port    string
	mu      sync.Mutex
	letters []string
}

func startMailbox(t *testing.T) *mailbox {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m := &mailbox{t: t}
	if m.host, m.port, err = net.SplitHostPort(listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err == nil {
					m.serve(textproto.NewReader(bufio.NewReader(conn)), conn)
				}
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		running.Wait()
	})
	return m
}

// serve speaks as much SMTP as senders need.
func (m *mailbox) serve(in *textproto.Reader, out io.Writer) {
	say := func(line string) { fmt.Fprintf(out, "%s\r\n", line) }
	say("220 mailbox ready")
	for {
		line, err := in.ReadLine()
		if err != nil {
			return
		}
		switch verb, _, _ := strings.Cut(strings.ToUpper(line), " "); verb {
		case "DATA":
			say("354 go ahead")
			letter, err := io.ReadAll(in.DotReader())
			if err != nil {
				return
			}
			m.mu.Lock()
			m.letters = append(m.letters, string(letter))
			m.mu.Unlock()
			say("250 kept")
		case "QUIT":
			say("221 bye")
			return
		default: // EHLO, MAIL, RCPT, NOOP, RSET
			say("250 ok")
		}
	}
}

// quoted undoes as much of quoted-printable as addresses in mails meet.
var quoted = strings.NewReplacer("=\n", "", "=3D", "=") //nolint:gochecknoglobals // nothing writes it

// link waits for a mail with an address below path and returns the newest such.
func (m *mailbox) link(origin, path string) string {
	m.t.Helper()
	pattern := regexp.MustCompile(regexp.QuoteMeta(origin+path) + `\?[A-Za-z0-9=&%_.~-]+`)
	var found string
	eventually(m.t, 10*time.Second, "a mail with "+path, func() error {
		m.mu.Lock()
		defer m.mu.Unlock()
		for _, letter := range m.letters {
			if inside := pattern.FindString(quoted.Replace(letter)); inside != "" {
				found = inside
			}
		}
		if found == "" {
			return fmt.Errorf("not among %d mails", len(m.letters))
		}
		return nil
	})
	return found
}
