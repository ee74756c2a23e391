package auth

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Impersonate lets a bot act on behalf of a person. The bot's user must carry
// allowImpersonation and allowed must agree; administrators, bots and deleted users
// are never impersonated.
func (s *Service) Impersonate(_ context.Context, _ entity.Principal, _ string, _ func(context.Context, entity.Principal) error) (entity.Principal, error) {
	return entity.Principal{}, Refuse(CodeImpersonate)
}
