package auth

import (
	"context"
	"errors"
	"strings"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Impersonate lets a bot act on behalf of a person. The bot's user must carry
// allowImpersonation and allowed must agree; administrators, bots and deleted users
// are never impersonated. Whoever may not learns nothing about the user.
func (s *Service) Impersonate(ctx context.Context, bot entity.Principal, name string, allowed func(ctx context.Context, target entity.Principal) error) (entity.Principal, error) {
	target, err := s.impersonate(ctx, bot, name, allowed)
	if err != nil {
		e := entity.AsError(asError(err))
		if e.Code != "" {
			s.trail.note(ctx, AuditEntry{Action: "impersonationRefused", By: bot.Name, Code: e.Code, Subject: digestOf(name), TokenID: bot.TokenID})
		}
		return entity.Principal{}, e
	}
	s.trail.note(ctx, AuditEntry{Action: "actedOnBehalf", User: target.Name, By: bot.Name, TokenID: bot.TokenID})
	return target, nil
}

func (s *Service) impersonate(ctx context.Context, bot entity.Principal, name string, allowed func(context.Context, entity.Principal) error) (entity.Principal, error) {
	if bot.TokenType != TypeBot || !bot.IsBot || bot.Bot != "" {
		return entity.Principal{}, RefuseFor(CodeImpersonate, errors.New("not a bot"))
	}
	acting, err := s.liveUser(ctx, bot.UserID)
	if err != nil {
		return entity.Principal{}, err
	}
	if !acting.AllowImpersonation {
		return entity.Principal{}, RefuseFor(CodeImpersonate, errors.New("the bot's user lacks allowImpersonation"))
	}
	if name = strings.ToLower(strings.TrimSpace(name)); name == "" || len(name) > maxLoginName {
		return entity.Principal{}, entity.NotFound("user", entity.Shorten(name, maxName))
	}
	user, err := s.findForLogin(ctx, name)
	switch {
	case err != nil:
		return entity.Principal{}, err
	case user.ID == entity.NilID || user.Deleted:
		return entity.Principal{}, entity.NotFound("user", entity.Shorten(name, maxName))
	case user.IsAdmin || user.IsBot:
		return entity.Principal{}, RefuseFor(CodeImpersonate, errors.New("the user is an administrator or a bot's"))
	}
	target := entity.Principal{
		UserID: user.ID, Name: user.Name, TokenType: TypeBot, TokenID: bot.TokenID, Bot: bot.Name,
	}
	if err := allowed(ctx, target); err != nil {
		return entity.Principal{}, RefuseFor(CodeImpersonate, err)
	}
	return target, nil
}
