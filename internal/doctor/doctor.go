// Package doctor examines a server's sign-on from the outside in: configuration,
// data directory, keys, bots, provider, proxies. Each finding says what is wrong and what to
// do about it; the same report is printed by the command line and served to
// administrators.
//
// It may import config, auth, auth/key, signon and entity.
package doctor

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/auth/key"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/signon"
)

// Status is how a check ended.
type Status string

// The statuses.
const (
	Fine    Status = "ok"
	Warning Status = "warning"
	Wrong   Status = "error"
)

// Check is one thing that was looked at.
type Check struct {
	Area   string `json:"area"` // configuration, data, keys, bots, provider, proxy
	Name   string `json:"name"`
	Status Status `json:"status"`
	Code   string `json:"code,omitzero"`
	Detail string `json:"detail,omitzero"`
	Remedy string `json:"remedy,omitzero"`
	Took   int64  `json:"tookMs,omitzero"` // how long a call took
}

// Report is what was found.
type Report struct {
	Checks []Check `json:"checks"`
	Status Status  `json:"status"` // the worst of all checks
}

// ExitStatus is 0 when all is well, 1 with warnings, 2 when something is wrong.
func (r Report) ExitStatus() int {
	switch r.Status {
	case Wrong:
		return 2
	case Warning:
		return 1
	}
	return 0
}

// Bot is a bot with the user that carries its tokens.
type Bot struct {
	Name   string
	Tokens []auth.BotToken
	// Behind are the pipelines that last ran with a token that was replaced since, by
	// full name.
	Behind []string
}

// Patient is what is examined. Members that are nil are left out of the report.
type Patient struct {
	Config   *config.Config
	Findings config.Findings
	Settings *signon.Manager
	Keys     *key.Ring
	Bots     func(context.Context) ([]Bot, error)
	// DefaultAdmin tells whether the first administrator of password sign-in still
	// has a password.
	DefaultAdmin func(context.Context) (name string, hasPassword bool, err error)
	// Recording tells of a running server since when audit trail and log cannot be
	// written; zero times if they can.
	Recording func() (audit, log time.Time)
	Way       *Way // nil if no address for browsers is configured
	Clock     func() time.Time
}

// The areas.
const (
	AreaConfiguration = "configuration"
	AreaData          = "data"
	AreaKeys          = "keys"
	AreaBots          = "bots"
	AreaProvider      = "provider"
	AreaProxy         = "proxy"
)

// Areas lists what Examine can be limited to.
func Areas() []string {
	return []string{AreaConfiguration, AreaData, AreaKeys, AreaBots, AreaProvider, AreaProxy}
}

// Examine looks at everything, or at the named areas only.
func Examine(ctx context.Context, p Patient, areas ...string) Report {
	if p.Clock == nil {
		p.Clock = time.Now
	}
	if len(areas) == 0 {
		areas = Areas()
	}
	var checks []Check
	for _, area := range areas {
		switch area {
		case AreaConfiguration:
			checks = append(checks, p.configuration(ctx)...)
		case AreaData:
			checks = append(checks, p.data()...)
		case AreaKeys:
			checks = append(checks, p.keys()...)
		case AreaBots:
			checks = append(checks, p.bots(ctx)...)
		case AreaProvider:
			checks = append(checks, p.provider(ctx)...)
		case AreaProxy:
			if p.Way != nil {
				checks = append(checks, p.Way.examine(ctx)...)
			}
		}
	}
	return summarize(checks)
}

// With adds checks that others made.
func (r Report) With(checks ...Check) Report { return summarize(append(r.Checks, checks...)) }

func summarize(checks []Check) Report {
	r := Report{Checks: checks, Status: Fine}
	for _, c := range checks {
		if c.Status == Wrong || c.Status == Warning && r.Status == Fine {
			r.Status = c.Status
		}
	}
	return r
}

// configuration repeats the findings that stand at the moment.
func (p Patient) configuration(ctx context.Context) []Check {
	checks := OfFindings(p.Findings)
	if p.Config != nil {
		checks = append(checks, Check{
			Area: AreaConfiguration, Name: "mode", Status: Fine,
			Detail: fmt.Sprintf("%s mode, people sign in with %s, the address for browsers is %s", p.Config.Mode, p.Config.Authentication.Provider, p.Config.Server.URL),
		})
	}
	if p.DefaultAdmin != nil && p.Config != nil && p.Config.Authentication.Provider != config.ProviderBasic {
		checks = append(checks, p.defaultAdmin(ctx))
	}
	return checks
}

// OfFindings are the checks of what was found about the configuration.
func OfFindings(findings config.Findings) []Check {
	checks := make([]Check, 0, len(findings)+2)
	for _, f := range findings {
		c := Check{Area: AreaConfiguration, Name: f.Key, Code: f.Code, Detail: f.Message, Remedy: f.Remedy, Status: Fine}
		switch f.Severity {
		case config.Error:
			c.Status = Wrong
		case config.Warning:
			c.Status = Warning
		}
		checks = append(checks, c)
	}
	return checks
}

func (p Patient) defaultAdmin(ctx context.Context) Check {
	c := Check{Area: AreaConfiguration, Name: "default administrator", Status: Fine, Detail: "no password is kept for the first administrator"}
	name, has, err := p.DefaultAdmin(ctx)
	switch {
	case err != nil:
		c.Status, c.Detail = Warning, "the first administrator could not be looked up"
	case has:
		c.Status, c.Code = Warning, config.CodeDefaultAccount
		c.Detail = fmt.Sprintf("the account %s of password sign-in still has a password", name)
		c.Remedy = "catalpa users disable-default-admin"
	}
	return c
}

// data looks at what others could read, and at what cannot be written.
func (p Patient) data() []Check {
	checks := p.recording()
	if p.Config == nil {
		return checks
	}
	for _, name := range []string{"", "keys", filepath.Join("keys", key.RingFile), "master.key", "catalpa.db", auth.FirstPasswordFile} {
		info, err := os.Stat(filepath.Join(p.Config.DataDir, name))
		if err != nil {
			continue
		}
		what := name
		if name == "" {
			what = "data directory"
		}
		c := Check{Area: AreaData, Name: what, Status: Fine, Detail: "only the server's account can read it"}
		if mode := info.Mode().Perm(); mode&0o077 != 0 {
			c.Status, c.Code = Wrong, config.CodeKeyMode
			c.Detail = fmt.Sprintf("other accounts of this machine may read or change it (mode %04o)", mode)
			c.Remedy = "take the rights of group and others away: chmod go-rwx"
		}
		if name == auth.FirstPasswordFile {
			c.Status, c.Detail = worse(c.Status, Warning), "the one-time password of the first administrator has not been changed yet"
			c.Remedy = "sign in with it and choose your own"
		}
		checks = append(checks, c)
	}
	return checks
}

func (p Patient) recording() []Check {
	if p.Recording == nil {
		return nil
	}
	audit, log := p.Recording()
	return []Check{
		written("audit trail", audit, "free space on the disk of the data directory; the log has the entries until then"),
		written("log", log, "free space where standard error goes, and see that whatever reads it runs"),
	}
}

func written(what string, failing time.Time, remedy string) Check {
	if failing.IsZero() {
		return Check{Area: AreaData, Name: what, Status: Fine, Detail: "it is written"}
	}
	return Check{Area: AreaData, Name: what, Status: Wrong, Detail: "it cannot be written since " + failing.UTC().Format(time.RFC3339), Remedy: remedy}
}

func worse(a, b Status) Status {
	if a == Wrong || b == Wrong {
		return Wrong
	}
	return b
}

// provider examines the identity provider step by step.
func (p Patient) provider(ctx context.Context) []Check {
	if p.Settings == nil {
		return nil
	}
	steps := p.Settings.Diagnose(ctx)
	checks := make([]Check, 0, len(steps)+2)
	for _, s := range steps {
		c := Check{Area: AreaProvider, Name: s.Name, Status: Fine, Code: s.Code, Detail: s.Detail, Remedy: s.Remedy, Took: s.Took.Milliseconds()}
		switch s.Status {
		case signon.StepWrong:
			c.Status = Wrong
		case signon.StepWarning:
			c.Status = Warning
		}
		checks = append(checks, c)
	}
	if check, set := proxy(checks); set {
		checks = append(checks, check)
	}
	if len(checks) == 0 {
		checks = append(checks, Check{Area: AreaProvider, Name: "provider", Status: Fine, Detail: "this server keeps the passwords itself; there is no provider to ask"})
	}
	return checks
}

// proxy names settings of the environment that other programs call through, as this
// server calls providers directly: it has to know which address it talks to.
func proxy(steps []Check) (Check, bool) {
	var set []string
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"} {
		if os.Getenv(name) != "" {
			set = append(set, name)
		}
	}
	if len(set) == 0 || len(steps) == 0 {
		return Check{}, false
	}
	c := Check{Area: AreaProvider, Name: "proxy", Status: Fine, Detail: strings.Join(set, ", ") + " is set here and not used: this server calls the provider directly"}
	if slices.ContainsFunc(steps, func(s Check) bool { return s.Status == Wrong && (s.Name == "DNS" || s.Name == "TCP") }) {
		c.Status, c.Remedy = Warning, "let this host reach the provider without a proxy"
	}
	return c, true
}
