package server

import (
	"net/http"
	"testing"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// robot is a bot with its user.
type robot struct{ bot, user string }

// makeRobot makes a user for a bot, and the bot.
func (c *tester) makeRobot(name string) robot {
	c.t.Helper()
	user := c.want(http.StatusCreated, c.admin, http.MethodPost, "/users", map[string]any{"name": name, "email": name + "@example.com", "isBot": true})
	bot := c.want(http.StatusCreated, c.admin, http.MethodPost, "/bots", map[string]string{"name": name, "botUser": name})
	return robot{bot: bot.text("id"), user: user.text("id")}
}

// token makes a token for a bot's user, which works.
func (c *tester) token(r robot) string {
	c.t.Helper()
	made := c.want(http.StatusOK, c.admin, http.MethodPut, "/users/generateToken/"+r.user, map[string]string{"JWTTokenExpiry": "OneHour"}).text("JWTToken")
	c.secrets = append(c.secrets, made)
	c.works("a token made just now", made, r)
	return made
}

func (c *tester) works(what, token string, r robot) {
	c.t.Helper()
	if got := c.want(http.StatusOK, token, http.MethodGet, "/users/loggedInUser", nil); got.text("id") != r.user {
		c.t.Errorf("T59: %s speaks for %s, want the user %s", what, got.text("id"), r.user)
	}
}

// refuses wants a token refused with the code: read or write, it changes nothing, and
// each refusal is one entry of the trail.
func (c *tester) refuses(what, token, code string) {
	c.t.Helper()
	const planted = "/services/databaseServices"
	before := c.trail(code, "")
	for _, attempt := range []reply{
		c.call(token, http.MethodGet, "/users/loggedInUser", nil),
		c.call(token, http.MethodPut, planted, map[string]string{"name": "planted", "serviceType": "Mysql"}),
	} {
		if attempt.status != http.StatusUnauthorized || attempt.code != code || attempt.text("hint") == "" {
			c.t.Errorf("T59: %s is answered %d %s, want 401 %s with what to do: %.300s", what, attempt.status, attempt.code, code, attempt.body)
		}
	}
	if got := c.trail(code, "") - before; got != 2 {
		c.t.Errorf("T59: %s: two refusals are %d entries of the trail", what, got)
	}
	c.want(http.StatusNotFound, c.admin, http.MethodGet, planted+"/name/planted", nil)
}

// TestT59BotDeletedRestoredRenamed: a token counts for the bot it was made for, while
// that is there. What went with a bot does not come back with it.
func TestT59BotDeletedRestoredRenamed(t *testing.T) {
	t.Parallel()
	c := startLoud(t)
	r := c.makeRobot("harvester")

	// Deleted and restored, the bot or its user, by either way back.
	for _, step := range []struct {
		what, path, id, back string
		body                 map[string]string
	}{
		{"the bot", "/bots/", r.bot, "/bots/restore", map[string]string{"id": r.bot}},
		{"the bot's user", "/users/", r.user, "/users/restore", map[string]string{"id": r.user}},
		{"the bot, put again", "/bots/", r.bot, "/bots", map[string]string{"name": "harvester", "botUser": "harvester"}},
	} {
		old, ended := c.token(r), c.trail("", "credentialsEnded")
		c.want(http.StatusOK, c.admin, http.MethodDelete, step.path+step.id, nil)
		c.refuses(step.what+" is deleted: its token", old, auth.CodeBotGone)
		if got := c.trail("", "credentialsEnded") - ended; got != 1 {
			t.Errorf("T59: %s is deleted: %d entries of the trail say that its token ended, want one", step.what, got)
		}
		c.want(http.StatusOK, c.admin, http.MethodPut, step.back, step.body)
		c.refuses(step.what+" is restored: the token from before", old, auth.CodeBotStale)
		fresh := c.token(r)
		c.refuses("beside a new token, the one from before", old, auth.CodeBotStale)
		c.works("the new token of a restored bot", fresh, r)
	}

	// Names stay what they are, also those of bots; titles change. A token goes on.
	token := c.token(r)
	for _, path := range []string{"/bots/" + r.bot, "/users/" + r.user} {
		renamed := c.want(http.StatusOK, c.admin, http.MethodPatch, path, `[{"op":"replace","path":"/name","value":"reaper"},{"op":"add","path":"/displayName","value":"Reaper"}]`)
		if name, title := renamed.text("name"), renamed.text("displayName"); name != "harvester" || title != "Reaper" {
			t.Errorf("T59: %s is called %q with the title %q after renaming", path, name, title)
		}
		c.works("the token of a bot with a new title", token, r)
	}
	// Under another name it is another user: the former one's tokens end.
	other := c.want(http.StatusCreated, c.admin, http.MethodPost, "/users", map[string]any{"name": "reaper", "email": "reaper@example.com", "isBot": true}).text("id")
	c.want(http.StatusOK, c.admin, http.MethodPatch, "/bots/"+r.bot, `[{"op":"replace","path":"/botUser","value":{"id":"`+other+`","type":"user"}}]`)
	c.refuses("the bot has another user: the former one's token", token, auth.CodeBotGone)
	r.user = other

	// Deleted for good; what comes under the same name is something else.
	token = c.token(r)
	c.want(http.StatusOK, c.admin, http.MethodDelete, "/bots/"+r.bot+"?hardDelete=true", nil)
	c.refuses("the bot is deleted for good: its token", token, auth.CodeBotGone)
	c.want(http.StatusCreated, c.admin, http.MethodPost, "/bots", map[string]string{"name": "harvester", "botUser": "reaper"})
	c.refuses("a bot of the same name and user: the former bot's token", token, auth.CodeBotStale)
	token = c.token(r)
	c.want(http.StatusOK, c.admin, http.MethodDelete, "/users/"+r.user+"?hardDelete=true", nil)
	c.refuses("the bot's user is deleted for good: its token", token, auth.CodeBotGone)
	again := c.makeRobot("reaper")
	c.token(again)
	// This server remembers whom the token was for; one that does not finds the name.
	c.refuses("a bot and user of the same name: the former user's token", token, auth.CodeBotGone)

	// The token of an older generation, by replacing and by revoking.
	token = c.token(again)
	fresh := c.token(again)
	c.refuses("a token that was replaced", token, auth.CodeBotStale)
	c.works("the token that replaced it", fresh, again)
	c.want(http.StatusOK, c.admin, http.MethodPut, "/users/revokeToken", map[string]string{"id": again.user})
	c.refuses("a token that was revoked", fresh, auth.CodeBotStale)
	c.quiet()
}
