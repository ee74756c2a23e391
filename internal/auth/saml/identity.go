package saml

import (
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// Bounds of what is taken over from an assertion.
const (
	maxNameID     = 1024
	maxClaims     = 200
	maxValues     = 1000
	maxClaimBytes = 8 << 10
)

// emailAttributes are the names that providers give to the email.
func emailAttributes() []string {
	return []string{"email", "mail", "emailAddress", "urn:oid:0.9.2342.19200300.100.1.3", "urn:oid:1.2.840.113549.1.9.1",
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"}
}

// claims collect attributes by name; a name that comes twice has all its values.
type claims map[string][]string

func (c claims) add(name string, values []string) {
	if name == "" || len(name) > maxNameID || len(c) >= maxClaims && c[name] == nil {
		return
	}
	for _, value := range values {
		if value = strings.TrimSpace(value); value != "" && len(value) <= maxClaimBytes && len(c[name]) < maxValues {
			c[name] = append(c[name], value)
		}
	}
	if c[name] == nil {
		c[name] = []string{}
	}
}

func (c claims) first(names ...string) string {
	for _, name := range names {
		if values := c[name]; len(values) > 0 {
			return values[0]
		}
	}
	return ""
}

// identity turns a judged assertion into claims: attributes by Name and, where that
// does not hide another, by FriendlyName.
func (p *Provider) identity(a *assertion) auth.Identity {
	attributes, friendly := claims{}, claims{}
	for _, at := range a.Attributes {
		attributes.add(at.Name, at.Values)
		friendly.add(at.FriendlyName, at.Values)
	}
	for name, values := range friendly {
		if attributes[name] == nil {
			attributes.add(name, values)
		}
	}
	name := nameOf(a)
	result := auth.Identity{Issuer: p.config.IDPEntityID, Subject: name.Value, Claims: map[string]jsontext.Value{}}
	for claim, values := range attributes {
		result.Claims[claim] = valueOf(claim, values)
	}
	result.Claims["sub"] = text(name.Value)
	email := attributes.first(emailAttributes()...)
	if email == "" && (name.Format == FormatEmail || name.Format == formatEmailOther) {
		email = name.Value
	}
	if email != "" {
		result.Claims["email"] = text(email)
	}
	if display := p.displayName(attributes); display != "" {
		result.Claims["name"], result.Claims["displayName"] = text(display), text(display)
	}
	return result
}

// displayName is the first of the configured attributes, else the given name and the
// surname.
func (p *Provider) displayName(c claims) string {
	if name := c.first(p.config.DisplayNameAttributes...); name != "" {
		return name
	}
	given := c.first("givenName", "given_name", "firstName", "urn:oid:2.5.4.42", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname")
	family := c.first("sn", "surname", "family_name", "lastName", "urn:oid:2.5.4.4", "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname")
	return strings.TrimSpace(given + " " + family)
}

func nameOf(a *assertion) nameID {
	name := a.Subjects[0].NameIDs[0]
	name.Value = strings.TrimSpace(name.Value)
	return name
}

// valueOf writes one value as a string and several as a list. SAML has no types
// worth the name: email_verified becomes a boolean as OpenID Connect has it.
func valueOf(claim string, values []string) jsontext.Value {
	if len(values) == 1 {
		if claim == "email_verified" && slices.Contains([]string{"true", "false"}, values[0]) {
			return jsontext.Value(values[0])
		}
		return text(values[0])
	}
	list := []byte{'['}
	for i, value := range values {
		if i > 0 {
			list = append(list, ',')
		}
		list = append(list, text(value)...)
	}
	return jsontext.Value(append(list, ']'))
}

func text(value string) jsontext.Value {
	raw, err := jsontext.AppendQuote(nil, value)
	if err != nil { // not UTF-8, which the document would not have been read with
		return jsontext.Value(`""`)
	}
	return raw
}

// grant is what a judged assertion gives.
func (p *Provider) grant(a *assertion) (auth.Grant, error) {
	granted := auth.Grant{Identity: p.identity(a)}
	for _, statement := range a.Statements {
		if granted.Session == "" {
			granted.Session = statement.SessionIndex
		}
		if statement.SessionNotOnOrAfter == "" {
			continue
		}
		end, err := instant(statement.SessionNotOnOrAfter)
		if err != nil {
			return auth.Grant{}, refused(err)
		}
		if granted.Expires.IsZero() || end.Before(granted.Expires) {
			granted.Expires = end.UTC().Truncate(time.Millisecond)
		}
	}
	if p.config.IDPLogoutURL != "" {
		hint, err := json.Marshal(nameOf(a))
		if err != nil {
			return auth.Grant{}, refused(err)
		}
		granted.IDToken = string(hint) // SignOut names the person with it
	}
	return granted, nil
}
