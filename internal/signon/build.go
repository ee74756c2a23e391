package signon

import (
	"context"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/oidc"
	"github.com/catalpa-metadata/catalpa/internal/config"
)

// Step is one thing a diagnosis looked at.
type Step struct {
	Name   string
	Status StepStatus
	Detail string // what was seen
	Remedy string // what to do about it
	Code   string // what people are refused with because of it, if they are
	Took   time.Duration
}

// StepStatus is how a step ended.
type StepStatus int

// The outcomes: a warning is what does not keep anybody from signing in.
const (
	StepFine StepStatus = iota
	StepWarning
	StepWrong
)

func statusOf(ok, warning bool) StepStatus {
	switch {
	case ok:
		return StepFine
	case warning:
		return StepWarning
	}
	return StepWrong
}

// provider is a sign-on with what belongs to it.
type provider struct {
	signOn *auth.SignOn
	// test is the round trip of a test login: also there for public clients, whose
	// real one runs in the browser.
	test     auth.RedirectProvider
	metadata []byte // SAML
	examine  func(context.Context) []Step
	stop     func()
	// ready tells whether the provider is known; nil when that needs no network.
	ready func() error
	// fresh is the provider as known now; nil when nothing about it changes.
	fresh func() provider
	// oidc describes an OpenID Connect provider; false until it was discovered.
	oidc func() (oidc.Metadata, bool)
	// scope is what an OpenID Connect provider is asked for; "" for others.
	scope string
}

func (p provider) close() {
	if p.stop != nil {
		p.stop()
	}
}

func (p provider) diagnose(ctx context.Context) []Step {
	if p.examine == nil {
		return nil
	}
	return p.examine(ctx)
}

// rulesOf are the rules for claims and users.
func rulesOf(cfg *config.Config) auth.Rules {
	a, z := &cfg.Authentication, &cfg.Authorizer
	rules := auth.Rules{
		PrincipalClaims: a.JWTPrincipalClaims,
		PrincipalDomain: z.PrincipalDomain, EnforceDomain: z.EnforcePrincipalDomain, AllowedDomains: z.AllowedDomains,
		SelfSignup: a.EnableSelfSignup, RegistrationDomains: z.AllowedRegistrationDomain,
		RequireVerifiedEmail: a.RequireVerifiedEmail, AdminFromProvider: z.AdminFromProvider,
		AdminPrincipals: z.AdminPrincipals, UseRoles: z.UseRolesFromProvider, RoleClaim: a.JWTRoleClaim, TeamClaim: a.JWTTeamClaimMapping,
	}
	for _, entry := range a.JWTPrincipalClaimsMapping {
		side, claim, _ := strings.Cut(entry, ":")
		switch side {
		case "username":
			rules.UsernameClaim = claim
		case "email":
			rules.EmailClaim = claim
		}
	}
	return rules
}
