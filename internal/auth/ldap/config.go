package ldap

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	ldapv3 "github.com/go-ldap/ldap/v3"
)

// The kinds of trust in the directory's certificate, by their names on the wire.
const (
	TrustSystem = "JVMDefault"       // the certificate authorities of the system
	TrustCustom = "CustomTrustStore" // those of a PEM file
	TrustNames  = "HostName"         // the system's, for one of several names
	TrustAll    = "TrustAll"         // whatever comes; refused in production
)

// Limits and defaults.
const (
	defaultPoolSize = 3
	maxPoolSize     = 1000
	defaultTimeout  = 5 * time.Second
	maxTimeout      = time.Minute
)

// Config says where the directory is and how its entries read. The comments give
// the name of the setting.
type Config struct {
	Host          string // host
	Port          int    // port
	MaxPoolSize   int    // maxPoolSize; default 3
	AdminDN       string // dnAdminPrincipal, the service account
	AdminPassword string // dnAdminPassword
	SSL           bool   // sslEnabled: ldaps
	StartTLS      bool   // turn to TLS on the plain port; not together with SSL

	UserBaseDN        string // userBaseDN
	MailAttribute     string // mailAttributeName
	UsernameAttribute string // usernameAttributeName; "" lets people sign in by mail only

	GroupBaseDN          string   // groupBaseDN; "" takes memberOf of the person's entry
	GroupAttribute       string   // groupAttributeName, such as objectClass
	GroupAttributeValue  string   // groupAttributeValue, such as groupOfNames
	GroupMemberAttribute string   // groupMemberAttributeName; default member
	FullDN               bool     // isFullDn: members are DNs only; otherwise DNs or user names
	RolesMapping         string   // authRolesMapping: JSON object of group DN to list of roles
	ReassignRoles        []string // authReassignRoles: only these come from the directory; empty or "*" for all
	RoleAdminName        string   // roleAdminName: the role of the mapping that means Admin

	Truststore        string   // truststoreConfigType; default JVMDefault
	TrustStorePath    string   // trustStoreFilePath: PEM file of certificate authorities
	AcceptedHostNames []string // acceptableHostNames
	AllowWildcards    bool     // allowWildCards

	Timeout time.Duration // of one check as a whole; default 5 s
	// Production refuses TrustAll, and passwords in clear text to other hosts, unless
	// the operator has accepted just that.
	Production, AllowClear, AllowAnyCertificate bool
}

func (c Config) address() string { return net.JoinHostPort(c.Host, strconv.Itoa(c.Port)) }

func (c Config) withDefaults() Config {
	if c.Port == 0 {
		c.Port = 389
		if c.SSL {
			c.Port = 636
		}
	}
	if c.MaxPoolSize == 0 {
		c.MaxPoolSize = defaultPoolSize
	}
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	if c.GroupMemberAttribute == "" {
		c.GroupMemberAttribute = "member"
	}
	if c.Truststore == "" {
		c.Truststore = TrustSystem
	}
	return c
}

// check reports all that is wrong with the configuration, each line naming the
// setting.
func (c Config) check() error {
	var problems []error
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Errorf(format, args...)) }
	if c.Host == "" || strings.ContainsAny(c.Host, "/ \t\r\n") {
		wrong("host: give a host name or address, without ldap:// and without a port")
	}
	if c.Port < 1 || c.Port > 65535 {
		wrong("port: %d is not a port", c.Port)
	}
	if c.MaxPoolSize < 1 || c.MaxPoolSize > maxPoolSize {
		wrong("maxPoolSize: between 1 and %d", maxPoolSize)
	}
	if c.Timeout < 0 || c.Timeout > maxTimeout {
		wrong("timeout: at most %s", maxTimeout)
	}
	if c.AdminPassword == "" {
		wrong("dnAdminPassword: is empty; a bind without a password proves nothing")
	}
	if c.SSL && c.StartTLS {
		wrong("sslEnabled and startTLS exclude each other: choose one")
	}
	problems = append(problems, c.checkNames(), c.checkAttributes(), c.checkTrust())
	return errors.Join(problems...)
}

func (c Config) checkNames() error {
	var problems []error
	if c.AdminDN == "" {
		problems = append(problems, errors.New("dnAdminPrincipal: name the service account that may search"))
	}
	if c.UserBaseDN == "" {
		problems = append(problems, errors.New("userBaseDN: name the entry below which the people are"))
	}
	for _, name := range []struct{ setting, dn string }{
		{"userBaseDN", c.UserBaseDN}, {"groupBaseDN", c.GroupBaseDN},
	} {
		if _, err := ldapv3.ParseDN(name.dn); err != nil {
			problems = append(problems, fmt.Errorf("%s: is not a distinguished name", name.setting))
		}
	}
	return errors.Join(problems...)
}

func (c Config) checkAttributes() error {
	var problems []error
	if c.MailAttribute == "" {
		problems = append(problems, errors.New("mailAttributeName: name the attribute with the email, such as mail"))
	}
	for _, attribute := range []struct{ setting, name string }{
		{"mailAttributeName", c.MailAttribute}, {"usernameAttributeName", c.UsernameAttribute},
		{"groupAttributeName", c.GroupAttribute}, {"groupMemberAttributeName", c.GroupMemberAttribute},
	} {
		if attribute.name != "" && !isAttribute(attribute.name) {
			problems = append(problems, fmt.Errorf("%s: is not the name of an attribute", attribute.setting))
		}
	}
	if (c.GroupAttribute == "") != (c.GroupAttributeValue == "") {
		problems = append(problems, errors.New("groupAttributeName and groupAttributeValue: set both or none"))
	}
	if _, err := newRoleMap(c); err != nil {
		problems = append(problems, err)
	}
	return errors.Join(problems...)
}

func (c Config) checkTrust() error {
	var problems []error
	switch c.Truststore {
	case TrustSystem:
	case TrustCustom:
		if c.TrustStorePath == "" {
			problems = append(problems, errors.New("trustStoreFilePath: name a PEM file of the certificate authorities to trust"))
		}
	case TrustNames:
		if len(c.AcceptedHostNames) == 0 {
			problems = append(problems, errors.New("acceptableHostNames: name at least one"))
		}
	case TrustAll:
		if c.Production && !c.AllowAnyCertificate {
			problems = append(problems, errors.New("truststoreConfigType: TrustAll lets anybody in between read the passwords and is refused in production; use CustomTrustStore with the authority's certificate"))
		}
	default:
		problems = append(problems, errors.New("truststoreConfigType: JVMDefault, CustomTrustStore, HostName or TrustAll"))
	}
	if c.Production && !c.SSL && !c.StartTLS && !c.AllowClear && !isLoopback(c.Host) {
		problems = append(problems, errors.New("sslEnabled: without it passwords cross the network in clear text, which is refused in production; set it to true and the port to 636"))
	}
	return errors.Join(problems...)
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip := net.ParseIP(host)
	return ip != nil && ip.IsLoopback()
}

// isAttribute tells whether the text is an attribute description (RFC 4512 §2.5):
// these are written into filters as they are.
func isAttribute(name string) bool {
	for i, r := range name {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		digit := '0' <= r && r <= '9'
		if !letter && !digit && (i == 0 || r != '-' && r != '.' && r != ';') {
			return false
		}
	}
	return len(name) <= 100
}

// roleMap turns groups into roles.
type roleMap struct {
	byGroup map[string][]string // normalised DN, or lower-cased plain name
	only    map[string]bool     // nil for all
	admin   string
}

func newRoleMap(c Config) (*roleMap, error) {
	m := &roleMap{byGroup: map[string][]string{}, admin: c.RoleAdminName}
	if strings.TrimSpace(c.RolesMapping) == "" {
		return m, nil
	}
	var written map[string][]string
	if err := json.Unmarshal([]byte(c.RolesMapping), &written); err != nil {
		return nil, errors.New("authRolesMapping: must be a JSON object such as {\"cn=stewards,ou=groups,dc=example,dc=org\": [\"DataSteward\"]}")
	}
	for group, roles := range written {
		key, err := groupKey(group)
		if err != nil {
			return nil, fmt.Errorf("authRolesMapping: %q is neither a distinguished name nor the plain name of a group", group)
		}
		m.byGroup[key] = append(m.byGroup[key], roles...)
	}
	for _, role := range c.ReassignRoles {
		if role == "*" {
			m.only = nil
			break
		}
		if m.only == nil {
			m.only = map[string]bool{}
		}
		m.only[strings.ToLower(role)] = true
	}
	return m, nil
}

func (m *roleMap) empty() bool { return len(m.byGroup) == 0 }

// groupKey is a group's name in the mapping: a DN in normal form, or a plain name.
func groupKey(group string) (string, error) {
	if !strings.Contains(group, "=") {
		if group == "" {
			return "", errors.New("empty name")
		}
		return strings.ToLower(group), nil
	}
	return normalDN(group)
}
