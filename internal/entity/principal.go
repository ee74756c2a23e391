package entity

// Principal is the authenticated caller of a request. The engine records it in
// updatedBy, and policy decides on it.
type Principal struct {
	UserID    ID
	Name      string // user name, lower case
	IsAdmin   bool
	IsBot     bool
	TokenType string // OM_USER, BOT, PERSONAL_ACCESS, or SYSTEM
	TokenID   string // jti of the credential, for the audit trail
	// MustChangePassword: signed in with a one-time password, and good for nothing
	// but choosing another.
	MustChangePassword bool
	// SignedIn is when the person proved who it is, in milliseconds since 1970; 0
	// for credentials that live on without the person (bots, personal tokens).
	SignedIn int64
	// Bot is the bot that acts on behalf of this principal, "" for nobody.
	Bot string
}

// System acts for the server itself: seeding, migrations, background jobs.
func System() Principal {
	return Principal{Name: "admin", IsAdmin: true, TokenType: "SYSTEM"}
}
