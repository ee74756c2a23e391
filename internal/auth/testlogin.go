package auth

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
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
	Admin         bool     `json:"admin"`
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

// TestResult returns the report of a test login to the admin who began it, for ten
// minutes.
func (s *Service) TestResult(_ context.Context, _ entity.Principal, id string) (TestReport, error) {
	return TestReport{}, entity.NotFound("test login", id)
}
