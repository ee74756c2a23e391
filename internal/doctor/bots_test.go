package doctor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// TestBotsAreFlagged: tokens without an end, those that end soon, and pipelines that
// still have a former one.
func TestBotsAreFlagged(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	made, soon, later := now.Add(-time.Hour), now.Add(3*24*time.Hour), now.Add(60*24*time.Hour)
	var many []string
	for i := range 25 {
		many = append(many, fmt.Sprintf("shop.p%02d", i))
	}
	list := []Bot{
		{Name: "idle"},
		{Name: "good", Tokens: []auth.BotToken{{Created: made, Expires: soon}, {Created: made, Expires: later}}},
		{Name: "ending", Tokens: []auth.BotToken{{Created: made, Expires: soon}}},
		{Name: "endless", Tokens: []auth.BotToken{{Created: made, Expires: later}, {Created: made}}},
		{Name: "replaced", Tokens: []auth.BotToken{{Created: made, Expires: later}}, Behind: many},
	}
	p := Patient{Clock: func() time.Time { return now }, Bots: func(context.Context) ([]Bot, error) { return list, nil }}
	report := Examine(t.Context(), p, AreaBots)
	got := map[string]Check{}
	for _, c := range report.Checks {
		got[c.Name] = c
	}
	for name, want := range map[string]struct {
		status Status
		code   string
		detail string
	}{
		"idle": {Fine, "", "no token"}, "good": {Fine, "", "2 token(s)"}, "ending": {Warning, "", "2026-11-27"},
		"endless":             {Warning, auth.CodeUnlimited, "never ends"},
		"replaced":            {Fine, "", ""},
		"replaced, pipelines": {Warning, auth.CodeBotStale, "shop.p00, shop.p01"},
	} {
		c := got[name]
		if c.Status != want.status || c.Code != want.code || !strings.Contains(c.Detail, want.detail) || (c.Remedy == "") != (want.status == Fine) {
			t.Errorf("%s: %+v", name, c)
		}
	}
	if d := got["replaced, pipelines"].Detail; !strings.HasSuffix(d, "and 5 more") || strings.Contains(d, "p20") {
		t.Errorf("many pipelines: %s", d)
	}
	if report.Status != Warning || report.ExitStatus() != 1 {
		t.Errorf("%s, %d", report.Status, report.ExitStatus())
	}
	p.Bots = func(context.Context) ([]Bot, error) { return nil, errors.New("down") }
	if report := Examine(t.Context(), p, AreaBots); report.Status != Warning {
		t.Errorf("bots that cannot be read: %+v", report)
	}
}
