package auth

import (
	"context"
	"errors"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

func TestT42Impersonation(t *testing.T) {
	f := newSignOn(t)
	bot, err := f.use(f.botToken().Token)
	must(t, err)
	yes := func(context.Context, entity.Principal) error { return nil }
	_, err = f.Impersonate(f.ctx, bot, "ann", yes)
	wantCode(t, err, CodeImpersonate) // no flag

	acting := f.bot
	acting.AllowImpersonation = true
	f.setUser(acting, acting.ID)
	gone := User{ID: entity.NewID(), Name: "gone", Email: "gone@example.org", Deleted: true}
	f.setUser(gone, gone.ID)
	var asked entity.Principal
	p, err := f.Impersonate(f.ctx, bot, " Ann ", func(_ context.Context, target entity.Principal) error {
		asked = target
		return nil
	})
	must(t, err)
	want := entity.Principal{UserID: f.ann.ID, Name: "ann", TokenType: TypeBot, TokenID: bot.TokenID, Bot: bot.Name}
	if p != want || asked != want {
		t.Errorf("%+v, policy was asked about %+v, want %+v", p, asked, want)
	}
	if f.audited("actedOnBehalf") != 1 {
		t.Error("the trail does not tell")
	}

	for name, c := range map[string]struct {
		by      entity.Principal
		target  string
		allowed func(context.Context, entity.Principal) error
		kind    entity.Kind
	}{
		"policy says no":   {bot, "ann", func(context.Context, entity.Principal) error { return errors.New("no rule") }, entity.KindForbidden},
		"an admin":         {bot, "admin", yes, entity.KindForbidden},
		"itself":           {bot, "ingestion-bot", yes, entity.KindForbidden},
		"a deleted user":   {bot, "gone", yes, entity.KindNotFound},
		"nobody":           {bot, "nobody", yes, entity.KindNotFound},
		"an empty name":    {bot, "", yes, entity.KindNotFound},
		"a person":         {entity.Principal{UserID: f.ann.ID, TokenType: TypeUser}, "ann", yes, entity.KindForbidden},
		"an admin asks":    {entity.Principal{UserID: f.admin.ID, TokenType: TypeUser, IsAdmin: true}, "ann", yes, entity.KindForbidden},
		"a personal token": {entity.Principal{UserID: f.bot.ID, TokenType: TypePersonal}, "ann", yes, entity.KindForbidden},
		"twice":            {p, "ann", yes, entity.KindForbidden},
	} {
		t.Run("T42 "+name, func(t *testing.T) {
			p, err := f.Impersonate(f.ctx, c.by, c.target, c.allowed)
			if entity.KindOf(err) != c.kind || p != (entity.Principal{}) {
				t.Errorf("%v, %+v", err, p)
			}
		})
	}
	refusals, err := f.Refusals(f.ctx, 100)
	must(t, err)
	if len(refusals) == 0 || refusals[0].Action != "impersonationRefused" {
		t.Errorf("the trail says %+v", refusals)
	}
}
