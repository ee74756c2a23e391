package auth

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
)

// TestOnlyPeopleWhoSignedIn: tokens of bots and personal tokens can neither sign
// out nor make further tokens.
func TestOnlyPeopleWhoSignedIn(t *testing.T) {
	f := newFixture(t)
	ann, err := f.use(f.mustLogin().AccessToken)
	must(t, err)
	personal, err := f.CreatePersonalToken(f.ctx, ann, "script", ExpireOneDay)
	must(t, err)
	for what, token := range map[string]string{"bot": f.botToken().Token, "personal": personal.Token} {
		p, err := f.use(token)
		must(t, err)
		wantCode(t, f.Logout(f.ctx, p), CodeType)
		_, err = f.CreatePersonalToken(f.ctx, p, "child", ExpireOneDay)
		wantCode(t, err, CodeType)
		if _, err := f.use(token); err != nil {
			t.Errorf("%s: the refused sign-out ended the token: %v", what, err)
		}
	}
}

func TestSignOutEverywhere(t *testing.T) {
	f := newFixture(t)
	first, second := f.mustLogin(), f.mustLogin()
	ann, err := f.use(first.AccessToken)
	must(t, err)
	personal, err := f.CreatePersonalToken(f.ctx, ann, "script", ExpireOneDay)
	must(t, err)

	bot, err := f.use(f.botToken().Token)
	must(t, err)
	if _, err := f.EndSessions(f.ctx, bot, f.ann.ID); entity.KindOf(err) != entity.KindForbidden {
		t.Errorf("a bot: %v", err)
	}
	if _, err := f.EndSessions(f.ctx, entity.System(), entity.NewID()); entity.KindOf(err) != entity.KindNotFound {
		t.Errorf("an unknown user: %v", err)
	}
	_, err = f.use(first.AccessToken)
	must(t, err)

	n, err := f.EndSessions(f.ctx, ann, f.ann.ID)
	must(t, err)
	if n != 2 {
		t.Errorf("%d sessions ended, want 2", n)
	}
	for _, tokens := range []Tokens{first, second} {
		_, err = f.use(tokens.AccessToken)
		wantCode(t, err, CodeRevoked)
		_, err = f.Refresh(f.ctx, tokens.RefreshToken)
		wantCode(t, err, CodeRefresh)
	}
	if _, err := f.use(personal.Token); err != nil {
		t.Errorf("the personal token ended as well: %v", err)
	}
	if n, err := f.EndSessions(f.ctx, ann, f.ann.ID); n != 0 || err != nil {
		t.Errorf("again: %d, %v", n, err)
	}
	entries, err := f.Audit(f.ctx, 10)
	must(t, err)
	var counts []int
	for _, e := range entries {
		if e.Action == "signOutEverywhere" && e.User == "ann" && e.By == "ann" {
			counts = append(counts, e.Count)
		}
	}
	if len(counts) != 2 || counts[0]+counts[1] != 2 {
		t.Errorf("audited %v, want 2 and 0", counts)
	}
}

func TestPersonalTokensNewestFirst(t *testing.T) {
	f := newFixture(t)
	ann, err := f.use(f.mustLogin().AccessToken)
	must(t, err)
	names := func() (list []string) {
		tokens, err := f.PersonalTokens(f.ctx, f.ann.ID)
		must(t, err)
		for _, token := range tokens {
			list = append(list, token.Name)
		}
		return list
	}
	if got := names(); len(got) != 0 {
		t.Errorf("before the first: %v", got)
	}
	for _, one := range []struct {
		name   string
		expiry Expiry
	}{{"short", ExpireOneHour}, {"day", ExpireOneDay}, {"week", ExpireSevenDays}} {
		_, err := f.CreatePersonalToken(f.ctx, ann, one.name, one.expiry)
		must(t, err)
		f.clock.Advance(time.Minute)
	}
	if diff := cmp.Diff([]string{"week", "day", "short"}, names()); diff != "" {
		t.Error(diff)
	}
	f.clock.Advance(time.Hour)
	if diff := cmp.Diff([]string{"week", "day"}, names()); diff != "" {
		t.Error("what has expired is no longer listed:", diff)
	}
}

func TestTooManyPersonalTokens(t *testing.T) {
	f := newFixture(t)
	ann, err := f.use(f.mustLogin().AccessToken)
	must(t, err)
	now := f.clock.Now().UnixMilli()
	must(t, f.db.Update(f.ctx, func(tx store.Tx) error {
		for range maxCredentials {
			if err := putCredential(f.ctx, tx, f.ann.ID, prefixPersonal+randomID(), &credential{Created: now}); err != nil {
				return err
			}
		}
		return nil
	}))
	if _, err := f.CreatePersonalToken(f.ctx, ann, "one more", ExpireOneDay); entity.KindOf(err) != entity.KindConflict {
		t.Errorf("got %v, want KindConflict", err)
	}
	n, err := f.RevokePersonalTokens(f.ctx, ann, f.ann.ID)
	must(t, err)
	if n != maxCredentials {
		t.Errorf("%d revoked, want %d", n, maxCredentials)
	}
	_, err = f.CreatePersonalToken(f.ctx, ann, "one more", ExpireOneDay)
	must(t, err)
}

func TestRevokingForStrangers(t *testing.T) {
	f := newFixture(t)
	bot, err := f.use(f.botToken().Token)
	must(t, err)
	if _, err := f.RevokePersonalTokens(f.ctx, bot, f.ann.ID); entity.KindOf(err) != entity.KindForbidden {
		t.Errorf("a bot: %v", err)
	}
	if _, err := f.RevokePersonalTokens(f.ctx, entity.System(), entity.NewID()); entity.KindOf(err) != entity.KindNotFound {
		t.Errorf("an unknown user: %v", err)
	}
	gone := f.ann
	gone.Deleted = true
	ann, err := f.use(f.mustLogin().AccessToken)
	must(t, err)
	f.setUser(gone, f.ann.ID)
	if issued, err := f.CreatePersonalToken(f.ctx, ann, "late", ExpireOneDay); err == nil {
		t.Errorf("a deleted user made the token %s", issued.ID)
	}
}

// TestRulesForPasswords checks without changing anything.
func TestRulesForPasswords(t *testing.T) {
	f := newFixture(t)
	for plain, sound := range map[string]bool{goodPassword: true, "": false, "short": false, "ann": false} {
		err := f.CheckPasswordRules(plain, f.ann.Name, f.ann.Email)
		if (err == nil) != sound || !sound && entity.KindOf(err) != entity.KindBadRequest {
			t.Errorf("%q: %v", plain, err)
		}
	}
	f.mustLogin()
}

// TestNothingOfAPersonGoesOnForEver: a token without an end is for bots alone, and for
// them only where the operator allows it.
func TestNothingOfAPersonGoesOnForEver(t *testing.T) {
	f := newFixture(t, func(o *Options) { o.AllowUnlimitedBotTokens = true })
	tokens := f.mustLogin()
	ann, err := f.use(tokens.AccessToken)
	must(t, err)
	_, err = f.CreatePersonalToken(f.ctx, ann, "script", ExpireNever)
	wantCode(t, err, CodeUnlimited)
	personal, err := f.CreatePersonalToken(f.ctx, ann, "script", ExpireOneDay)
	must(t, err)
	for _, token := range []string{tokens.AccessToken, personal.Token} {
		_, err = f.use(f.forge(f.header(), f.payload(token, map[string]any{"exp": nil})))
		wantCode(t, err, CodeFormat)
	}
	// Of a bot it must be on record as it is.
	bot := f.botToken()
	_, err = f.use(f.forge(f.header(), f.payload(bot.Token, map[string]any{"exp": nil})))
	wantCode(t, err, CodeBotStale)
	endless, err := f.AddBotToken(f.ctx, entity.System(), f.bot.ID, ExpireNever)
	must(t, err)
	_, err = f.use(endless.Token)
	must(t, err)
}
