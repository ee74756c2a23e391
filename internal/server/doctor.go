package server

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/url"
	"os"
	"slices"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/api"
	"github.com/catalpa-metadata/catalpa/internal/auth"
	"github.com/catalpa-metadata/catalpa/internal/config"
	"github.com/catalpa-metadata/catalpa/internal/doctor"
	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/outbound"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// Doctor examines a data directory that a server uses or not. Settings that would
// not be accepted are part of the report. Where no catalog is yet, the configuration
// and the provider are examined alone.
func Doctor(ctx context.Context, cfg *config.Config, findings config.Findings, reload Reload, areas ...string) (report doctor.Report, err error) {
	findings = append(findings, asServed(cfg, GuardKey(cfg))...)
	if err := keyOptions(cfg).CheckFiles(); err != nil {
		return unopened(ctx, cfg, findings, err), nil
	}
	if hasCatalog(cfg) != nil {
		if len(areas) == 0 {
			areas = []string{doctor.AreaConfiguration, doctor.AreaProvider}
		}
		return onScratch(ctx, cfg, func(scratch *config.Config) (doctor.Report, error) {
			return examine(ctx, scratch, findings, reload, areas)
		})
	}
	report, err = examine(ctx, cfg, findings, reload, areas)
	if err == nil || ctx.Err() != nil {
		return report, err
	}
	return unopened(ctx, cfg, findings, err), nil
}

// unopened examines a data directory that cannot be opened: the reason, and what can be
// seen from outside.
func unopened(ctx context.Context, cfg *config.Config, findings config.Findings, err error) doctor.Report {
	patient := doctor.Patient{Config: cfg, Findings: findings}
	return doctor.Examine(ctx, patient, doctor.AreaConfiguration, doctor.AreaData).With(doctor.Check{
		Area: doctor.AreaData, Name: "opening it", Status: doctor.Wrong, Detail: "the server cannot use the data directory: " + err.Error(),
		Remedy: "mend this first; bots, keys and provider are examined then",
	})
}

// onScratch works on an empty data directory that is removed afterwards.
func onScratch(ctx context.Context, cfg *config.Config, work func(*config.Config) (doctor.Report, error)) (doctor.Report, error) {
	dir, err := os.MkdirTemp("", "catalpa-doctor-")
	if err != nil {
		return doctor.Report{}, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	scratch := *cfg
	scratch.DataDir, scratch.Database = dir, config.Database{Engine: config.EngineEmbedded}
	a, err := assemble(ctx, &scratch, quiet(), false)
	if err != nil {
		return doctor.Report{}, err
	}
	if err := a.close(ctx); err != nil {
		return doctor.Report{}, err
	}
	return work(&scratch)
}

func quiet() *slog.Logger { return slog.New(slog.DiscardHandler) }

func examine(ctx context.Context, cfg *config.Config, findings config.Findings, reload Reload, areas []string) (report doctor.Report, err error) {
	err = onDataDir(ctx, cfg, false, func(a *assembly) error {
		usable, err := a.usableSignOn(ctx, reload)
		if err != nil {
			return err
		}
		patient := a.patient()
		if usable == nil {
			patient.Findings = append(findings.Errors(), a.signOn.Findings()...)
		} else {
			patient.Config, patient.Findings = cfg, append(findings, usable.Findings...)
		}
		report = doctor.Examine(ctx, patient, areas...)
		return nil
	})
	return report, err
}

// usableSignOn puts the sign-on settings in force; settings that are refused are
// returned instead.
func (a *assembly) usableSignOn(ctx context.Context, reload Reload) (*config.Refused, error) {
	err := a.openSignOn(ctx, reload, quiet())
	var refused *config.Refused
	if errors.As(err, &refused) {
		return refused, nil
	}
	return nil, err
}

// Code is what a code of signing in means, and what to do about it.
type Code = api.CodeText

// Codes lists all codes of signing in.
func Codes() []Code { return api.Codes() }

// ExplainToken tells what a token says and why it is taken or refused.
func ExplainToken(ctx context.Context, cfg *config.Config, reload Reload, token string) (e auth.Explanation, err error) {
	err = onDataDir(ctx, cfg, false, func(a *assembly) error {
		// Without settings that can be used the own tokens are explained still.
		if _, err := a.usableSignOn(ctx, reload); err != nil {
			return err
		}
		e = a.auth.Explain(ctx, token)
		return nil
	})
	return e, err
}

// checkup examines the running server.
func (a *assembly) checkup(ctx context.Context, areas ...string) doctor.Report {
	return doctor.Examine(ctx, a.patient(), areas...)
}

func (a *assembly) patient() doctor.Patient {
	p := doctor.Patient{Keys: a.keys, Bots: a.bots, DefaultAdmin: a.defaultAdmin, Settings: a.signOn}
	if a.log != nil {
		p.Recording = func() (audit, log time.Time) { return a.auth.AuditFailing(), a.log.since() }
	}
	if a.signOn != nil {
		p.Config, p.Findings = a.signOn.Config(), append(a.acceptedAtStart(), a.signOn.Findings()...)
		p.Way = a.wayHere(p.Config)
	}
	return p
}

// wayHere lets the doctor ask the server by the address that browsers know, if there is
// one. Private addresses may be asked where the operator named it: an administrator
// must not learn from the doctor which of them answer.
func (a *assembly) wayHere(cfg *config.Config) *doctor.Way {
	address := publicURL(cfg)
	at, err := url.Parse(address)
	if address == "" || err != nil {
		return nil
	}
	allow := slices.Clone(cfg.Server.OutboundAllow)
	if operator := a.log == nil; operator || !cfg.Saved(serverURLSetting) {
		allow = append(allow, at.Hostname())
	}
	client := outbound.New(outbound.Options{Allow: allow, Development: cfg.Mode == config.Development, NoRedirects: true})
	return &doctor.Way{Address: address, Client: client, Question: a.auth.Question}
}

// acceptedAtStart are findings that only showed while starting.
func (a *assembly) acceptedAtStart() config.Findings {
	var accepted config.Findings
	for _, f := range a.guarded {
		if f.Accepted && f.Code != config.CodeDefaultAccount { // which the doctor finds by itself
			accepted = append(accepted, f)
		}
	}
	return accepted
}

// accepted is all that the server would not have started with, had the operator not
// accepted it.
func (a *assembly) accepted() []doctor.Check {
	var accepted config.Findings
	for _, f := range slices.Concat(a.guarded, a.signOn.Findings()) {
		if f.Accepted {
			accepted = append(accepted, f)
		}
	}
	return doctor.OfFindings(accepted)
}

// defaultAdmin tells whether the account that everybody tries first has a password.
func (a *assembly) defaultAdmin(ctx context.Context) (name string, has bool, err error) {
	user, err := a.people().ByName(ctx, defaultAdmin)
	if err != nil || user.Deleted {
		if entity.KindOf(err) == entity.KindNotFound {
			err = nil
		}
		return defaultAdmin, false, err
	}
	has, err = a.auth.HasPassword(ctx, user.ID)
	return defaultAdmin, has, err
}

// pipelinesBehind names the pipelines, by bot's user, that last ran with a token which
// is not among the live ones any more, or will soon not be.
func (a *assembly) pipelinesBehind(ctx context.Context, tokens map[entity.ID][]auth.BotToken) (map[entity.ID][]string, error) {
	uses, err := a.auth.PipelineUses(ctx)
	if err != nil {
		return nil, err
	}
	users := map[entity.ID][]entity.ID{} // by pipeline
	for user, list := range uses {
		for _, use := range list {
			current := slices.ContainsFunc(tokens[user], func(t auth.BotToken) bool { return t.ID == use.Token && !t.Replaced })
			if !current {
				users[use.Pipeline] = append(users[use.Pipeline], user)
			}
		}
	}
	behind := map[entity.ID][]string{}
	for chunk := range slices.Chunk(slices.Collect(maps.Keys(users)), botPage) {
		err := a.store.View(ctx, func(r store.Reader) error {
			rows, err := r.Entities(ctx, chunk)
			for _, row := range rows {
				for _, user := range users[row.ID] {
					if !row.Deleted {
						behind[user] = append(behind[user], row.FQN)
					}
				}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	for _, names := range behind {
		slices.Sort(names)
	}
	return behind, nil
}

// botPage is how many bots are read at once.
const botPage = 500

// bots lists all bots with their live tokens.
func (a *assembly) bots(ctx context.Context) ([]doctor.Bot, error) {
	tokens, err := a.auth.BotTokens(ctx)
	if err != nil {
		return nil, err
	}
	behind, err := a.pipelinesBehind(ctx, tokens)
	if err != nil {
		return nil, err
	}
	var out []doctor.Bot
	after := ""
	for {
		var rows []store.Row
		var users map[entity.ID]entity.ID // of bots
		err := a.store.View(ctx, func(r store.Reader) error {
			var err error
			if rows, err = r.List(ctx, store.ListQuery{Type: "bot", Include: store.NonDeleted, After: after, Limit: botPage}); err != nil {
				return err
			}
			ids := make([]entity.ID, len(rows))
			for i, row := range rows {
				ids[i] = row.ID
			}
			relations, err := r.RelationsTo(ctx, ids, "botUser")
			users = make(map[entity.ID]entity.ID, len(relations))
			for _, rel := range relations {
				users[rel.To] = rel.From
			}
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, row := range rows {
			bot := doctor.Bot{Name: row.Name}
			if user, ok := users[row.ID]; ok {
				bot.Tokens, bot.Behind = tokens[user], behind[user]
			}
			out = append(out, bot)
		}
		if len(rows) < botPage {
			return out, nil
		}
		after = rows[len(rows)-1].FQN
	}
}
