package auth

import (
	"context"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// SettingsEntry is the entry of the audit trail for a change of how people sign in,
// to be written in the transaction of the change. It names the members that changed,
// never their values.
func SettingsEntry(by string, at time.Time, members []string) (store.Record, error) {
	return AuditEntry{
		At: at.UnixMilli(), Action: "securitySettingsChanged", By: by,
		Detail: entity.Shorten(strings.Join(members, ", "), 2000),
	}.record(kindAudit)
}

// HasPassword tells whether a password is kept for a user.
func (s *Service) HasPassword(ctx context.Context, user entity.ID) (bool, error) {
	doc, err := s.passwordOf(ctx, user)
	return doc.Hash != "", err
}

// PassesDomain tells whether the rules let an email in, as far as they ask for its
// domain.
func (r *Rules) PassesDomain(email string) bool { return r.domainAllowed(naming{email: fold(email)}) }

// PasswordIs tells whether a user's password is the given one. It counts for no
// throttle: it is for the start, which looks for passwords that everybody knows.
func (s *Service) PasswordIs(ctx context.Context, user entity.ID, plain string) (bool, error) {
	doc, err := s.passwordOf(ctx, user)
	if err != nil || doc.Hash == "" {
		return false, err
	}
	ok, _, err := s.hasher.Verify(ctx, doc.Hash, plain)
	return ok, err
}

// TryIdentity finds out what a sign-in with an identity would do under settings that
// are not in force, without doing it, and keeps the report like that of a test login.
// It returns the report and its id for TestResult.
func (s *Service) TryIdentity(ctx context.Context, by entity.Principal, so *SignOn, id Identity) (TestReport, string, error) {
	if !by.IsAdmin || by.TokenType != TypeUser {
		return TestReport{}, "", wrongType("Only an administrator who signed in can try out settings.")
	}
	report, err := s.rehearse(ctx, so, Grant{Identity: id})
	if e := entity.AsError(err); e != nil && e.Code != "" {
		report.Outcome, report.Code, report.Message, report.Hint = "refused", e.Code, e.Message, e.Hint
	} else if err != nil {
		return TestReport{}, "", err
	}
	report.At = s.clock().UnixMilli()
	doc := attemptDoc{Test: randomID(), By: by.UserID.String()}
	return report, doc.Test, s.putReport(ctx, &doc, report)
}
