package api

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/doctor"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/signon"
)

// securityRoutes serve the settings of signing in, their tests, and what was
// refused. A change needs an administrator who signed in lately: a stolen token of
// yesterday must not open the door for good.
func (a *API) securityRoutes() []Route {
	const base = "/api/v1/system/security"
	return []Route{
		{Method: http.MethodGet, Path: base + "/config", Access: AdminOnly, Handle: (*call).getSecurity},
		{Method: http.MethodPut, Path: base + "/config", Access: AdminOnly, MaxBody: securityBody, Handle: (*call).putSecurity},
		{Method: http.MethodPatch, Path: base + "/config", Access: AdminOnly, MaxBody: securityBody, Accepts: patchTypes, Handle: (*call).patchSecurity},
		{Method: http.MethodGet, Path: base + "/sources", Access: AdminOnly, Handle: (*call).securitySources},
		{Method: http.MethodPost, Path: base + "/validate", Access: AdminOnly, MaxBody: securityBody, Handle: (*call).validateSecurity},
		{Method: http.MethodPost, Path: base + "/restore", Access: AdminOnly, MaxBody: smallBody, Handle: (*call).restoreSecurity},
		{Method: http.MethodPost, Path: base + "/test-login/start", Access: AdminOnly, MaxBody: securityBody, Handle: (*call).startTestLogin},
		{Method: http.MethodPost, Path: base + "/test-login/password", Access: AdminOnly, MaxBody: securityBody, Handle: (*call).testPassword},
		{Method: http.MethodGet, Path: base + "/test-login/{id}", Access: AdminOnly, Handle: (*call).testLoginResult},
		{Method: http.MethodPost, Path: base + "/wipe-passwords", Access: AdminOnly, MaxBody: smallBody, Handle: (*call).wipePasswords},
	}
}

// securityBody is enough for settings with certificates.
const securityBody = 256 << 10

// recentSignIn is how long a sign-in counts as fresh.
const recentSignIn = 10 * time.Minute

// revertWindow is how long the page offers to take a change back with one click.
const revertWindow = 10 * time.Minute

// signedInLately refuses callers whose sign-in lies back, and credentials that live
// on without a person.
func (c *call) signedInLately() error {
	if c.by.TokenType != auth.TypeUser || c.clock().Sub(time.UnixMilli(c.by.SignedIn)) > recentSignIn {
		return auth.Refuse(auth.CodeReauth)
	}
	return nil
}

// mayTakeBack lets also who made the last change take it back, as long as the page
// offers that: the change may be what keeps them from signing in again.
func (c *call) mayTakeBack() error {
	lately := c.signedInLately()
	if lately == nil || c.by.TokenType != auth.TypeUser {
		return lately
	}
	s, err := c.security.Settings()
	if err != nil {
		return err
	}
	if s.Revision > 0 && s.SavedBy == c.by.Name && c.clock().Before(s.SavedAt.Add(revertWindow)) {
		return nil
	}
	return lately
}

// getSecurity shows the settings to whom may change them; what others need to know is
// in /system/config.
func (c *call) getSecurity() error {
	if err := c.signedInLately(); err != nil {
		return err
	}
	return c.showSecurity()
}

func (c *call) showSecurity() error {
	s, err := c.security.Settings()
	if err != nil {
		return err
	}
	return c.raw(http.StatusOK, s.Document)
}

// securitySources tells where each setting comes from and what was remarked.
func (c *call) securitySources() error {
	s, err := c.security.Settings()
	if err != nil {
		return err
	}
	answer := struct {
		Revision    int64               `json:"revision"`
		Saved       bool                `json:"saved"`
		SavedBy     string              `json:"savedBy,omitzero"`
		SavedAt     int64               `json:"savedAt,omitzero"`
		RevertUntil int64               `json:"revertUntil,omitzero"`
		Sources     map[string]string   `json:"sources"`
		Findings    []signon.FieldError `json:"findings"`
		Accepted    []doctor.Check      `json:"accepted"` // the red bar
	}{Revision: s.Revision, Saved: s.Saved, SavedBy: s.SavedBy, Sources: s.Sources, Findings: []signon.FieldError{}, Accepted: []doctor.Check{}}
	if c.accepted != nil {
		answer.Accepted = append(answer.Accepted, c.accepted()...)
	}
	if s.Revision > 0 {
		answer.SavedAt = s.SavedAt.UnixMilli()
		answer.RevertUntil = s.SavedAt.Add(revertWindow).UnixMilli()
	}
	for _, f := range s.Findings {
		answer.Findings = append(answer.Findings, signon.FieldError{Field: f.Key, Error: f.Message, Code: f.Code})
	}
	return c.json(http.StatusOK, answer)
}

func (c *call) putSecurity() error {
	if err := c.signedInLately(); err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	if err := c.saveSecurity(body, -1); err != nil {
		return err
	}
	return c.showSecurity()
}

// patchSecurity applies a JSON Patch to the settings as they are shown: a test of a
// masked secret compares with the mask and so tells nothing.
func (c *call) patchSecurity() error {
	if err := c.signedInLately(); err != nil {
		return err
	}
	body, err := c.body()
	if err != nil {
		return err
	}
	s, err := c.security.Settings()
	if err != nil {
		return err
	}
	patched, err := c.engine.ApplyPatch(s.Document, body)
	if err != nil {
		return err
	}
	if err := c.saveSecurity(patched, s.Revision); err != nil {
		return err
	}
	return c.empty(http.StatusNoContent)
}

func (c *call) saveSecurity(document []byte, revision int64) error {
	err := c.security.Save(c.ctx(), signon.Change{By: c.by, Authorization: c.credential(), Document: document, Revision: revision, Confirm: c.query.Get("confirm")})
	var invalid *signon.Invalid
	if errors.As(err, &invalid) {
		return invalidSettings(invalid)
	}
	return err
}

// invalidSettings puts every fault into one sentence each, as clients that know
// nothing of fields show the message alone.
func invalidSettings(invalid *signon.Invalid) error {
	first := invalid.Problems[0]
	message := "The security settings are not valid."
	for _, p := range invalid.Problems {
		message += " " + p.Field + ": " + p.Error
	}
	return &entity.Error{
		Kind: entity.KindBadRequest, Code: first.Code, Message: entity.Shorten(message, 4000),
		Hint: "POST /api/v1/system/security/validate lists the faults by field.",
	}
}

func (c *call) validateSecurity() error {
	body, err := c.body()
	if err != nil {
		return err
	}
	problems, err := c.security.Validate(c.ctx(), body)
	if err != nil {
		return err
	}
	answer := struct {
		Status string              `json:"status"`
		Errors []signon.FieldError `json:"errors"`
	}{Status: "success", Errors: []signon.FieldError{}}
	if len(problems) > 0 {
		answer.Status, answer.Errors = "failed", problems
	}
	return c.json(http.StatusOK, answer)
}

func (c *call) restoreSecurity() error {
	if err := c.mayTakeBack(); err != nil {
		return err
	}
	if err := c.security.Restore(c.ctx(), c.by, c.credential()); err != nil {
		return err
	}
	return c.showSecurity()
}

// startTestLogin answers with the address to open in a new window, whose cookie
// binds the attempt to this browser.
func (c *call) startTestLogin() error {
	body, err := c.body()
	if err != nil {
		return err
	}
	redirect, err := c.security.StartTest(c.ctx(), c.by, body, c.address(), c.origin())
	if err != nil {
		return asInvalid(err)
	}
	c.setAttempt(redirect.Cookie, redirect.Value, redirect.Lifetime)
	return c.json(http.StatusOK, map[string]string{"id": redirect.Test, "url": redirect.URL})
}

func asInvalid(err error) error {
	var invalid *signon.Invalid
	if errors.As(err, &invalid) {
		return invalidSettings(invalid)
	}
	return err
}

func (c *call) testPassword() error {
	var body struct {
		Settings jsontext.Value `json:"settings"`
		Name     string         `json:"name"`
		Password string         `json:"password"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	report, err := c.security.TestPassword(c.ctx(), c.by, body.Settings, body.Name, body.Password)
	if err != nil {
		return asInvalid(err)
	}
	return c.json(http.StatusOK, report)
}

func (c *call) testLoginResult() error {
	id, err := c.param("id")
	if err != nil {
		return err
	}
	report, err := c.auth.TestResult(c.ctx(), c.by, id)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, report)
}

// wipePasswords removes every password once nobody signs in with one any more.
func (c *call) wipePasswords() error {
	if err := c.signedInLately(); err != nil {
		return err
	}
	var body struct {
		Confirm bool                      `json:"confirm"`
		Rest    map[string]jsontext.Value `json:",embed"`
	}
	raw, err := c.body()
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, &body); err != nil || !body.Confirm {
		return entity.BadRequest(`All passwords kept on this server would be removed. Repeat with the body {"confirm":true}.`)
	}
	removed, err := c.auth.WipePasswords(c.ctx(), c.by)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, map[string]int{"removed": removed})
}
