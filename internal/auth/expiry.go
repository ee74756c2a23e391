package auth

import (
	"time"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Expiry is how long a bot's or a personal token lives, in the words of the API.
type Expiry string

// The expiries.
const (
	ExpireOneHour    Expiry = "OneHour"
	ExpireOneDay     Expiry = "1"
	ExpireSevenDays  Expiry = "7"
	ExpireThirtyDays Expiry = "30"
	ExpireSixtyDays  Expiry = "60"
	ExpireNinetyDays Expiry = "90"
	ExpireNever      Expiry = "Unlimited"
)

// DefaultExpiry is for those who do not say.
const DefaultExpiry = ExpireNinetyDays

// lifetime returns how long, 0 for ever.
func (e Expiry) lifetime() (time.Duration, error) {
	const day = 24 * time.Hour
	switch e {
	case ExpireOneHour:
		return time.Hour, nil
	case ExpireOneDay:
		return day, nil
	case ExpireSevenDays:
		return 7 * day, nil
	case ExpireThirtyDays:
		return 30 * day, nil
	case ExpireSixtyDays:
		return 60 * day, nil
	case "", ExpireNinetyDays:
		return 90 * day, nil
	case ExpireNever:
		return 0, nil
	}
	return 0, entity.BadRequest("JWTTokenExpiry must be one of [OneHour, 1, 7, 30, 60, 90, Unlimited]")
}

// lifetime checks an expiry against what the operator allows.
func (s *Service) lifetime(e Expiry) (time.Duration, error) {
	life, err := e.lifetime()
	if err != nil {
		return 0, err
	}
	if life == 0 && !s.opts.AllowUnlimitedBotTokens {
		return 0, Refuse(CodeUnlimited)
	}
	return life, nil
}
