package ldap

import (
	"context"
	"fmt"
	"testing"

	ldapv3 "github.com/go-ldap/ldap/v3"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const mapping = `{
	"CN=Stewards, OU=Groups,dc=example,dc=org": ["DataSteward", "DataConsumer"],
	"cn=admins,ou=groups,dc=example,dc=org": ["TheBoss"],
	"consumers": ["DataConsumer"],
	"cn=others,ou=groups,dc=example,dc=org": ["Others"]
}`

func TestGroupsBecomeRoles(t *testing.T) {
	s := startServer(t)
	bySearch := func(c *Config) {
		c.GroupBaseDN, c.GroupAttribute, c.GroupAttributeValue, c.GroupMemberAttribute = groupsBase, "objectClass", "groupOfNames", "member"
		c.RolesMapping, c.FullDN = mapping, true
	}
	byUser := func(c *Config) {
		bySearch(c)
		c.GroupAttributeValue, c.GroupMemberAttribute, c.FullDN = "posixGroup", "memberUid", false
	}
	cases := []struct {
		name, user, password, want string
		change                     func(*Config)
	}{
		{"no mapping leaves the claim out", "ada", "correct horse", "", nil},
		{"by DN", "ada", "correct horse", `["DataConsumer","DataSteward","TheBoss"]`, bySearch},
		{"by DN, of any kind of group", "ada", "correct horse", `["DataConsumer","DataSteward","TheBoss"]`,
			func(c *Config) { bySearch(c); c.GroupAttribute, c.GroupAttributeValue = "", "" }},
		{"administrators", "ada", "correct horse", `["Admin","DataConsumer","DataSteward"]`, func(c *Config) { bySearch(c); c.RoleAdminName = "theboss" }},
		{"only some roles", "ada", "correct horse", `["Admin","DataSteward"]`,
			func(c *Config) { bySearch(c); c.RoleAdminName = "TheBoss"; c.ReassignRoles = []string{"datasteward"} }},
		{"all roles", "ada", "correct horse", `["DataConsumer","DataSteward","TheBoss"]`,
			func(c *Config) { bySearch(c); c.ReassignRoles = []string{"DataSteward", "*"} }},
		{"by user name", "ada", "correct horse", `["DataConsumer"]`, byUser},
		{"by user name, but full DNs only", "ada", "correct horse", `[]`, func(c *Config) { byUser(c); c.FullDN = true }},
		{"memberOf", "ada", "correct horse", `["DataConsumer","DataSteward"]`, func(c *Config) { c.RolesMapping = mapping }},
		{"in no group", "ada", "correct horse", `[]`, func(c *Config) { bySearch(c); c.GroupBaseDN = "ou=none,dc=example,dc=org" }},
		{"name with filter characters", "st*r", "star battery", `["DataConsumer","DataSteward"]`, bySearch},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			who, err := s.directory(t, c.change).Check(context.Background(), c.user, c.password)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(who.Claims["roles"]); got != c.want {
				t.Errorf("roles %s, want %s", got, c.want)
			}
		})
	}
}

func TestSubject(t *testing.T) {
	guid := string([]byte{0x3c, 0x6e, 0x9b, 0x0f, 0x11, 0x22, 0x33, 0x44, 0x9c, 0x6b, 1, 2, 3, 4, 5, 6})
	cases := []struct {
		name, dn, want string
		attributes     map[string]string
	}{
		{"entryUUID", "uid=a,dc=x", "ab-12", map[string]string{"entryuuid": "AB-12", "nsUniqueId": "n"}},
		{"Active Directory", "cn=a,dc=x", "0f9b6e3c-2211-4433-9c6b-010203040506", map[string]string{"objectGUID": guid}},
		{"389", "uid=a,dc=x", "0e1-x", map[string]string{"nsUniqueId": "0E1-X"}},
		{"DN", "UID=Ada , OU=People,DC=x", "uid=ada,ou=people,dc=x", nil},
		{"broken objectGUID", "uid=a,dc=x", "uid=a,dc=x", map[string]string{"objectGUID": "short"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			entry := &ldapv3.Entry{DN: c.dn}
			for name, value := range c.attributes {
				entry.Attributes = append(entry.Attributes, &ldapv3.EntryAttribute{Name: name, Values: []string{value}, ByteValues: [][]byte{[]byte(value)}})
			}
			got, err := subjectOf(entry)
			if err != nil || got != c.want {
				t.Errorf("subject %q, error %v", got, err)
			}
		})
	}
	if _, err := subjectOf(&ldapv3.Entry{DN: "no name"}); err == nil {
		t.Error("an entry without a DN was accepted")
	}
}

func TestNormalDN(t *testing.T) {
	same := []string{"cn=A\\, B,dc=X", "CN=a\\2c b, DC=x", "Cn = a\\, b , dC=X"}
	for _, dn := range same {
		got, err := normalDN(dn)
		if err != nil || got != `cn=a\, b,dc=x` {
			t.Errorf("%s: %q, %v", dn, got, err)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		dn := fmt.Sprintf("cn=%s,dc=x", ldapv3.EscapeDN(rapid.StringN(1, 20, 40).Draw(t, "name")))
		once, err := normalDN(dn)
		if err != nil {
			return
		}
		twice, err := normalDN(once)
		if err != nil || once != twice {
			t.Fatalf("%q becomes %q, then %q (%v)", dn, once, twice, err)
		}
	})
}

func FuzzRoleMap(f *testing.F) {
	f.Add(mapping, "cn=stewards,ou=groups,dc=example,dc=org")
	f.Add(`{"a":["b"]}`, "cn=a")
	f.Fuzz(func(t *testing.T, mapping, group string) {
		m, err := newRoleMap(Config{RolesMapping: mapping, ReassignRoles: []string{"x"}})
		if err != nil {
			return
		}
		for _, role := range m.of([]string{group}) {
			if role != "x" && role != "X" && role != adminRole {
				t.Fatalf("role %q", role)
			}
		}
	})
}

func TestNoBadUTF8InClaims(t *testing.T) {
	d := &Directory{config: Config{MailAttribute: "mail"}, roles: &roleMap{}}
	who, err := d.identity(&ldapv3.Entry{DN: "uid=a,dc=x", Attributes: []*ldapv3.EntryAttribute{{Name: "cn", Values: []string{"\xff"}}}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"sub": `"uid=a,dc=x"`}, claimsOf(who)); diff != "" {
		t.Error(diff)
	}
}
