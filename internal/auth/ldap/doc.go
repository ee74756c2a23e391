// Package ldap checks names and passwords at an LDAP directory and reads who the
// person is: email, names, groups as roles. It is an auth.PasswordProvider.
//
// A check uses one connection: the service account searches for the person, the
// person's own DN is bound with the password, the service account reads the groups.
// Names never reach a filter unescaped, referrals are not followed, and whatever the
// directory sends is bounded in time and size.
//
// It may import auth, entity and the standard library besides go-ldap.
package ldap
