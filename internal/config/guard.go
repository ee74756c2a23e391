package config

import (
	"cmp"
	"fmt"
	"strings"
)

// Codes of what the server refuses to start with in production mode. Each of them
// can be accepted by name, see Options.Accept.
const (
	CodePublicSecret       = "SEC-CFG-PUBLIC-SECRET"
	CodeConfidentialSecret = "SEC-CFG-CONF-NOSECRET"
	CodeImplicit           = "SEC-CFG-IMPLICIT"
	CodeHTTP               = "SEC-CFG-HTTP"
	CodePKCE               = "SEC-CFG-PKCE"
	CodeNonce              = "SEC-CFG-NONCE"
	CodeNoop               = "SEC-CFG-NOOP"
	CodeTestPrincipals     = "SEC-CFG-TESTPRINCIPALS"
	CodeFernet             = "SEC-CFG-FERNET"
	CodeKeyID              = "SEC-CFG-KEYID"
	CodeKeyMode            = "SEC-CFG-KEYMODE"
	CodeDatabasePassword   = "SEC-CFG-DBPASSWORD"
	CodeTrustAll           = "SEC-CFG-TRUSTALL"
	CodeLDAPPlain          = "SEC-CFG-LDAP-PLAIN"

	// Seen by the running server only.
	CodeDefaultAdmin   = "SEC-CFG-DEFAULT-ADMIN"   // the administrator has a password everybody knows
	CodePublishedKey   = "SEC-CFG-KEY"             // the signing key is the published one
	CodeKeyFile        = "SEC-CFG-KEYFILE"         // the signing key cannot be used; nothing to accept
	CodeDiscovery      = "SEC-CFG-DISCOVERY"       // the provider was never reached and nothing is cached
	CodeDefaultAccount = "SEC-CFG-DEFAULT-ACCOUNT" // the first administrator of basic sign-in is still there
)

// guardCodes are all codes that can be accepted.
func guardCodes() []string {
	return []string{CodePublicSecret, CodeConfidentialSecret, CodeImplicit, CodeHTTP, CodePKCE, CodeNonce, CodeNoop, CodeTestPrincipals, CodeFernet,
		CodeKeyID, CodeKeyMode, CodeDatabasePassword, CodeTrustAll, CodeLDAPPlain, CodeDefaultAdmin, CodePublishedKey, CodeDiscovery, CodeDefaultAccount}
}

// Guard makes the finding of something that production mode refuses and
// development mode tolerates. The server uses it for what only shows while
// starting; Findings.Refusal then tells whether to go on.
func (c *Config) Guard(code, key, message, remedy string) Finding {
	severity := Error
	if c.Mode == Development {
		severity = Warning
	}
	return c.judge(Finding{Severity: severity, Code: code, Key: key, Message: message, Remedy: remedy})
}

// Stop makes the finding of something that no mode tolerates, unless the operator
// accepts it.
func (c *Config) Stop(code, key, message, remedy string) Finding {
	return c.judge(Finding{Severity: Error, Code: code, Key: key, Message: message, Remedy: remedy})
}

// Accepts tells whether the operator accepts what a code stands for.
func (c *Config) Accepts(code string) bool { return contains(c.accept, code) }

// judge turns an error that the operator accepted into a warning that says so, and
// for commands that serve nobody each that could be accepted.
func (c *Config) judge(f Finding) Finding {
	if f.Severity != Error || !contains(guardCodes(), f.Code) {
		return f
	}
	if c.Accepts(f.Code) {
		f.Severity, f.Accepted = Warning, true
		f.Message += " This was accepted with --i-accept=" + f.Code + "."
	} else if c.offline {
		f.Severity = Warning
	}
	return f
}

// checkAccepted refuses acceptance of codes that do not exist, so that a slip of
// the pen is not taken for protection or the lack of it.
func (b *binder) checkAccepted(accept []string) {
	for _, code := range accept {
		if contains(guardCodes(), code) {
			continue
		}
		hint := ""
		if near := closest(code, guardCodes()); near != "" {
			hint = fmt.Sprintf(" Did you mean %q?", near)
		}
		b.findings = append(b.findings, Finding{Severity: Error, Code: "CFG-ACCEPT", Key: "--i-accept",
			Message: fmt.Sprintf("%q is no code that can be accepted.%s", clip(code), hint), Remedy: "give one of " + strings.Join(guardCodes(), ", ") + "."})
	}
}

// Source says where the value of a key comes from, "default" when nobody gave one.
func (c *Config) Source(key string) string { return cmp.Or(c.Sources[key], "default") }

// Saved tells whether the key's value was saved by an administrator, rather than given
// by the operator.
func (c *Config) Saved(key string) bool { return c.Source(key) == sourceSaved }
