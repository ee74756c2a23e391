package config

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestDatabaseServer: the names of OpenMetadata's server say where the database is.
func TestDatabaseServer(t *testing.T) {
	load := func(env map[string]string) (*Config, Findings) {
		all := map[string]string{"CATALPA_STORE_ENGINE": "postgresql"}
		maps.Copy(all, env)
		cfg, findings, _ := Load(Options{LookupEnv: lookupIn(all)})
		return cfg, findings
	}
	for name, c := range map[string]struct {
		env  map[string]string
		want Database
	}{
		"defaults": {nil, Database{URL: "postgres://localhost:5432/catalpa", MaxConnections: 16}},
		"parts": {map[string]string{"DB_HOST": "db.example", "DB_PORT": "6432", "OM_DATABASE": "catalog", "DB_USER": "ann", "DB_USER_PASSWORD": "s3c/ret", "DB_PARAMS": "sslmode=verify-full", "DB_CONNECTION_POOL_MAX_SIZE": "50"},
			Database{URL: "postgres://db.example:6432/catalog?sslmode=verify-full", User: "ann", Password: "s3c/ret", MaxConnections: 50}},
		"Java's address": {map[string]string{"CATALPA_DATABASE_URL": "jdbc:postgresql://db.example/catalog?ssl=true&currentSchema=data&allowPublicKeyRetrieval=true"},
			Database{URL: "postgres://db.example/catalog?search_path=data&sslmode=require", MaxConnections: 16}},
	} {
		cfg, findings := load(c.env)
		if len(findings.Errors()) > 0 || len(findings.Warnings()) > 0 {
			t.Errorf("%s: %v", name, findings)
			continue
		}
		c.want.Engine = EnginePostgreSQL
		if diff := cmp.Diff(c.want, cfg.Database); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	cfg, _ := load(map[string]string{"DB_USER": "ann", "DB_USER_PASSWORD": "s3c/ret"})
	if got := cfg.Database.Source(); got != "postgres://ann:s3c%2Fret@localhost:5432/catalpa" {
		t.Errorf("the address with its password is %s", got)
	}
	for name, c := range map[string]struct{ variable, value, key string }{
		"another database":    {"CATALPA_DATABASE_URL", "jdbc:mysql://db.example/catalog", "database.url"},
		"no name":             {"CATALPA_DATABASE_URL", "postgres://db.example", "database.url"},
		"secret in the URL":   {"CATALPA_DATABASE_URL", "postgres://ann:hidden-one@db.example/catalog", "database.url"},
		"no address":          {"CATALPA_DATABASE_URL", "postgres://[", "database.url"},
		"nobody's password":   {"DB_USER_PASSWORD", "hidden-one", "database.user"},
		"one connection":      {"DB_CONNECTION_POOL_MAX_SIZE", "1", "database.maxSize"},
		"another engine":      {"CATALPA_STORE_ENGINE", "mysql", "store.engine"},
		"strange parameters":  {"DB_PARAMS", "a=%zz", "database.params"},
		"port that is a word": {"DB_PORT", "five", "database.port"},
	} {
		_, findings := load(map[string]string{c.variable: c.value})
		if errs := findings.Errors(); len(errs) == 0 || errs[0].Key != c.key {
			t.Errorf("%s: %v, want an error of %s", name, findings, c.key)
		}
		for _, f := range findings {
			if strings.Contains(f.String(), "hidden-one") {
				t.Errorf("%s: the finding tells the password: %s", name, f)
			}
		}
	}
	if _, findings := load(map[string]string{"DB_HOST": "db.example"}); !hasFinding(findings, Warning, "database.url", "unencrypted") {
		t.Errorf("no warning of a connection that others can read: %v", findings)
	}
}

// TestDatabaseSectionWithoutAServer: a file of OpenMetadata's server starts a catalog
// that keeps its data itself, whatever its database section says.
func TestDatabaseSectionWithoutAServer(t *testing.T) {
	cfg, findings, err := Load(Options{LookupEnv: lookupIn(map[string]string{"CATALPA_DATABASE_URL": "jdbc:mysql://db.example/x", "DB_PORT": "none"})})
	if err != nil || cfg.Database != (Database{Engine: EngineEmbedded}) {
		t.Errorf("%+v, %v", cfg.Database, findings)
	}
	if !hasFinding(findings, Notice, "database.url", "store.engine is embedded") {
		t.Errorf("nobody is told that the section does nothing: %v", findings)
	}
}
