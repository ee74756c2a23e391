package ldap

import (
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	ldapv3 "github.com/go-ldap/ldap/v3"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

// adminRole is the role claim's value that can make an administrator.
const adminRole = "Admin"

// maxGroups bounds the groups that are read of one person.
const maxGroups = 1000

// attributes are what is read of a person's entry. Those that never change are
// operational: directories send them only when asked by name.
func (d *Directory) attributes() []string {
	names := []string{"entryUUID", "objectGUID", "nsUniqueId", "displayName", "cn", d.config.MailAttribute}
	if d.config.UsernameAttribute != "" {
		names = append(names, d.config.UsernameAttribute)
	}
	if d.config.GroupBaseDN == "" && !d.roles.empty() {
		names = append(names, "memberOf")
	}
	return names
}

// identity turns an entry into claims.
func (d *Directory) identity(entry *ldapv3.Entry, roles []string) (auth.Identity, error) {
	subject, err := subjectOf(entry)
	if err != nil {
		return auth.Identity{}, err
	}
	claims := map[string]jsontext.Value{}
	set := func(claim string, value any) {
		// Marshalling fails for text that is not UTF-8: then there is no such claim.
		if raw, err := json.Marshal(value); err == nil {
			claims[claim] = raw
		}
	}
	text := func(claim, value string) {
		if value != "" {
			set(claim, value)
		}
	}
	set("sub", subject)
	if email := entry.GetEqualFoldAttributeValue(d.config.MailAttribute); email != "" {
		text("email", email)
		set("email_verified", true) // the directory is the organisation's own record
	}
	if d.config.UsernameAttribute != "" {
		text("preferred_username", entry.GetEqualFoldAttributeValue(d.config.UsernameAttribute))
	}
	name := entry.GetEqualFoldAttributeValue("displayName")
	if name == "" {
		name = entry.GetEqualFoldAttributeValue("cn")
	}
	text("name", name)
	text("displayName", name)
	if !d.roles.empty() {
		set("roles", roles)
	}
	return auth.Identity{Issuer: d.issuer, Subject: subject, Claims: claims}, nil
}

// subjectOf is what names the person for ever: an id of the directory's own, or
// the DN where it has none.
func subjectOf(entry *ldapv3.Entry) (string, error) {
	if id := entry.GetEqualFoldAttributeValue("entryUUID"); id != "" {
		return strings.ToLower(id), nil
	}
	if id := entry.GetEqualFoldRawAttributeValue("objectGUID"); len(id) == 16 {
		return activeDirectoryUUID(id), nil
	}
	if id := entry.GetEqualFoldAttributeValue("nsUniqueId"); id != "" {
		return strings.ToLower(id), nil
	}
	dn, err := normalDN(entry.DN)
	if err != nil {
		return "", errors.New("the directory sent an entry without a valid distinguished name")
	}
	return dn, nil
}

// activeDirectoryUUID writes an objectGUID as Active Directory's own tools do: the
// first three fields are little-endian.
func activeDirectoryUUID(id []byte) string {
	b := slices.Clone(id)
	slices.Reverse(b[0:4])
	slices.Reverse(b[4:6])
	slices.Reverse(b[6:8])
	text := hex.EncodeToString(b)
	return fmt.Sprintf("%s-%s-%s-%s-%s", text[:8], text[8:12], text[12:16], text[16:20], text[20:])
}

// normalDN writes a DN so that equal ones are equal texts: lower case, no spaces
// around separators, one escaping.
func normalDN(dn string) (string, error) {
	parsed, err := ldapv3.ParseDN(dn)
	if err != nil {
		return "", err
	}
	if len(parsed.RDNs) == 0 {
		return "", errors.New("empty distinguished name")
	}
	return strings.ToLower(parsed.String()), nil
}

// rolesOf reads the groups of a person and returns the roles they mean, sorted.
func (d *Directory) rolesOf(c *conn, entry *ldapv3.Entry) ([]string, error) {
	if d.roles.empty() {
		return nil, nil
	}
	groups := entry.GetEqualFoldAttributeValues("memberOf")
	if d.config.GroupBaseDN != "" {
		var err error
		if groups, err = d.searchGroups(c, entry); err != nil {
			return nil, err
		}
	}
	return d.roles.of(groups), nil
}

// searchGroups asks which groups list the person. Only their DNs are asked for: a
// group may have a hundred thousand members.
func (d *Directory) searchGroups(c *conn, entry *ldapv3.Entry) ([]string, error) {
	result, err := c.Search(d.request(d.config.GroupBaseDN, ldapv3.ScopeWholeSubtree, maxGroups, d.groupFilter(entry), "1.1"))
	if err != nil {
		return nil, fmt.Errorf("groups: %w", err)
	}
	groups := make([]string, len(result.Entries))
	for i, group := range result.Entries {
		groups[i] = group.DN
	}
	return groups, nil
}

func (d *Directory) groupFilter(entry *ldapv3.Entry) string {
	member := d.config.GroupMemberAttribute
	filter := fmt.Sprintf("(%s=%s)", member, ldapv3.EscapeFilter(entry.DN))
	if user := d.config.UsernameAttribute; user != "" && !d.config.FullDN {
		if name := entry.GetEqualFoldAttributeValue(user); name != "" {
			filter = fmt.Sprintf("(|%s(%s=%s))", filter, member, ldapv3.EscapeFilter(name))
		}
	}
	if d.config.GroupAttribute != "" {
		filter = fmt.Sprintf("(&(%s=%s)%s)", d.config.GroupAttribute, ldapv3.EscapeFilter(d.config.GroupAttributeValue), filter)
	}
	return filter
}

// of returns the roles of the groups, given by DN.
func (m *roleMap) of(groups []string) []string {
	roles := []string{} // no roles is an answer, too: it is written as an empty list
	for _, group := range groups {
		dn, err := ldapv3.ParseDN(group)
		if err != nil || len(dn.RDNs) == 0 {
			continue
		}
		roles = append(roles, m.byGroup[strings.ToLower(dn.String())]...)
		if first := dn.RDNs[0].Attributes; len(first) == 1 {
			roles = append(roles, m.byGroup[strings.ToLower(first[0].Value)]...)
		}
	}
	for i, role := range roles {
		if m.admin != "" && strings.EqualFold(role, m.admin) {
			roles[i] = adminRole
		}
	}
	roles = slices.DeleteFunc(roles, func(role string) bool {
		return m.only != nil && !m.only[strings.ToLower(role)] && role != adminRole
	})
	slices.Sort(roles)
	return slices.Compact(roles)
}
