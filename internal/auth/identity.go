package auth

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// providerProfile trusts the ID tokens of a public client's provider.
func (s *Service) providerProfile(so *SignOn) *profile {
	p := &profile{Trust: *so.Trust}
	p.admit = func(_ context.Context, t *parsed) (admission, error) {
		if _, err := p.idToken(t); err != nil {
			return admission{}, err
		}
		return admission{user: entity.NilID}, Refuse(CodeUserNoSignup)
	}
	return p
}
