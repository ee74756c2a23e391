package ldap

import (
	"context"
	"crypto/x509"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/catalpa-metadata/catalpa/internal/auth"
)

func TestNewNamesTheSetting(t *testing.T) {
	write := func(content string) string {
		path := filepath.Join(t.TempDir(), "store")
		must(t, os.WriteFile(path, []byte(content), 0o600))
		return path
	}
	cases := []struct {
		name, setting string
		change        func(*Config)
	}{
		{"no host", "host:", func(c *Config) { c.Host = "" }},
		{"URL for a host", "host:", func(c *Config) { c.Host = "ldap://x" }},
		{"port", "port:", func(c *Config) { c.Port = 70000 }},
		{"pool", "maxPoolSize:", func(c *Config) { c.MaxPoolSize = 1001 }},
		{"timeout", "timeout:", func(c *Config) { c.Timeout = time.Hour }},
		{"no service account", "dnAdminPrincipal:", func(c *Config) { c.AdminDN = "" }},
		{"no service password", "dnAdminPassword:", func(c *Config) { c.AdminPassword = "" }},
		{"no base", "userBaseDN:", func(c *Config) { c.UserBaseDN = "" }},
		{"bad base", "userBaseDN:", func(c *Config) { c.UserBaseDN = "people" }},
		{"bad group base", "groupBaseDN:", func(c *Config) { c.GroupBaseDN = "groups" }},
		{"no mail", "mailAttributeName:", func(c *Config) { c.MailAttribute = "" }},
		{"filter in an attribute", "usernameAttributeName:", func(c *Config) { c.UsernameAttribute = "uid=*)(x" }},
		{"half a group filter", "groupAttributeValue:", func(c *Config) { c.GroupAttribute = "objectClass" }},
		{"half a group filter", "groupAttributeName and", func(c *Config) { c.GroupAttributeValue = "group" }},
		{"mapping", "authRolesMapping:", func(c *Config) { c.RolesMapping = "admin" }},
		{"mapping with a bad DN", "authRolesMapping:", func(c *Config) { c.RolesMapping = `{"cn=a,":["b"],"=":["c"]}` }},
		{"both kinds of TLS", "startTLS", func(c *Config) { c.SSL, c.StartTLS = true, true }},
		{"trust everybody", "truststoreConfigType:", func(c *Config) { c.SSL, c.Truststore = true, TrustAll }},
		{"unknown trust", "truststoreConfigType:", func(c *Config) { c.Truststore = "None" }},
		{"no trust store", "trustStoreFilePath:", func(c *Config) { c.SSL, c.Truststore = true, TrustCustom }},
		{"missing trust store", "trustStoreFilePath:", func(c *Config) { c.SSL, c.Truststore, c.TrustStorePath = true, TrustCustom, "/nowhere/x.pem" }},
		{"empty trust store", "trustStoreFilePath:", func(c *Config) { c.SSL, c.Truststore, c.TrustStorePath = true, TrustCustom, write("x") }},
		{"Java key store", "keytool", func(c *Config) { c.SSL, c.Truststore, c.TrustStorePath = true, TrustCustom, write("\xfe\xed\xfe\xed") }},
		{"no names", "acceptableHostNames:", func(c *Config) { c.SSL, c.Truststore = true, TrustNames }},
		{"clear text", "sslEnabled:", func(c *Config) { c.SSL = false }},
	}
	base := Config{Host: "ldap.example.org", AdminDN: adminDN, AdminPassword: adminPass, UserBaseDN: peopleBase, MailAttribute: "mail", SSL: true, Production: true}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			config := base
			c.change(&config)
			_, err := New(config, nil)
			if err == nil || !strings.Contains(err.Error(), c.setting) {
				t.Fatalf("error %v does not name %s", err, c.setting)
			}
			if strings.Contains(err.Error(), adminPass) {
				t.Error("the error tells the password")
			}
		})
	}
	d, err := New(base, nil)
	must(t, err)
	if d.config.Port != 636 || d.config.MaxPoolSize != 3 {
		t.Errorf("defaults %+v", d.config)
	}
	clear := base
	clear.SSL, clear.AllowClear = false, true
	d, err = New(clear, nil)
	must(t, err)
	if d.config.Port != 389 {
		t.Errorf("port %d", d.config.Port)
	}
}

func TestEncryption(t *testing.T) {
	ours, theirs := newAuthority(t), newAuthority(t)
	year, past := time.Now().AddDate(1, 0, 0), time.Now().Add(-time.Minute)
	right := startServer(t, withTLS(ours.issue(t, year, true, "ldap.example.org", "*.dc.example.org")))
	named := startServer(t, withTLS(ours.issue(t, year, false, "ldap.example.org")))
	expired := startServer(t, withTLS(ours.issue(t, past, true)))
	upgraded := startServer(t, withStartTLS(t, ours.issue(t, year, true)))
	clear := startServer(t)
	custom := func(c *Config) { c.SSL, c.Truststore, c.TrustStorePath = true, TrustCustom, ours.file(t) }
	cases := []struct {
		name   string
		ok     bool
		server *server
		change func(*Config)
	}{
		{"own authority", true, right, custom},
		{"another authority", false, right, func(c *Config) { custom(c); c.TrustStorePath = theirs.file(t) }},
		{"authorities of the system", false, right, func(c *Config) { c.SSL = true }},
		{"another name", false, named, custom},
		{"expired", false, expired, custom},
		{"whatever comes, in development", true, expired, func(c *Config) { c.SSL, c.Truststore, c.Production = true, TrustAll, false }},
		{"whatever comes, accepted by the operator", true, named, func(c *Config) { c.SSL, c.Truststore, c.AllowAnyCertificate = true, TrustAll, true }},
		{"StartTLS", true, upgraded, func(c *Config) { custom(c); c.SSL, c.StartTLS = false, true }},
		{"StartTLS with another authority", false, upgraded, func(c *Config) { custom(c); c.TrustStorePath = theirs.file(t); c.SSL, c.StartTLS = false, true }},
		{"StartTLS where there is none", false, clear, func(c *Config) { custom(c); c.SSL, c.StartTLS = false, true }},
		{"TLS where there is none", false, clear, custom},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := c.server.directory(t, c.change)
			who, err := d.Check(context.Background(), "ada", "correct horse")
			if c.ok && (err != nil || who.Text("preferred_username") != "ada") {
				t.Fatalf("granted %+v, error %v", who, err)
			}
			if !c.ok && codeOf(err) != auth.CodeDirectory {
				t.Fatalf("granted %+v, error %v", who, err)
			}
		})
	}
}

// TestAcceptedNames judges the certificate of a server by a list of names.
func TestAcceptedNames(t *testing.T) {
	ours := newAuthority(t)
	s := startServer(t, withTLS(ours.issue(t, time.Now().AddDate(1, 0, 0), true, "ldap.example.org", "*.dc.example.org")))
	cases := []struct {
		name      string
		names     []string
		wildcards bool
		ok        bool
	}{
		{"name", []string{"other.example.org", "LDAP.example.org"}, false, true},
		{"no such name", []string{"other.example.org"}, true, false},
		{"address", []string{"127.0.0.1"}, false, true},
		{"wildcard", []string{"a.dc.example.org"}, true, true},
		{"wildcard not allowed", []string{"a.dc.example.org"}, false, false},
		{"wildcard of two labels", []string{"a.b.dc.example.org"}, true, false},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			d := s.directory(t, func(conf *Config) {
				conf.SSL, conf.Truststore, conf.AcceptedHostNames, conf.AllowWildcards = true, TrustNames, c.names, c.wildcards
			})
			if _, err := d.Check(context.Background(), "ada", "correct horse"); codeOf(err) != auth.CodeDirectory {
				t.Fatalf("an authority that the system does not know: %v", err)
			}
			d.pool.tls.RootCAs = x509.NewCertPool() // as if the system knew it
			d.pool.tls.RootCAs.AddCert(ours.cert)
			_, err := d.Check(context.Background(), "ada", "correct horse")
			if c.ok != (err == nil) {
				t.Fatalf("error %v", err)
			}
		})
	}
}

func TestDiagnose(t *testing.T) {
	ours := newAuthority(t)
	soon := startServer(t, withTLS(ours.issue(t, time.Now().AddDate(0, 0, 3), true)))
	s := startServer(t)
	groups := func(c *Config) { c.GroupBaseDN, c.RolesMapping = groupsBase, mapping }
	cases := []struct {
		name   string
		server *server
		change func(*Config)
		want   map[string]bool
	}{
		{"good", s, groups, map[string]bool{"connect": true, "encryption": true, "service account": true, "people": true, "groups": true}},
		{"wrong port", s, func(c *Config) { c.Port = freePort(t) }, map[string]bool{"connect": false}},
		{"wrong service password", s, func(c *Config) { c.AdminPassword = "x" }, map[string]bool{"connect": true, "encryption": true, "service account": false}},
		{"wrong base", s, func(c *Config) { c.UserBaseDN = "ou=none,dc=example,dc=org" },
			map[string]bool{"connect": true, "encryption": true, "service account": true, "people": false}},
		{"wrong group class", s, func(c *Config) { groups(c); c.GroupAttribute, c.GroupAttributeValue = "objectClass", "group" },
			map[string]bool{"connect": true, "encryption": true, "service account": true, "people": true, "groups": false}},
		{"certificate ends", soon, func(c *Config) { c.SSL, c.Truststore, c.TrustStorePath = true, TrustCustom, ours.file(t) },
			map[string]bool{"connect": true, "encryption": false, "service account": true, "people": true}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			got := map[string]bool{}
			for _, step := range c.server.directory(t, c.change).Diagnose(context.Background()) {
				got[step.Name] = step.OK
				if !step.OK && (step.Remedy == "" || step.Detail == "") {
					t.Errorf("step %+v has no remedy or detail", step)
				}
				if strings.Contains(step.Detail, adminPass) {
					t.Error("a password is told")
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
