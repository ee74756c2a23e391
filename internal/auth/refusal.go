package auth

import "github.com/catalpa-metadata/catalpa/internal/entity"

// The machine codes of refusals. Each has one sentence, one remedy and one
// meaning wherever it shows up.
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
	CodeClaims    = "SEC-CLAIM-NONE"
	CodeUserGone  = "SEC-USER-GONE"
	CodeBotStale  = "SEC-BOT-STALE"
	CodeBotGone   = "SEC-BOT-GONE"
	CodeThrottled = "SEC-LOGIN-THROTTLED"
	CodeLogin     = "SEC-LOGIN-FAILED"
	CodeRefresh   = "SEC-REFRESH"
	CodeUnlimited = "SEC-BOT-UNLIMITED"
)

// text is what callers read. The message begins with the sentence that existing
// clients match on.
type text struct{ message, hint string }

func textOf(code string) text {
	switch code {
	case CodeMissing:
		return text{"Not Authorized! Token not present. This route needs a bearer token.",
			"Send the header Authorization: Bearer <token>. If you do, a proxy in between may remove it."}
	case CodeFormat:
		return text{"Invalid token. It is not a well-formed JWT.",
			"Paste the token again, complete, in one line, without quotes and without a second Bearer."}
	case CodeIssuer:
		return text{"Invalid token. Its issuer is not one this server trusts.",
			"Use a token of this server, or set the authority to the issuer of your provider."}
	case CodeAlgorithm:
		return text{"Invalid token. It is signed with an algorithm that is not allowed here.",
			"Let the issuer sign with RS256."}
	case CodeKeyID:
		return text{"Invalid token. The key that signed it is not known here.",
			"Get a new token: sign in again, or generate the bot's token again. The signing key has changed since, or the token is from another server."}
	case CodeSignature:
		return text{"Invalid token. Its signature is wrong.",
			"Get a new token: this one was altered, or the key was replaced under the same id."}
	case CodeExpired:
		return text{"Expired token! Its time is over.",
			"Sign in again, or generate the bot's token again."}
	case CodeSkew:
		return text{"Invalid token. It is not valid yet.",
			"Compare the clocks of the issuer and of this server, and let both follow NTP."}
	case CodeAudience:
		return text{"Invalid token. It was issued for somebody else.",
			"Send a token whose audience is this server: the ID token rather than an access token."}
	case CodeType:
		return text{"Invalid token. A token of this kind is not accepted here.",
			"Use the kind of token that the route asks for."}
	case CodeRevoked:
		return text{"Expired token! It was revoked.",
			"Sign in again, or create a new token."}
	default:
		return subjectText(code)
	}
}

// subjectText speaks of the token's owner and of signing in.
func subjectText(code string) text {
	switch code {
	case CodeClaims:
		return text{"Invalid JWT token, none of the following claims are present [email, preferred_username, sub]",
			"Let the issuer name the user in one of these claims."}
	case CodeUserGone:
		return text{"Not Authorized! The user of this token no longer exists here.",
			"Ask an administrator to restore the user."}
	case CodeBotStale:
		return text{"Not Authorized! Invalid Token. The bot's token was replaced or revoked.",
			"Put the bot's current token into the pipelines that use it."}
	case CodeBotGone:
		return text{"Not Authorized! Invalid Token. The bot of this token no longer exists here.",
			"Ask an administrator to restore the bot, or use the token of another one."}
	case CodeThrottled:
		return text{"Failed Login Attempts Exceeded. Please try after some time.",
			"Wait a few minutes, or let the operator reset the password on the server's host."}
	case CodeLogin:
		return text{"You have entered an invalid username or password.",
			"Check both. The operator can reset the password on the server's host: catalpa admin reset-password."}
	case CodeRefresh:
		return text{"Invalid Request Token. Please check your Token. The session is over or the token was used before.",
			"Sign in again."}
	default:
		return text{"Invalid token.", "Sign in again."}
	}
}

// refuse makes the error of a code.
func refuse(code string) *entity.Error {
	t := textOf(code)
	return &entity.Error{Kind: entity.KindUnauthorized, Code: code, Message: t.message, Hint: t.hint}
}

// refuseFor is refuse with the hidden reason for the log; the reason must not
// hold any part of a credential.
func refuseFor(code string, cause error) *entity.Error {
	e := refuse(code)
	e.Cause = cause
	return e
}
