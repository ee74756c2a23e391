package jsonschema_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestVisitSecrets(t *testing.T) {
	const mysql = "entity/services/connections/database/mysqlConnection.json"
	tests := []struct {
		name, schema, doc, want string
		paths                   []string
	}{
		{"alternative of a union", mysql, `{"username":"u", "authType":{"password":"p"},"hostPort":"h"}`,
			`{"username":"u", "authType":{"password":"P"},"hostPort":"h"}`, []string{"authType.password"}},
		{"another alternative", mysql, `{"authType":{"awsConfig":{"awsSecretAccessKey":"k","awsRegion":"eu"}}}`,
			`{"authType":{"awsConfig":{"awsSecretAccessKey":"K","awsRegion":"eu"}}}`, []string{"authType.awsConfig.awsSecretAccessKey"}},
		{"two", mysql, `{"authType":{"password":"p"},"sslConfig":{"sslKey":"s"}}`,
			`{"authType":{"password":"P"},"sslConfig":{"sslKey":"S"}}`, []string{"authType.password", "sslConfig.sslKey"}},
		{"escapes", mysql, `{"authType":{"password":"a\"\u00e4"}}`, `{"authType":{"password":"A\"Ä"}}`, []string{"authType.password"}},
		{"none there", mysql, `{"username":"u","authType":{"password":""}}`, `{"username":"u","authType":{"password":""}}`, nil},
		{"of another kind", mysql, `{"authType":{"password":5}}`, `{"authType":{"password":5}}`, nil},
		{"not an object", mysql, `[1]`, `[1]`, nil},
		{"in a list", "events/eventSubscription.json", `{"destinations":[{"config":{"secretKey":"a"}},{"config":{"secretKey":"b"}}]}`,
			`{"destinations":[{"config":{"secretKey":"A"}},{"config":{"secretKey":"B"}}]}`,
			[]string{"destinations[0].config.secretKey", "destinations[1].config.secretKey"}},
		{"schema without secrets", "entity/data/table.json", `{"password":"p"}`, `{"password":"p"}`, nil},
	}
	set := load(t)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var paths []string
			got, err := set.VisitSecrets(test.schema, []byte(test.doc), func(path, value string) (string, error) {
				paths = append(paths, path)
				return strings.ToUpper(value), nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("got %s", got)
			}
			if diff := cmp.Diff(test.paths, paths); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestVisitSecretsPassesErrorsOn(t *testing.T) {
	set, stop := load(t), errors.New("stop")
	_, err := set.VisitSecrets("auth/loginRequest.json", []byte(`{"password":"p"}`), func(string, string) (string, error) { return "", stop })
	if !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	if _, err := set.VisitSecrets("auth/loginRequest.json", []byte(`{"password"`), nil); err == nil {
		t.Error("broken JSON was accepted")
	}
	if _, err := set.VisitSecrets("no/such.json", []byte(`{}`), nil); err == nil {
		t.Error("a missing schema was accepted")
	}
}

// TestEveryConnectionWithAPasswordHasSecrets guards against a schema that lost
// its marks: a member that is called a password or a secret is one.
func TestEveryConnectionWithAPasswordHasSecrets(t *testing.T) {
	set := load(t)
	names, err := set.Names()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.Contains(name, "/connections/") {
			continue
		}
		for _, property := range set.Properties(name) {
			lower := strings.ToLower(property)
			if !strings.HasSuffix(lower, "password") && !strings.HasSuffix(lower, "secret") {
				continue
			}
			if p, _ := set.Property(name, property); p.Schema != "" {
				continue // an object; its own members are looked at
			}
			seen := false
			doc := []byte(`{"` + property + `":"x"}`)
			if _, err := set.VisitSecrets(name, doc, func(_, v string) (string, error) { seen = true; return v, nil }); err != nil {
				t.Fatal(err)
			}
			if !seen {
				t.Errorf("%s: %s is not marked as a secret", name, property)
			}
		}
	}
	if has, err := set.HasSecrets("type/tagLabel.json"); has || err != nil {
		t.Errorf("tag labels have secrets: %v", err)
	}
}
