package auth

import (
	"context"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// Directory is where the people of an identity provider become users. Changes are
// made in the server's own name, are safe for concurrent use, and are committed when
// a method returns.
type Directory interface {
	Users
	// CreatePerson makes a user without roles, teams or rights. A taken name or
	// email is an error of entity.KindConflict.
	CreatePerson(ctx context.Context, p Person) (User, error)
	// SetAdmin makes a user an administrator or an ordinary user. Demoting the last
	// administrator is an error of entity.KindConflict.
	SetAdmin(ctx context.Context, user entity.ID, admin bool) error
	// Roles finds roles by name in any case; the keys of the result are the names in
	// lower case. Unknown and deleted ones are left out.
	Roles(ctx context.Context, names []string) (map[string]entity.ID, error)
	// Groups does the same for teams of type Group.
	Groups(ctx context.Context, names []string) (map[string]entity.ID, error)
	// Grants returns the roles given to a user and the teams the user is in.
	Grants(ctx context.Context, user entity.ID) (Grants, error)
	// Regrant adds and removes roles and teams of a user; what is already so is no
	// error.
	Regrant(ctx context.Context, user entity.ID, add, remove Grants) error
}

// Person is somebody who becomes a user.
type Person struct {
	Name        string // lower case
	Email       string
	DisplayName string // "" for none
}

// Grants are roles and teams of a user.
type Grants struct{ Roles, Teams []entity.ID }
