package signon

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// ConfirmPhrase is what an administrator types to save settings without a test
// login.
const ConfirmPhrase = "save without a test"

// Change is a wish to save settings.
type Change struct {
	By entity.Principal
	// Authorization is the header that By was found by, so that it goes on for a while.
	Authorization string
	Document      []byte // the whole settings in the words of the API; masked secrets stay as they are
	Revision      int64  // the one the change was made from; -1 for whichever is in force
	Confirm       string // ConfirmPhrase, or ""
}

// Validate says what is wrong with a document, member by member, without saving
// anything. It asks the provider for its metadata, as far as there is one.
func (m *Manager) Validate(ctx context.Context, document []byte) ([]FieldError, error) {
	_, _, problems, err := m.examine(ctx, document)
	return problems, err
}

// examine fills masked secrets in, checks the document and builds its provider,
// which the caller closes.
func (m *Manager) examine(ctx context.Context, document []byte) (whole []byte, next *state, problems []FieldError, err error) {
	now := m.state.get()
	current, err := config.SecurityDocument(now.config)
	if err != nil {
		return nil, nil, nil, err
	}
	if whole, err = config.UnmaskDocument(document, current); err != nil {
		return nil, nil, []FieldError{{Field: "authenticationConfiguration", Error: err.Error()}}, nil
	}
	cfg, findings, err := m.opts.Load(whole)
	if problems := fieldErrors(err, findings); len(problems) > 0 {
		return whole, nil, problems, nil
	}
	if err != nil {
		return nil, nil, nil, err
	}
	next = &state{config: cfg, findings: findings}
	if next.provider, err = m.build(ctx, cfg, next); err != nil {
		return whole, nil, providerFaults(err), nil
	}
	return whole, next, stepFaults(next.provider.diagnose(ctx)), nil
}

// providerFaults are why a provider could not be set up, by field where it says so.
func providerFaults(err error) []FieldError {
	if fault, ok := faultOf(err); ok {
		return []FieldError{fault}
	}
	return []FieldError{{Field: "authenticationConfiguration.provider", Error: publicText(err)}}
}

// stepFaults are the steps of a diagnosis without which nobody could sign in.
func stepFaults(steps []Step) []FieldError {
	var problems []FieldError
	for _, step := range steps {
		if step.Status == StepWrong {
			problems = append(problems, FieldError{
				Field: "authenticationConfiguration", Error: strings.TrimSpace(step.Name + ": " + step.Detail + " " + step.Remedy), Code: step.Code,
			})
		}
	}
	return problems
}

func publicText(err error) string {
	if e := entity.AsError(err); e != nil {
		return e.Message
	}
	// Providers word what is wrong with their settings for whoever wrote them.
	return err.Error()
}

// Save checks settings, stores them and puts them in force. A document with faults
// is an *Invalid error and changes nothing.
func (m *Manager) Save(ctx context.Context, c Change) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	whole, next, problems, err := m.examine(ctx, c.Document)
	if err != nil {
		return err
	}
	if next != nil {
		defer func() {
			if next != nil {
				next.provider.close()
			}
		}()
	}
	if len(problems) > 0 {
		return &Invalid{Problems: problems}
	}
	now := m.state.get()
	if c.Revision >= 0 && c.Revision != now.saved.Revision {
		return entity.Conflict("The security settings were changed meanwhile: read them again and repeat")
	}
	if err := m.safe(ctx, c, now.config, next.config); err != nil {
		return err
	}
	if err := m.opts.Auth.Keep(ctx, c.By, c.Authorization); err != nil {
		return err
	}
	revision, err := m.vault.put(ctx, c.By.Name, now.saved.Revision, whole, m.noted(c.By.Name, now.config, next.config))
	if err != nil {
		return err
	}
	next.saved = Saved{Revision: revision, Document: whole, By: c.By.Name, At: m.clock()}
	m.install(next)
	next = nil
	return nil
}

// Invalid are settings with faults.
type Invalid struct{ Problems []FieldError }

// Error names the first fault.
func (e *Invalid) Error() string {
	first := e.Problems[0]
	return fmt.Sprintf("%s: %s", first.Field, first.Error)
}

// Restore puts the settings before the present ones back in force. What the caller
// came with, the header authorization, goes on for a while.
func (m *Manager) Restore(ctx context.Context, by entity.Principal, authorization string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	earlier, err := m.vault.history(ctx)
	if err != nil {
		return err
	}
	if len(earlier) == 0 {
		return errNoEarlier()
	}
	return m.replace(ctx, by, authorization, earlier[0].Document)
}

// replace saves a document that was in force before, or none, and puts it in force.
func (m *Manager) replace(ctx context.Context, by entity.Principal, authorization string, document []byte) error {
	now := m.state.get()
	next, err := m.assemble(ctx, Saved{Document: document})
	if err != nil {
		return err
	}
	if err := m.opts.Auth.Keep(ctx, by, authorization); err != nil {
		return err
	}
	revision, err := m.vault.put(ctx, by.Name, now.saved.Revision, document, m.noted(by.Name, now.config, next.config))
	if err != nil {
		next.provider.close()
		return err
	}
	next.saved = Saved{Revision: revision, Document: document, By: by.Name, At: m.clock()}
	m.install(next)
	return nil
}

// noted writes down who changed which members, in the transaction of the change.
func (m *Manager) noted(by string, now, next *config.Config) func(store.Tx) error {
	return auditChange(by, m.clock(), changedFields(now, next))
}

func auditChange(by string, at time.Time, members []string) func(store.Tx) error {
	return func(tx store.Tx) error {
		rec, err := auth.SettingsEntry(by, at, members)
		if err != nil {
			return err
		}
		return tx.PutRecord(context.Background(), rec)
	}
}

// safe refuses changes that could lock out whoever makes them, unless a test login
// with the same values succeeded lately or the change is confirmed.
func (m *Manager) safe(ctx context.Context, c Change, now, next *config.Config) error {
	if err := m.actorPasses(ctx, c.By, next); err != nil {
		return err
	}
	if !couldLockOut(now, next) || c.Confirm == ConfirmPhrase {
		return nil
	}
	if next.Authentication.Provider == config.ProviderBasic {
		has, err := m.opts.Auth.HasPassword(ctx, c.By.UserID)
		if err != nil || has {
			return err
		}
	} else {
		tested, err := m.testedLately(ctx, c.By, next)
		if err != nil || tested {
			return err
		}
	}
	return &entity.Error{
		Kind: entity.KindConflict, Code: CodeUntested,
		Message: "These settings could lock everybody out, and no test login with them has succeeded within ten minutes.",
		Hint:    "Run a test login with the same values, or repeat with confirm=" + ConfirmPhrase + ".",
	}
}

// CodeUntested refuses to save settings nobody has signed in with.
const CodeUntested = "SEC-CFG-UNTESTED"

// CodeSelfDomain refuses a domain rule that its author would not pass.
const CodeSelfDomain = "SEC-CFG-SELF-DOMAIN"

// actorPasses refuses domain rules that shut out the administrator who saves them.
func (m *Manager) actorPasses(ctx context.Context, by entity.Principal, next *config.Config) error {
	if !next.Authorizer.EnforcePrincipalDomain || by.UserID == entity.NilID {
		return nil
	}
	user, err := m.opts.Users.ByID(ctx, by.UserID)
	if err != nil {
		return err
	}
	if rules := rulesOf(next); rules.PassesDomain(user.Email) {
		return nil
	}
	return &entity.Error{
		Kind: entity.KindBadRequest, Code: CodeSelfDomain,
		Message: "Your own email address is not of principalDomain or allowedDomains: these settings would lock you out.",
		Hint:    "Add the domain of your address to allowedDomains.",
	}
}

// couldLockOut tells whether the difference decides who gets in.
func couldLockOut(now, next *config.Config) bool { return fingerprint(now) != fingerprint(next) }

// fingerprint is equal for settings that let the same people in by the same way.
func fingerprint(cfg *config.Config) string {
	a := cfg.Authentication
	a.ProviderName, a.EnableAutoRedirect, a.EnableSelfSignup, a.ForceSecureSessionCookie = "", false, false, false
	a.InitialAdminPassword = ""
	a.OIDC.SessionExpiry, a.OIDC.TokenValidity, a.SAML.TokenValidity = 0, 0, 0 // the lengths of sessions keep nobody out
	z := cfg.Authorizer
	z.AllowedRegistrationDomain, z.DefaultOAuthRole = nil, ""
	admins := slices.Clone(z.AdminPrincipals)
	slices.Sort(admins)
	z.AdminPrincipals = admins
	raw, err := json.Marshal([]any{a, z}, json.Deterministic(true), durations())
	if err != nil { // structs of texts, numbers and lists always encode
		panic(err)
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:])
}

// durations are numbers here: JSON has no form of its own for them.
func durations() json.Options {
	return json.WithMarshalers(json.MarshalFunc(func(d time.Duration) ([]byte, error) { return []byte(strconv.Itoa(int(d))), nil }))
}

// changedFields names the members of the settings that differ, for the audit trail.
func changedFields(now, next *config.Config) []string {
	before, errBefore := config.SecurityDocument(now)
	after, errAfter := config.SecurityDocument(next)
	if errBefore != nil || errAfter != nil {
		return nil
	}
	a, b := flatten(before), flatten(after)
	var names []string
	for name, value := range a {
		if b[name] != value {
			names = append(names, name)
		}
	}
	for name := range b {
		if _, ok := a[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// flatten turns a document into its leaves by dotted name.
func flatten(doc []byte) map[string]string {
	out := map[string]string{}
	var root any
	if json.Unmarshal(doc, &root) != nil {
		return out
	}
	var walk func(name string, v any)
	walk = func(name string, v any) {
		members, ok := v.(map[string]any)
		if !ok {
			raw, _ := json.Marshal(v, json.Deterministic(true))
			out[name] = string(raw)
			return
		}
		for member, value := range members {
			walk(strings.TrimPrefix(name+"."+member, "."), value)
		}
	}
	walk("", root)
	return out
}

// proofLife is how long a test login counts.
const proofLife = 10 * time.Minute
