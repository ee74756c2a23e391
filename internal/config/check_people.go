package config

import (
	"net/mail"
	"strings"
)

// checkAuthorizer checks who is let in and who administers.
func (b *binder) checkAuthorizer(cfg *Config) {
	b.checkAdmins(cfg.Authorizer.AdminPrincipals)
	b.checkDomains(cfg)
	for _, name := range []string{"className", "containerRequestFilter"} {
		key := keyAuthorizer + name
		class := strings.ToLower(b.text(key, ""))
		if strings.Contains(class, "noop") || strings.Contains(class, "no-op") {
			b.guard(cfg, CodeNoop, key, "this class would switch access control off; it is always on here.", "remove the line.")
		} else if class != "" && !strings.HasPrefix(class, "org.openmetadata.") {
			b.report(Notice, "CFG-IGNORED", key, "ignored: access control is built in.", "")
		}
	}
	if len(b.list(keyAuthorizer+"testPrincipals", nil)) > 0 {
		b.guard(cfg, CodeTestPrincipals, keyAuthorizer+"testPrincipals", "test principals are back doors and are not supported.", "remove the line.")
	}
	if cfg.Authorizer.DefaultOAuthRole != "" {
		b.report(Notice, "CFG-UNUSED", keyAuthorizer+"defaultOAuthRole", "has no effect: who signs in for the first time starts without roles of their own.", "")
	}
}

func (b *binder) checkAdmins(principals []string) {
	const key = keyAuthorizer + "adminPrincipals"
	if len(principals) == 0 {
		b.refuse(key, "at least one administrator must be named.")
	}
	seen := map[string]bool{}
	for _, principal := range principals {
		name := strings.ToLower(principal)
		if seen[name] {
			b.refuse(key, "%q is named twice.", clip(principal))
		}
		seen[name] = true
		if strings.ContainsAny(principal, " \t\r\n,;") || strings.HasPrefix(principal, "@") || strings.HasSuffix(principal, "@") {
			b.refuse(key, "%q is neither a user name nor an email.", clip(principal))
		}
	}
}

func (b *binder) checkDomains(cfg *Config) {
	z, a := cfg.Authorizer, cfg.Authentication
	switch {
	case z.PrincipalDomain == "":
		b.require(keyPrincipalDomain, "", "the domain of people's email addresses, such as example.com")
	default:
		b.checkDomain(keyPrincipalDomain, z.PrincipalDomain)
	}
	for _, domain := range z.AllowedDomains {
		b.checkDomain(keyAuthorizer+"allowedDomains", domain)
	}
	const registration = keyAuthorizer + "allowedEmailRegistrationDomains"
	all := false
	for _, domain := range z.AllowedRegistrationDomain {
		if strings.EqualFold(domain, "all") {
			all = true
			continue
		}
		b.checkDomain(registration, domain)
	}
	if !a.EnableSelfSignup {
		return
	}
	if len(z.AllowedRegistrationDomain) == 0 {
		b.warn("CFG-SIGNUP-NOBODY", registration, "people may sign up, but of no domain.", "name the domains, or all.")
	}
	if all && !z.EnforcePrincipalDomain && a.Provider == ProviderGoogle {
		b.warn("CFG-SIGNUP-OPEN", registration, "whoever has a Google account can sign up.", "name the domains whose people may, or set enforcePrincipalDomain.")
	}
}

func (b *binder) checkDomain(key, domain string) {
	if !isHostName(domain) || strings.HasSuffix(domain, ".") || strings.Contains(domain, "..") {
		b.refuse(key, "%q is not a bare domain such as example.com (in its xn-- form where it has other letters).", clip(domain))
	}
}

// checkEmail checks what sending mail needs.
func (b *binder) checkEmail(cfg *Config) {
	e := cfg.Email
	if !e.Enabled {
		return
	}
	b.require("email.serverEndpoint", e.Host, "the host of the mail server")
	b.require("email.senderMail", e.Sender, "the address mails come from")
	if _, err := mail.ParseAddress(e.Sender); e.Sender != "" && err != nil {
		b.refuse("email.senderMail", "%q is not an email address.", clip(e.Sender))
	}
	if e.Host != "" && !isHostName(e.Host) && !strings.Contains(e.Host, ":") {
		b.refuse("email.serverEndpoint", "%q is not a host name.", clip(e.Host))
	}
	if (e.Username == "") != (e.Password == "") {
		b.refuse("email.password", "user name and password must be given together, or neither.")
	}
	if e.Strategy == "SMTP" && e.Password != "" && !isLoopbackHost(e.Host) {
		b.warn("CFG-EMAIL-PLAIN", "email.transportationStrategy", "the password of the mail server crosses the network in clear text.", "use SMTP_TLS or SMTPS.")
	}
	if e.SupportURL != "" {
		b.checkURL("email.supportUrl", e.SupportURL)
	}
}
