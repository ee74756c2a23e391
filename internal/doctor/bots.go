package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// soon is how long before its end a token is named.
const soon = 7 * 24 * time.Hour

// bots names tokens that never end, end soon, or are missing.
func (p Patient) bots(ctx context.Context) []Check {
	if p.Bots == nil {
		return nil
	}
	list, err := p.Bots(ctx)
	if err != nil {
		return []Check{{Area: AreaBots, Name: "bots", Status: Warning, Detail: "the bots could not be read from the store", Remedy: "see the server's log"}}
	}
	now := p.Clock()
	var checks []Check
	for _, bot := range list {
		checks = append(checks, p.bot(bot, now))
		if len(bot.Behind) > 0 {
			checks = append(checks, behind(bot))
		}
	}
	return checks
}

// maxNamed bounds the pipelines that one finding names.
const maxNamed = 20

// behind names pipelines that still have a token from before.
func behind(bot Bot) Check {
	named, more := bot.Behind, ""
	if len(named) > maxNamed {
		named, more = named[:maxNamed], fmt.Sprintf(" and %d more", len(bot.Behind)-maxNamed)
	}
	return Check{
		Area: AreaBots, Name: bot.Name + ", pipelines", Status: Warning, Code: auth.CodeBotStale,
		Detail: "last ran with a token that was replaced or revoked since: " + strings.Join(named, ", ") + more,
		Remedy: "give them the bot's new token and deploy them again; a pipeline is no longer named once it has run with it",
	}
}

func (p Patient) bot(bot Bot, now time.Time) Check {
	c := Check{Area: AreaBots, Name: bot.Name, Status: Fine}
	var last time.Time
	for _, t := range bot.Tokens {
		if t.Expires.IsZero() {
			c.Status, c.Code = Warning, auth.CodeUnlimited
			c.Detail = "has a token that never ends, made " + t.Created.UTC().Format(time.DateOnly)
			c.Remedy = "make a new one with an end: catalpa bot token " + bot.Name
			return c
		}
		if t.Expires.After(last) {
			last = t.Expires
		}
	}
	switch {
	case len(bot.Tokens) == 0:
		c.Detail = "has no token; programs cannot use it until one is made"
	case last.Sub(now) < soon:
		c.Status = Warning
		c.Detail = fmt.Sprintf("its last token ends %s", last.UTC().Format(time.DateOnly))
		c.Remedy = "make a new one and give it to the pipelines: catalpa bot token " + bot.Name
	default:
		c.Detail = fmt.Sprintf("%d token(s), the last one ends %s", len(bot.Tokens), last.UTC().Format(time.DateOnly))
	}
	return c
}

// oldKey is the age of a signing key after which rotating is worth a thought.
const oldKey = 365 * 24 * time.Hour

func (p Patient) keys() []Check {
	if p.Keys == nil {
		return nil
	}
	var checks []Check
	for _, k := range p.Keys.List() {
		c := Check{Area: AreaKeys, Name: k.ID, Status: Fine, Detail: fmt.Sprintf("%s, %d bits", k.State, k.Bits)}
		if !k.Created.IsZero() {
			c.Detail += ", made " + k.Created.UTC().Format(time.DateOnly)
			if k.State == "current" && p.Clock().Sub(k.Created) > oldKey {
				c.Status, c.Remedy = Warning, "rotate it when it suits: catalpa keys rotate"
			}
		}
		checks = append(checks, c)
	}
	if p.Config != nil && p.Config.JWT.AllowUnlimitedBotTokens {
		checks = append(checks, Check{
			Area: AreaKeys, Name: "unlimited tokens", Status: Warning, Code: auth.CodeUnlimited,
			Detail: "bot tokens without an end may be made", Remedy: "set allowUnlimitedBotTokens to false",
		})
	}
	return checks
}
