package auth

import (
	"errors"
	"maps"
	"slices"

	"github.com/catalpa-metadata/catalpa/internal/entity"
)

// The machine codes of refusals. Each has one sentence, one remedy and one meaning
// wherever it shows up: in answers, on pages, in the log, in the doctor's report.
const (
	CodeMissing   = "SEC-TOK-MISSING"
	CodeFormat    = "SEC-TOK-FORMAT"
	CodeIssuer    = "SEC-TOK-ISSUER"
	CodeAlgorithm = "SEC-TOK-ALG"
	CodeKeyID     = "SEC-TOK-KID"
	CodeSignature = "SEC-TOK-SIG"
	CodeExpired   = "SEC-TOK-EXPIRED"
	CodeSkew      = "SEC-TOK-SKEW"
	CodeAudience  = "SEC-TOK-AUD"
	CodeType      = "SEC-TOK-TYPE"
	CodeRevoked   = "SEC-TOK-REVOKED"
	CodeNonce     = "SEC-TOK-NONCE"

	CodeKeyRotated = "SEC-KEY-ROTATED"
	CodeJWKSDown   = "SEC-JWKS-DOWN"
	CodeJWKSBad    = "SEC-JWKS-BAD"
	CodeDiscIssuer = "SEC-DISC-ISSUER"

	CodeClaims         = "SEC-CLAIM-NONE"
	CodeUserUnverified = "SEC-USER-UNVERIFIED"
	CodeUserDomain     = "SEC-USER-DOMAIN"
	CodeUserNoSignup   = "SEC-USER-NOSIGNUP"
	CodeUserRelink     = "SEC-USER-RELINK"
	CodeUserGone       = "SEC-USER-GONE"
	CodeBotStale       = "SEC-BOT-STALE"
	CodeBotGone        = "SEC-BOT-GONE"
	CodeUnlimited      = "SEC-BOT-UNLIMITED"

	CodeThrottled = "SEC-LOGIN-THROTTLED"
	CodeLogin     = "SEC-LOGIN-FAILED"
	CodeBasicOff  = "SEC-BASIC-OFF"
	CodeSignupOff = "SEC-SIGNUP-OFF"
	CodeReset     = "SEC-RESET-TOKEN"
	CodeTooMany   = "SEC-TOO-MANY"
	CodeRefresh   = "SEC-REFRESH"
	CodeReauth    = "SEC-REAUTH"
	CodeOneTime   = "SEC-PASSWORD-ONETIME"

	CodeRedirect    = "SEC-REDIRECT"
	CodeOrigin      = "SEC-ORIGIN"
	CodeNoProvider  = "SEC-CB-NOPROVIDER"
	CodeNoAttempt   = "SEC-CB-NOATTEMPT"
	CodeState       = "SEC-CB-STATE"
	CodeMixUp       = "SEC-CB-MIXUP"
	CodeProvider    = "SEC-CB-PROVIDER"
	CodeCode        = "SEC-CB-CODE"
	CodeClient      = "SEC-CB-CLIENT"
	CodeUpstream    = "SEC-CB-UPSTREAM"
	CodeCookie      = "SEC-COOKIE-MISSING"
	CodeSAML        = "SEC-SAML-RESPONSE"
	CodeDirectory   = "SEC-LDAP-DOWN"
	CodeImpersonate = "SEC-IMPERSONATE"
)

// The codes of warnings: nobody is refused with them.
const (
	CodeProxy        = "SEC-PROXY"
	CodeScopeRefresh = "SEC-SCOPE-REFRESH"
)

// text is what callers read. The message begins with the sentence that existing
// clients match on.
type text struct {
	kind          entity.Kind
	message, hint string
}

// refusals is the one table of codes.
var refusals = map[string]text{
	CodeMissing: {entity.KindUnauthorized, "Not Authorized! Token not present. This route needs a bearer token.",
		"Send the header Authorization: Bearer <token>. If you do, a proxy in between may remove it."},
	CodeFormat: {entity.KindUnauthorized, "Invalid token. It is not a well-formed JWT.",
		"Paste the token again, complete, in one line, without quotes and without a second Bearer."},
	CodeIssuer: {entity.KindUnauthorized, "Invalid token. Its issuer is not one this server trusts.",
		"Use a token of this server, or set the authority to the issuer of your provider."},
	CodeAlgorithm: {entity.KindUnauthorized, "Invalid token. It is signed with an algorithm that is not allowed here.",
		"Let the issuer sign with RS256. At Auth0: the application's settings, advanced, OAuth, JSON Web Token signature algorithm."},
	CodeKeyID: {entity.KindUnauthorized, "Invalid token. The key that signed it is not known here.",
		"Get a new token: sign in again, or generate the bot's token again. The signing key has changed since, or the token is from another server."},
	CodeSignature: {entity.KindUnauthorized, "Invalid token. Its signature is wrong.",
		"Get a new token: this one was altered, or the key was replaced under the same id."},
	CodeExpired: {entity.KindUnauthorized, "Expired token! Its time is over.",
		"Sign in again, or generate the bot's token again."},
	CodeSkew: {entity.KindUnauthorized, "Invalid token. It is not valid yet.",
		"Compare the clocks of the issuer and of this server, and let both follow NTP."},
	CodeAudience: {entity.KindUnauthorized, "Invalid token. It was issued for somebody else.",
		"Send a token whose audience is this server: the ID token rather than an access token."},
	CodeType: {entity.KindForbidden, "Invalid token. A token of this kind is not accepted here.",
		"Use the kind of token that the route asks for."},
	CodeRevoked: {entity.KindUnauthorized, "Expired token! It was revoked.",
		"Sign in again, or create a new token."},
	CodeNonce: {entity.KindUnauthorized, "Invalid token. It does not belong to this attempt to sign in.",
		"Start the sign-in again, in one tab, and do not go back to a page of an earlier attempt."},

	CodeKeyRotated: {entity.KindUnauthorized, "Invalid token. It was signed with a key of this server that has been retired.",
		"Generate the token again, or let the operator import the old key to verify only: catalpa keys import --verify-only."},
	CodeJWKSDown: {entity.KindUnavailable, "The keys of the identity provider cannot be fetched at the moment.",
		"Try again in a minute. The operator finds the cause with catalpa doctor provider."},
	CodeJWKSBad: {entity.KindUnavailable, "The identity provider publishes no usable keys.",
		"Check publicKeyUrls: the address must answer with a JSON Web Key Set that has strong keys. catalpa doctor provider shows what came."},
	CodeDiscIssuer: {entity.KindUnavailable, "The identity provider calls itself by another issuer than the one configured.",
		"Set the authority to the issuer that its discovery document names."},

	CodeClaims: {entity.KindUnauthorized, "Invalid JWT token, none of the following claims are present [email, preferred_username, sub]",
		"Let the issuer name the user in one of these claims, or name the right ones in jwtPrincipalClaims."},
	CodeUserUnverified: {entity.KindForbidden, "The identity provider has not verified your email address.",
		"Verify the address at the provider, then sign in again."},
	CodeUserDomain: {entity.KindForbidden, "Your email address is not of a domain that may sign in here.",
		"Sign in with an address of your organisation, or ask an administrator to add the domain to allowedDomains."},
	CodeUserNoSignup: {entity.KindForbidden, "You have no account here, and accounts are not made at the first sign-in.",
		"Ask an administrator for an account with your email address."},
	CodeUserRelink: {entity.KindForbidden, "This email address belongs to an account of somebody else at the identity provider.",
		"Ask an administrator: the account has to be linked anew, since an address can be given to another person."},
	CodeUserGone: {entity.KindUnauthorized, "Not Authorized! The user of this token no longer exists here.",
		"Ask an administrator to restore the user."},
	CodeBotStale: {entity.KindUnauthorized, "Not Authorized! Invalid Token. The bot's token was replaced or revoked.",
		"Put the bot's current token into the pipelines that use it."},
	CodeBotGone: {entity.KindUnauthorized, "Not Authorized! Invalid Token. The bot of this token no longer exists here.",
		"Ask an administrator to restore the bot and to make a new token, or use the token of another one."},
	CodeUnlimited: {entity.KindBadRequest, "Tokens that never expire are not allowed on this server.",
		"Choose at most 90 days."},

	CodeThrottled: {entity.KindUnauthorized, "Failed Login Attempts Exceeded. Please try after some time.",
		"Wait a few minutes, or let the operator reset the password on the server's host."},
	CodeLogin: {entity.KindUnauthorized, "You have entered an invalid username or password.",
		"Check both. The operator can reset the password on the server's host: catalpa admin reset-password."},
	CodeBasicOff: {entity.KindNotFound, "Passwords are not kept on this server: people sign in at the identity provider.",
		"Open the sign-in page, which leads there."},
	CodeSignupOff: {entity.KindForbidden, "People cannot register themselves on this server.",
		"Ask an administrator for an account."},
	CodeReset: {entity.KindBadRequest, "The link is not valid: it was used, has expired, or a newer one was sent.",
		"Ask for a new link and open the newest mail."},
	CodeTooMany: {entity.KindForbidden, "Too many requests of this kind came from here. Please try after some time.",
		"Wait up to an hour."},
	CodeRefresh: {entity.KindUnauthorized, "Invalid Request Token. Please check your Token. The session is over or the token was used before.",
		"Sign in again."},
	CodeReauth: {entity.KindForbidden, "This needs a sign-in within the last ten minutes.",
		"Sign in again and repeat."},
	CodeOneTime: {entity.KindForbidden, "This is a one-time password: choose your own before anything else.",
		"PUT /api/v1/users/changePassword with username, oldPassword, newPassword, confirmPassword and requestType SELF."},

	CodeRedirect: {entity.KindBadRequest, "The address to return to after the sign-in is not allowed.",
		"Use a path of this server, or list the origin in allowedRedirectOrigins."},
	CodeOrigin: {entity.KindForbidden, "The request came from a page of another site.",
		"Open this server's own page and repeat. The operator checks that serverUrl is the address in the browser."},
	CodeNoProvider: {entity.KindNotFound, "This server does not lead browsers to an identity provider.",
		"Open the sign-in page, which shows how people sign in here."},
	CodeNoAttempt: {entity.KindBadRequest, "There is no sign-in under way in this browser.",
		"Start again. If it happens again: cookies may be blocked, or serverUrl is not the address in the browser."},
	CodeState: {entity.KindBadRequest, "This answer of the identity provider does not belong to the sign-in under way, or was used before.",
		"Start again."},
	CodeMixUp: {entity.KindBadRequest, "The answer comes from another identity provider than the one asked.",
		"Start again. If it happens again, tell the operator: somebody may be mixing up providers."},
	CodeProvider: {entity.KindBadRequest, "The identity provider refused the sign-in.",
		"Start again. The operator finds the provider's words in the log."},
	CodeCode: {entity.KindBadRequest, "The identity provider did not accept the code of this sign-in.",
		"Start again: a code works once and for a short time."},
	CodeClient: {entity.KindUpstream, "The identity provider does not accept this server's client id or secret.",
		"Tell the operator: catalpa doctor provider shows what to correct."},
	CodeUpstream: {entity.KindUnavailable, "The identity provider does not answer.",
		"Try again in a minute."},
	CodeCookie: {entity.KindBadRequest, "The browser did not send back the cookie of this sign-in.",
		"Open this server by the address that serverUrl names, allow cookies, and start again."},
	CodeSAML: {entity.KindUnauthorized, "The answer of the identity provider is not valid.",
		"Start again. The operator finds the reason in the log and with catalpa doctor provider."},
	CodeDirectory: {entity.KindUnavailable, "The directory that knows the passwords does not answer.",
		"Try again in a minute. The operator finds the cause with catalpa doctor provider."},
	CodeImpersonate: {entity.KindForbidden, "This bot may not act on behalf of that user.",
		"An administrator sets allowImpersonation on the bot's user and gives its role the operation Impersonate; administrators and bots are never impersonated."},
}

// warnings are what the doctor tells with codes that nobody is refused with.
var warnings = map[string]text{
	CodeProxy: {message: "A proxy changes requests or answers on their way, or what a request says of that way does not fit the settings.",
		hint: "The operator finds what it changes with catalpa doctor proxy, while the server runs."},
	CodeScopeRefresh: {message: "The identity provider gives no refresh token: sessions end with its ID token.",
		hint: "Add offline_access to the scope and allow it at the provider. At Auth0: the application's grant types and refresh token rotation."},
}

// Warn returns the sentence and the remedy of a code that nobody is refused with.
func Warn(code string) (message, hint string) { return warnings[code].message, warnings[code].hint }

// Warnings returns the codes that nobody is refused with, in order.
func Warnings() []string { return slices.Sorted(maps.Keys(warnings)) }

// Codes returns all codes that somebody is refused with, in order.
func Codes() []string {
	return slices.Sorted(maps.Keys(refusals))
}

// Refuse makes the error of a code: its kind, its sentence, its remedy.
func Refuse(code string) *entity.Error {
	t := refusals[code]
	return &entity.Error{Kind: t.kind, Code: code, Message: t.message, Hint: t.hint}
}

// RefuseFor is Refuse with the hidden reason for the log; the reason must not hold
// any part of a credential.
func RefuseFor(code string, cause error) *entity.Error {
	e := Refuse(code)
	e.Cause = cause
	return e
}

// refuseForm is the refusal of a token that cannot be read. One that is too large is
// well-formed, as a rule, and pasting it again would not help.
func refuseForm(cause error) *entity.Error {
	e := RefuseFor(CodeFormat, cause)
	if errors.Is(cause, errTooLarge) {
		e.Message = "Invalid token. It is larger than 8 KiB."
		e.Hint = "Let the identity provider put fewer groups or other claims into it. Or let people sign in through the server " +
			"(confidential client), where the browser holds no token of the provider."
	}
	return e
}
