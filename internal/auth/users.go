package auth

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// User is what authentication needs to know of a user.
type User struct {
	ID      entity.ID
	Name    string // lower case
	Email   string
	IsAdmin bool
	IsBot   bool
	// Deleted says that the user is soft-deleted or deactivated, or, of a bot's
	// user, that the bot is. All credentials of the user are refused then.
	Deleted bool
	// AllowImpersonation lets a bot act on behalf of people, if policy agrees.
	AllowImpersonation bool
	// Bot is the bot this user belongs to, if any: a change of that entity takes
	// effect at once like one of the user.
	Bot entity.ID
}

// Users finds users, deleted ones included. A look-up without result is an error
// of entity.KindNotFound. Implementations must read the committed state, without
// a cache of their own that outlives a commit.
type Users interface {
	ByID(ctx context.Context, id entity.ID) (User, error)
	ByName(ctx context.Context, name string) (User, error)
	ByEmail(ctx context.Context, email string) (User, error)
}
