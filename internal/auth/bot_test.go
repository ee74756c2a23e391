package auth

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/entity"
	"github.com/catalpa-metadata/catalpa/internal/store"
	"github.com/catalpa-metadata/catalpa/internal/store/sqlite"
)

func TestBotTokenLifecycle(t *testing.T) {
	f := newFixture(t)
	by := entity.Principal{UserID: f.admin.ID, Name: "admin", IsAdmin: true, TokenType: TypeUser}
	f.clock.Advance(time.Second)
	first, second := f.botToken(), f.botToken()
	if first.ID == second.ID || first.Token == second.Token {
		t.Fatal("two tokens are one")
	}
	for _, token := range []string{first.Token, second.Token} {
		_, err := f.use(token)
		must(t, err)
	}
	infos, err := f.BotTokenInfo(f.ctx, f.bot.ID)
	must(t, err)
	if len(infos) != 2 || infos[0].Expiry != ExpireOneHour || !infos[0].Expires.Equal(f.clock.Now().Add(time.Hour)) {
		t.Errorf("info %+v", infos)
	}

	f.clock.Advance(time.Second)
	third, err := f.IssueBotToken(f.ctx, by, f.bot.ID, ExpireThirtyDays)
	must(t, err)
	for _, token := range []string{first.Token, second.Token} {
		_, err := f.use(token)
		wantCode(t, err, CodeBotStale)
	}
	_, err = f.use(third.Token)
	must(t, err)

	f.opts.RotationOverlap = time.Hour
	fourth, err := f.IssueBotToken(f.ctx, by, f.bot.ID, ExpireThirtyDays)
	must(t, err)
	f.clock.Advance(59 * time.Minute)
	_, err = f.use(third.Token)
	must(t, err)
	f.clock.Advance(time.Minute)
	_, err = f.use(third.Token)
	wantCode(t, err, CodeBotStale)
	_, err = f.use(fourth.Token)
	must(t, err)

	revoked, err := f.RevokeBotTokens(f.ctx, by, f.bot.ID)
	must(t, err)
	if revoked != 1 {
		t.Errorf("%d live tokens revoked, want 1", revoked)
	}
	_, err = f.use(fourth.Token)
	wantCode(t, err, CodeBotStale)

	var actions []string
	entries, err := f.Audit(f.ctx, 100)
	must(t, err)
	for _, e := range entries {
		actions = append(actions, e.Action+" "+e.By)
	}
	want := []string{
		"botTokensRevoked admin", "botTokenIssued admin", "botTokenIssued admin", "botTokenIssued admin", "botTokenIssued admin", "passwordChanged admin",
	}
	if diff := cmp.Diff(want, actions); diff != "" {
		t.Error(diff)
	}
}

func TestExpiries(t *testing.T) {
	for expiry, want := range map[Expiry]time.Duration{
		ExpireOneHour: time.Hour, ExpireOneDay: 24 * time.Hour, ExpireSevenDays: 7 * 24 * time.Hour, ExpireThirtyDays: 30 * 24 * time.Hour,
		ExpireSixtyDays: 60 * 24 * time.Hour, ExpireNinetyDays: 90 * 24 * time.Hour, "": 90 * 24 * time.Hour,
	} {
		f := newFixture(t)
		issued, err := f.AddBotToken(f.ctx, entity.System(), f.bot.ID, expiry)
		must(t, err)
		f.clock.Advance(want - time.Second)
		_, err = f.use(issued.Token)
		must(t, err)
		f.clock.Advance(time.Second)
		if _, err = f.use(issued.Token); err == nil {
			t.Errorf("%q: still good after %v", expiry, want)
		}
	}
	f := newFixture(t)
	if _, err := f.AddBotToken(f.ctx, entity.System(), f.bot.ID, "2"); entity.KindOf(err) != entity.KindBadRequest {
		t.Errorf("expiry 2: %v", err)
	}
}

func TestUnlimitedBotTokens(t *testing.T) {
	f := newFixture(t)
	_, err := f.AddBotToken(f.ctx, entity.System(), f.bot.ID, ExpireNever)
	wantCode(t, err, CodeUnlimited)

	f = newFixture(t, func(o *Options) { o.AllowUnlimitedBotTokens = true })
	issued, err := f.AddBotToken(f.ctx, entity.System(), f.bot.ID, ExpireNever)
	must(t, err)
	if payload := f.payload(issued.Token, nil); strings.Contains(payload, `"exp"`) {
		t.Errorf("payload %s", payload)
	}
	f.clock.Advance(20 * 365 * 24 * time.Hour)
	_, err = f.use(issued.Token)
	must(t, err)
	_, err = f.RevokeBotTokens(f.ctx, entity.System(), f.bot.ID)
	must(t, err)
	_, err = f.use(issued.Token)
	wantCode(t, err, CodeBotStale)
}

func TestBotTokensAreForBots(t *testing.T) {
	f := newFixture(t)
	if _, err := f.AddBotToken(f.ctx, entity.System(), f.ann.ID, ExpireOneDay); entity.KindOf(err) != entity.KindBadRequest {
		t.Errorf("for a person: %v", err)
	}
	if _, err := f.AddBotToken(f.ctx, entity.System(), entity.NewID(), ExpireOneDay); entity.KindOf(err) != entity.KindNotFound {
		t.Errorf("for nobody: %v", err)
	}
	gone := f.bot
	gone.Deleted = true
	f.setUser(gone, gone.ID)
	if _, err := f.AddBotToken(f.ctx, entity.System(), f.bot.ID, ExpireOneDay); entity.KindOf(err) != entity.KindNotFound {
		t.Errorf("for a deleted bot: %v", err)
	}
}

// TestBotsCannotManageCredentials holds whatever policy says.
func TestBotsCannotManageCredentials(t *testing.T) {
	f := newFixture(t)
	bot, err := f.use(f.botToken().Token)
	must(t, err)
	bot.IsAdmin = true
	for name, do := range map[string]func() error{
		"issue":           func() error { _, err := f.IssueBotToken(f.ctx, bot, f.bot.ID, ExpireOneDay); return err },
		"add":             func() error { _, err := f.AddBotToken(f.ctx, bot, f.bot.ID, ExpireOneDay); return err },
		"revoke":          func() error { _, err := f.RevokeBotTokens(f.ctx, bot, f.bot.ID); return err },
		"reveal":          func() error { _, err := f.RevealBotToken(f.ctx, bot, f.bot.ID); return err },
		"create personal": func() error { _, err := f.CreatePersonalToken(f.ctx, bot, "x", ExpireOneDay); return err },
		"revoke personal": func() error { _, err := f.RevokePersonalTokens(f.ctx, bot, f.ann.ID); return err },
		"set password":    func() error { return f.SetPassword(f.ctx, bot, f.ann.ID, nextPassword, false) },
		"change password": func() error { return f.ChangePassword(f.ctx, bot, goodPassword, nextPassword) },
		"log out":         func() error { return f.Logout(f.ctx, bot) },
		"end sessions":    func() error { _, err := f.EndSessions(f.ctx, bot, f.ann.ID); return err },
	} {
		err := do()
		wantCode(t, err, CodeType)
		if entity.KindOf(err) != entity.KindForbidden {
			t.Errorf("%s: kind %d, want forbidden", name, entity.KindOf(err))
		}
	}
}

// command is a second Service with a connection of its own to the database, the
// way the command line works beside the server.
func (f *fixture) command() *Service {
	f.t.Helper()
	db, err := sqlite.Open(f.ctx, filepath.Join(f.dir, "catalpa.db"), sqlite.Options{})
	must(f.t, err)
	f.t.Cleanup(func() { _ = db.Close() })
	options := f.options
	options.Store, options.Issuer = db, ""
	command, err := New(f.ctx, options)
	must(f.t, err)
	return command
}

// TestRevocationElsewhereCountsWithinASecond advances the clock, not the time: the
// bound must hold even if the store gives no notice.
func TestRevocationElsewhereCountsWithinASecond(t *testing.T) {
	f := newFixture(t)
	token := f.botToken().Token
	person := f.mustLogin()
	_, err := f.use(token)
	must(t, err)
	p, err := f.use(person.AccessToken)
	must(t, err)
	command := f.command()
	_, err = command.RevokeBotTokens(f.ctx, entity.System(), f.bot.ID)
	must(t, err)
	must(t, command.Logout(f.ctx, p))
	f.clock.Advance(time.Second)
	_, err = f.use(token)
	wantCode(t, err, CodeBotStale)
	_, err = f.use(person.AccessToken)
	wantCode(t, err, CodeRevoked)
	_, err = f.Refresh(f.ctx, person.RefreshToken)
	wantCode(t, err, CodeRefresh)
}

// The caller of a command uses its token without waiting, and those in use go on.
func TestFreshTokenOfTheCommandWorksAtOnce(t *testing.T) {
	f := newFixture(t)
	first := f.botToken().Token
	_, err := f.use(first)
	must(t, err)
	command := f.command()
	for range 3 {
		added, err := command.AddBotToken(f.ctx, entity.System(), f.bot.ID, ExpireOneDay)
		must(t, err)
		if _, err = f.use(added.Token); err != nil {
			t.Errorf("a token made elsewhere in this moment: %v", err)
		}
	}
	_, err = f.use(first)
	must(t, err)
}

func TestPasswordResetByTheCommand(t *testing.T) {
	f := newFixture(t)
	person := f.mustLogin().AccessToken
	_, err := f.use(person)
	must(t, err)
	_, plain, err := f.command().ResetPassword(f.ctx, entity.System(), "ann")
	must(t, err)
	_, err = f.login("ann", goodPassword, "a")
	wantCode(t, err, CodeLogin)
	_, err = f.login("ann", plain, "b")
	must(t, err)
	f.clock.Advance(time.Second)
	_, err = f.use(person)
	wantCode(t, err, CodeRevoked)
}

func TestTooManyTokensAreRefused(t *testing.T) {
	f := newFixture(t)
	now := f.clock.Now().UnixMilli()
	must(t, f.db.Update(f.ctx, func(tx store.Tx) error {
		for range maxCredentials {
			c := &credential{Created: now, Expires: now + 5000}
			if err := putCredential(f.ctx, tx, f.bot.ID, prefixBot+randomID(), c); err != nil {
				return err
			}
		}
		return nil
	}))
	if _, err := f.AddBotToken(f.ctx, entity.System(), f.bot.ID, ExpireOneDay); entity.KindOf(err) != entity.KindConflict {
		t.Errorf("one more: %v", err)
	}
	f.clock.Advance(5 * time.Second)
	f.botToken()
	infos, err := f.BotTokenInfo(f.ctx, f.bot.ID)
	must(t, err)
	if len(infos) != 1 {
		t.Errorf("%d tokens left, want the new one", len(infos))
	}
}

func TestRevealBotToken(t *testing.T) {
	f := newFixture(t)
	f.botToken()
	if _, err := f.RevealBotToken(f.ctx, entity.System(), f.bot.ID); entity.KindOf(err) != entity.KindNotFound {
		t.Errorf("without a copy: %v", err)
	}
	f = newFixture(t, func(o *Options) { o.RevealBotTokens = true })
	f.clock.Advance(time.Second)
	issued := f.botToken()
	f.clock.Advance(time.Second)
	shown, err := f.RevealBotToken(f.ctx, entity.System(), f.bot.ID)
	must(t, err)
	if shown.Token != issued.Token {
		t.Error("another token was shown")
	}
	entries, err := f.Audit(f.ctx, 1)
	must(t, err)
	if entries[0].Action != "botTokenRevealed" || entries[0].TokenID != issued.ID {
		t.Errorf("audit %+v", entries[0])
	}
	f.searchForSecrets(issued.Token)
}

func TestPersonalTokens(t *testing.T) {
	f := newFixture(t)
	ann, err := f.use(f.mustLogin().AccessToken)
	must(t, err)
	issued, err := f.CreatePersonalToken(f.ctx, ann, " laptop ", ExpireSevenDays)
	must(t, err)
	other, err := f.CreatePersonalToken(f.ctx, ann, "script", ExpireOneDay)
	must(t, err)
	for _, name := range []string{"", "  ", strings.Repeat("n", 129)} {
		if _, err := f.CreatePersonalToken(f.ctx, ann, name, ExpireOneDay); entity.KindOf(err) != entity.KindBadRequest {
			t.Errorf("name %.10q: %v", name, err)
		}
	}
	p, err := f.use(issued.Token)
	must(t, err)
	if diff := cmp.Diff(entity.Principal{UserID: f.ann.ID, Name: "ann", TokenType: TypePersonal, TokenID: issued.ID}, p); diff != "" {
		t.Error(diff)
	}
	_, err = f.CreatePersonalToken(f.ctx, p, "grandchild", ExpireOneDay)
	wantCode(t, err, CodeType)

	f.writes.Wait() // the last use is written beside the request
	list, err := f.PersonalTokens(f.ctx, f.ann.ID)
	must(t, err)
	if len(list) != 2 {
		t.Fatalf("list %+v", list)
	}
	for _, entry := range list {
		used := !entry.Used.IsZero()
		if used != (entry.ID == issued.ID) || used && !entry.Used.Equal(f.clock.Now().Truncate(time.Hour)) {
			t.Errorf("%s used %v", entry.Name, entry.Used)
		}
	}
	n, err := f.RevokePersonalTokens(f.ctx, ann, f.ann.ID, issued.ID, "unknown")
	must(t, err)
	if n != 1 {
		t.Errorf("%d revoked, want 1", n)
	}
	_, err = f.use(issued.Token)
	wantCode(t, err, CodeRevoked)
	_, err = f.use(other.Token)
	must(t, err)
	_, err = f.RevokePersonalTokens(f.ctx, ann, f.ann.ID)
	must(t, err)
	_, err = f.use(other.Token)
	wantCode(t, err, CodeRevoked)
}

// searchForSecrets looks into every file of the data directory and into the log.
func (f *fixture) searchForSecrets(secrets ...string) {
	f.t.Helper()
	must(f.t, f.Close(f.ctx))
	files, err := os.ReadDir(f.dir)
	must(f.t, err)
	texts := map[string][]byte{"the log": []byte(f.logs.String())}
	for _, file := range files {
		if file.Type().IsRegular() && file.Name() != FirstPasswordFile {
			data, err := os.ReadFile(filepath.Join(f.dir, file.Name()))
			must(f.t, err)
			texts[file.Name()] = data
		}
	}
	if len(texts) < 3 {
		f.t.Fatalf("only %d texts to search", len(texts))
	}
	for name, text := range texts {
		for i, secret := range secrets {
			if bytes.Contains(text, []byte(secret)) {
				f.t.Errorf("secret %d is in %s", i, name)
			}
		}
	}
}

func TestNoSecretIsKeptOrLogged(t *testing.T) {
	f := newFixture(t)
	bot := f.botToken()
	tokens := f.mustLogin()
	p, err := f.use(tokens.AccessToken)
	must(t, err)
	personal, err := f.CreatePersonalToken(f.ctx, p, "laptop", ExpireOneDay)
	must(t, err)
	next, err := f.Refresh(f.ctx, tokens.RefreshToken)
	must(t, err)
	_, err = f.use(bot.Token + "x")
	wantCode(t, err, CodeFormat)
	const wrong = "Wrong-Guess-1-Canary"
	_, err = f.login("ann", wrong, "192.0.2.9")
	wantCode(t, err, CodeLogin)
	must(t, f.ChangePassword(f.ctx, p, goodPassword, nextPassword))
	signature := func(token string) string { return token[strings.LastIndex(token, ".")+1:] }
	f.searchForSecrets(
		bot.Token, signature(bot.Token), tokens.AccessToken, signature(tokens.AccessToken), signature(next.AccessToken),
		tokens.RefreshToken, next.RefreshToken, next.RefreshToken[len(next.RefreshToken)-40:],
		personal.Token, signature(personal.Token), goodPassword, nextPassword, wrong,
	)
	if !strings.Contains(f.logs.String(), CodeFormat) {
		t.Error("the log says nothing of the refusal; the search above proves little")
	}
}
