package auth

import (
	"context"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// MailKind says what a mail is about.
type MailKind string

// The mails.
const (
	MailReset        MailKind = "reset"        // a link to choose another password
	MailChanged      MailKind = "changed"      // the password was reset; which tokens go on
	MailRegistration MailKind = "registration" // a link to confirm the address
	MailTaken        MailKind = "taken"        // somebody registers an address or name that has an account
	MailTest         MailKind = "test"         // an administrator tries the settings out
)

// Mail is what a person is told. Sender and wording, and the addresses that links
// begin with, are the Mailer's: nothing of a request gets into them.
type Mail struct {
	Kind     MailKind
	To       string        // one bare address
	User     string        // name of the account; "" for none
	Token    string        // the secret of the link; "" for no link
	Lifetime time.Duration // of the link
	Tokens   []string      // names of personal access tokens
}

// Mailer sends mail. It bounds the time it takes and is safe for concurrent use.
type Mailer interface {
	Send(ctx context.Context, m Mail) error
}

const (
	maxPosts    = 64               // errands under way, most of them mails; what comes beyond is dropped
	postTimeout = 20 * time.Second // of one
)

// CanMail tells whether mail is configured.
func (s *Service) CanMail() bool { return s.opts.Mailer != nil }

// SendTestMail sends a mail to show that the settings work, and waits for it.
func (s *Service) SendTestMail(ctx context.Context, to string) error {
	address, err := cleanEmail(to)
	if err != nil {
		return err
	}
	if !s.CanMail() {
		return entity.BadRequest("Mail is not configured on this server: set email.enableSmtpServer and the server to send by.")
	}
	if err := s.opts.Mailer.Send(ctx, Mail{Kind: MailTest, To: address}); err != nil {
		s.log.WarnContext(ctx, "the test mail could not be sent", "error", err)
		return &entity.Error{
			Kind: entity.KindUpstream, Message: "The mail could not be sent.", Cause: err,
			Hint: "The log of the server has the mail server's words. Check serverEndpoint, serverPort, transportationStrategy, username and password.",
		}
	}
	return nil
}

// afterwards does something in the background, so that nobody can tell by the time
// of the answer what it was. Its failure is for the log.
func (s *Service) afterwards(what string, do func(context.Context) error) {
	select {
	case s.posts <- struct{}{}:
	default:
		s.log.Warn("too much is under way; something was dropped", "what", what)
		return
	}
	s.writes.Go(func() {
		defer func() { <-s.posts }()
		ctx, cancel := context.WithTimeout(context.Background(), postTimeout)
		defer cancel()
		if err := do(ctx); err != nil {
			s.log.Warn("something in the background failed", "what", what, "error", err)
		}
	})
}

const maxEmail = 127 // as the schema of a user has it

// cleanEmail takes one bare address, and nothing that could become a second one or
// a header of a mail.
func cleanEmail(text string) (string, error) {
	text = strings.ToLower(strings.TrimSpace(text))
	parsed, err := mail.ParseAddress(text)
	odd := func(c rune) bool {
		return c > unicode.MaxASCII || c <= ' ' || strings.ContainsRune(`"(),:;<>[\]{}%`, c)
	}
	if err != nil || parsed.Address != text || len(text) > maxEmail || strings.ContainsFunc(text, odd) {
		return "", entity.BadRequest("[email must be a well-formed email address]")
	}
	return text, nil
}

// Settle waits until everything that goes on in the background is done.
func (s *Service) Settle() { s.writes.Wait() }
