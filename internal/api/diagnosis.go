package api

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/doctor"
	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// diagnosisRoutes tell administrators why people are refused and what is wrong with
// signing in.
func (a *API) diagnosisRoutes() []Route {
	const base = "/api/v1/system/security"
	return []Route{
		{Method: http.MethodGet, Path: base + "/doctor", Access: AdminOnly, Handle: (*call).examine},
		{Method: http.MethodGet, Path: doctor.ArrivalPath, Access: Public, Handle: (*call).arrival},
		{Method: http.MethodPost, Path: base + "/doctor/token", Access: AdminOnly, MaxBody: smallBody, Handle: (*call).explainToken},
		{Method: http.MethodGet, Path: base + "/codes", Access: AdminOnly, Handle: (*call).refusalCodes},
		{Method: http.MethodGet, Path: base + "/audit", Access: AdminOnly, Handle: (*call).auditTrail},
		{Method: http.MethodGet, Path: base + "/refusals", Access: AdminOnly, Handle: (*call).refusals},
	}
}

// examine reports on the areas asked for, on all by default.
func (c *call) examine() error {
	var areas []string
	if text := c.query.Get("areas"); text != "" {
		areas = strings.Split(text, ",")
	}
	for _, area := range areas {
		if !slices.Contains(doctor.Areas(), area) {
			return entity.BadRequest("%s is not one of the areas %s", entity.Shorten(area, 40), strings.Join(doctor.Areas(), ", "))
		}
	}
	report := c.checkup(c.ctx(), areas...)
	if len(areas) == 0 || slices.Contains(areas, doctor.AreaProxy) {
		known := func(check doctor.Check) bool { return slices.Contains(report.Checks, check) }
		report = report.With(slices.DeleteFunc(c.wayHere(), known)...)
	}
	return c.json(http.StatusOK, report)
}

// wayHere compares how this very request came with the settings.
func (c *call) wayHere() []doctor.Check {
	if checks := doctor.OfArrival(c.arrived(), c.signOn().PublicURL); len(checks) > 0 {
		return checks
	}
	return []doctor.Check{{Area: doctor.AreaProxy, Name: "this request", Status: doctor.Fine, Detail: "host and forwarding headers fit the settings"}}
}

// arrived tells how the request looks here.
func (c *call) arrived() doctor.Arrival {
	h := c.r.Header
	a := doctor.Arrival{
		Host: c.r.Host, Headers: slices.Sorted(maps.Keys(h)), Trusted: c.signOn().trusts(c.peer()),
		Forwarded: h.Get("X-Forwarded-For") != "" || h.Get("X-Forwarded-Proto") != "",
		Cookie:    len(c.r.CookiesNamed(doctor.CookieName)) > 0,
	}
	if sent := c.credential(); sent != "" {
		a.Authorization = doctor.Digest(sent)
	}
	return a
}

// arrival answers the doctor of this server, who may come by a proxy that takes
// credentials away. For everybody else this is no route.
func (c *call) arrival() error {
	if !c.auth.Asked(c.query.Get("question")) {
		if _, err := c.auth.Authenticate(c.ctx(), c.credential()); err != nil {
			return err
		}
		return entity.Errorf(entity.KindNotFound, "only the doctor asks here: catalpa doctor proxy")
	}
	a := c.arrived()
	c.setCookie(doctor.CookieName, "arrived", time.Minute)
	a.SetCookie = c.w.Header().Get("Set-Cookie")
	return c.json(http.StatusOK, a)
}

func (c *call) explainToken() error {
	var body struct {
		Token string `json:"token"`
	}
	if err := c.decode(&body); err != nil {
		return err
	}
	return c.json(http.StatusOK, c.auth.Explain(c.ctx(), body.Token))
}

// CodeText is what a code means, as people read it when they are refused.
type CodeText struct {
	Code    string `json:"errorCode"`
	Status  int    `json:"status,omitzero"` // 0 for a warning: nobody is refused with it
	Message string `json:"message"`
	Hint    string `json:"hint"`
	Examine string `json:"examine,omitzero"` // what finds the cause
}

// Codes lists all codes of signing in, in order.
func Codes() []CodeText {
	out := []CodeText{}
	for _, code := range auth.Codes() {
		e := auth.Refuse(code)
		out = append(out, CodeText{Code: code, Status: statusOf(e), Message: e.Message, Hint: e.Hint, Examine: examineBy(code)})
	}
	for _, code := range auth.Warnings() {
		message, hint := auth.Warn(code)
		out = append(out, CodeText{Code: code, Message: message, Hint: hint, Examine: examineBy(code)})
	}
	slices.SortFunc(out, func(a, b CodeText) int { return strings.Compare(a.Code, b.Code) })
	return out
}

// examineBy is what tells which of the causes of a code it is.
func examineBy(code string) string {
	for _, e := range []struct{ command, codes string }{
		{"catalpa doctor proxy", "SEC-TOK-MISSING SEC-PROXY SEC-COOKIE-"},
		{"catalpa doctor token FILE", "SEC-TOK- SEC-KEY- SEC-BOT- SEC-CLAIM- SEC-USER-"},
		{"catalpa doctor provider", "SEC-JWKS- SEC-DISC- SEC-CB- SEC-SCOPE- SEC-SAML- SEC-LDAP-"},
		{"the page /settings/sign-in, opened as people open it", "SEC-ORIGIN"},
	} {
		for prefix := range strings.FieldsSeq(e.codes) {
			if strings.HasPrefix(code, prefix) {
				return e.command
			}
		}
	}
	return ""
}

func (c *call) refusalCodes() error {
	codes := Codes()
	return c.json(http.StatusOK, newPage(codes, len(codes)))
}

// auditTrail lists what was done about accounts, tokens, keys and settings, the
// newest first.
func (c *call) auditTrail() error {
	q, err := c.auditQuery()
	if err != nil {
		return err
	}
	entries, err := c.auth.FindAudit(c.ctx(), q)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, newPage(entries, len(entries)))
}

// refusal is an entry of the trail with what to do about it.
type refusal struct {
	auth.AuditEntry
	Message string `json:"message,omitzero"` // what the person read
	Hint    string `json:"hint,omitzero"`
}

func (c *call) refusals() error {
	q, err := c.auditQuery()
	if err != nil {
		return err
	}
	entries, err := c.auth.FindRefusals(c.ctx(), q)
	if err != nil {
		return err
	}
	out := make([]refusal, len(entries))
	for i, e := range entries {
		words := auth.Refuse(e.Code)
		out[i] = refusal{AuditEntry: e, Message: words.Message, Hint: words.Hint}
	}
	return c.json(http.StatusOK, newPage(out, len(out)))
}

func (c *call) auditQuery() (auth.AuditQuery, error) {
	q := auth.AuditQuery{Code: c.query.Get("code"), Action: c.query.Get("action"), User: c.query.Get("user")}
	var err error
	if q.Limit, err = c.number("limit", 200, 1, 1000); err != nil {
		return q, err
	}
	if q.Offset, err = c.number("offset", 0, 0, 100_000); err != nil {
		return q, err
	}
	if q.From, err = c.timestamp("from"); err != nil {
		return q, err
	}
	q.To, err = c.timestamp("to")
	return q, err
}
