package auth

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// kindTest are the reports of test logins; the owner is who began them.
const kindTest = "auth-test"

const (
	testLifetime = 10 * time.Minute
	maxTests     = 20 // of one admin
	maxClaims    = 100
	maxValue     = 80
)

// TestReport tells the admin who tried out settings what they would do.
type TestReport struct {
	Issuer  string        `json:"issuer,omitzero"`
	Subject string        `json:"subject,omitzero"` // shortened
	Claims  []ClaimReport `json:"claims,omitzero"`
	Name    string        `json:"name,omitzero"`  // of the user
	Email   string        `json:"email,omitzero"` // of the user
	// Outcome is "existing", "new" or "refused".
	Outcome       string   `json:"outcome"`
	Code          string   `json:"errorCode,omitzero"` // of a refusal
	Message       string   `json:"message,omitzero"`
	Hint          string   `json:"hint,omitzero"`
	DomainAllowed bool     `json:"domainAllowed"`
	Admin         bool     `json:"admin"` // the user would be an administrator
	Roles         []string `json:"roles,omitzero"`
	UnknownRoles  []string `json:"unknownRoles,omitzero"`
	Teams         []string `json:"teams,omitzero"`
	UnknownTeams  []string `json:"unknownTeams,omitzero"`
	Renewal       bool     `json:"renewalPossible"`
	At            int64    `json:"at"` // milliseconds since 1970
}

// ClaimReport is a claim with its value shortened.
type ClaimReport struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// testSignOn makes what a test login goes by.
func (s *Service) testSignOn(ctx context.Context, start LoginStart) (*SignOn, error) {
	switch {
	case !start.By.IsAdmin || start.By.TokenType != TypeUser:
		return nil, wrongType("Only an administrator who signed in can try out settings.")
	case s.opts.TestSignOn == nil:
		return nil, Refuse(CodeNoProvider)
	case len(start.Test) > maxTestDocument:
		return nil, entity.BadRequest("The settings are longer than %d bytes", maxTestDocument)
	}
	so, err := s.opts.TestSignOn(ctx, start.Test)
	if err != nil {
		return nil, asError(err)
	}
	return so, nil
}

// finishTest judges the answer of a test login and keeps the report. What goes wrong
// from here on is part of the report. Nothing else is written.
func (s *Service) finishTest(ctx context.Context, doc *attemptDoc, secrets attemptSecrets, params url.Values) error {
	so, err := s.opts.TestSignOn(ctx, secrets.Test)
	if err != nil {
		return err
	}
	var grant Grant
	if so.Redirect == nil {
		err = Refuse(CodeNoProvider)
	} else {
		id, _ := attemptOfState(secrets.Departure.State)
		grant, err = s.granted(ctx, so, id, doc, secrets, params)
	}
	var report TestReport
	if err == nil {
		report, err = s.rehearse(ctx, so, grant)
		s.revokeLater(&inForce{SignOn: so}, grant.RefreshToken)
	}
	if err != nil {
		e := entity.AsError(asError(err))
		if e.Kind == entity.KindInternal {
			return e
		}
		report.Outcome, report.Code, report.Message, report.Hint = "refused", e.Code, e.Message, e.Hint
	}
	report.At = s.clock().UnixMilli()
	return s.putReport(ctx, doc, report)
}

func (s *Service) putReport(ctx context.Context, doc *attemptDoc, report TestReport) error {
	data, err := json.Marshal(report)
	if err != nil {
		return entity.Internal(err)
	}
	return s.store.Update(ctx, func(tx store.Tx) error {
		now := s.clock()
		if _, err := tx.DeleteRecords(ctx, store.RecordQuery{Kind: kindTest, Any: true, To: now.UnixMilli()}); err != nil {
			return err
		}
		mine := store.RecordQuery{Kind: kindTest, Owner: doc.By, Order: store.NewestFirst, Offset: maxTests - 1, Limit: maxTests}
		old, err := tx.Records(ctx, mine)
		if err != nil {
			return err
		}
		for _, rec := range old {
			if _, err := tx.DeleteRecord(ctx, rec.Kind, rec.Owner, rec.Key); err != nil {
				return err
			}
		}
		err = tx.PutRecord(ctx, store.Record{Kind: kindTest, Owner: doc.By, Key: doc.Test, At: now.Add(testLifetime).UnixMilli(), Doc: data})
		if err != nil {
			return err
		}
		return s.audit(ctx, tx, AuditEntry{Action: "testLogin", User: report.Name, Code: report.Code, Issuer: report.Issuer})
	})
}

// TestResult returns the report of a test login to the admin who began it, for ten
// minutes.
func (s *Service) TestResult(ctx context.Context, by entity.Principal, id string) (TestReport, error) {
	var report TestReport
	err := s.store.View(ctx, func(r store.Reader) error {
		rec, err := r.Record(ctx, kindTest, by.UserID.String(), id)
		if isNotFound(err) || err == nil && s.clock().UnixMilli() >= rec.At {
			return entity.NotFound("test login", id)
		}
		if err != nil {
			return err
		}
		if err := json.Unmarshal(rec.Doc, &report); err != nil {
			return entity.Internal(err)
		}
		return nil
	})
	return report, err
}

// rehearse finds out what a real sign-in would do, without doing it. The report is
// as far as it came, also with an error.
func (s *Service) rehearse(ctx context.Context, so *SignOn, g Grant) (TestReport, error) {
	id := g.Identity
	_, renews := so.Redirect.(Renewer)
	report := TestReport{
		Issuer: id.Issuer, Subject: entity.Shorten(id.Subject, maxValue), Claims: claimReports(id), Renewal: renews && g.RefreshToken != "",
	}
	n, err := so.Rules.naming(id)
	if err != nil {
		return report, err
	}
	report.Name, report.Email, report.DomainAllowed = n.name, n.email, so.Rules.domainAllowed(n)
	if !report.DomainAllowed {
		return report, Refuse(CodeUserDomain)
	}
	user, err := s.linkedUser(ctx, id)
	if err == nil && user.ID == entity.NilID {
		if user, err = s.counterpart(ctx, so, id, n); err == nil {
			err = s.unbound(ctx, id, user)
		}
	}
	switch {
	case err != nil:
		return report, err
	case user.Deleted:
		return report, Refuse(CodeUserGone)
	case user.IsBot:
		return report, RefuseFor(CodeUserRelink, errors.New("the user is a bot's"))
	}
	a, err := s.compare(ctx, so, id, n, user)
	if err != nil {
		return report, err
	}
	report.Outcome = "existing"
	if user.ID == entity.NilID {
		report.Outcome = "new"
	} else {
		report.Name = user.Name
	}
	report.Admin = a.byRule || a.byClaim || user.IsAdmin
	report.Roles, report.UnknownRoles = a.roles.found, firstNames(a.roles.unknown)
	report.Teams, report.UnknownTeams = a.teams.found, firstNames(a.teams.unknown)
	return report, nil
}

// unbound refuses a user who is linked to another identity of the issuer.
func (s *Service) unbound(ctx context.Context, id Identity, user User) error {
	if user.ID == entity.NilID {
		return nil
	}
	return s.store.View(ctx, func(r store.Reader) error {
		l, err := readLink(ctx, r, user.ID.String(), link{Issuer: id.Issuer}.issuerKey())
		if err == nil && l.Subject != "" && l.Subject != id.Subject {
			err = Refuse(CodeUserRelink)
		}
		return err
	})
}

func firstNames(names []string) []string { return names[:min(len(names), maxClaims)] }

// claimReports shows the claims as far as a person wants to read them. Values that
// are bound to the attempt say nothing and are left out.
func claimReports(id Identity) []ClaimReport {
	hidden := []string{"nonce", "at_hash", "c_hash", "s_hash", "jti"}
	var reports []ClaimReport
	for name, raw := range id.Claims {
		if slices.Contains(hidden, name) {
			continue
		}
		value := id.Text(name)
		if value == "" {
			value = string(raw)
		}
		reports = append(reports, ClaimReport{Name: entity.Shorten(name, maxValue), Value: entity.Shorten(value, maxValue)})
	}
	slices.SortFunc(reports, func(a, b ClaimReport) int { return strings.Compare(a.Name, b.Name) })
	return reports[:min(len(reports), maxClaims)]
}
