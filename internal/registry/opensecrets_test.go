package registry_test

import (
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// kafka makes the members of a service with the consumer's settings.
func kafka(settings string) map[string]jsontext.Value {
	return map[string]jsontext.Value{
		"serviceType": jsontext.Value(`"Kafka"`),
		"connection":  jsontext.Value(`{"config":{"bootstrapServers":"h:1","consumerConfig":` + settings + `}}`),
	}
}

// TestNamesOfSecrets: which options of a driver are hidden, by name alone.
func TestNamesOfSecrets(t *testing.T) {
	find := typ(t, "messagingService").Hooks.Secrets
	for name, want := range map[string]bool{
		"password": true, "PASSWORD": true, "sasl.password": true, "ssl_key_password": true, "pwd": true, "Pass": true,
		"passwd": true, "ssl.keystore.passphrase": true, "client-secret": true, "clientSecret": true, "api_key": true,
		"API-Key": true, "access key": true, "AccessToken": true, "private.key": true, "sslkey": true,
		"ssl.key": true, "google_credentials": true, "basic.auth.user.info": true, "sasl.jaas.config": true,
		"user": false, "group.id": false, "compass": false, "bypass": false, "keyspace": false, "key": false,
		"Authorization": true, "cookie": true, "fernetKey": true, "tokenUrl": false, "token_endpoint": false, "password-file": false,
		"primary_key": false, "sslcert": false, "sslmode": false, "": false, "パスワード": false,
	} {
		quoted, err := jsontext.AppendQuote(nil, name)
		if err != nil {
			t.Fatal(err)
		}
		seen := false
		err = find(kafka(`{`+string(quoted)+`:"v"}`), func(_, value string) (string, error) { seen = true; return value, nil })
		if err != nil || seen != want {
			t.Errorf("%q: hidden = %v, want %v; %v", name, seen, want, err)
		}
	}
}

func TestSecretsInListsOfOpenMembers(t *testing.T) {
	for settings, want := range map[string][]string{
		`{"servers":[{"host":"h","password":"a"},{"password":"b"}]}`: {"servers[0].password=a", "servers[1].password=b"},
		`{"passwords":["a","","b"]}`:                                 {"passwords[0]=a", "passwords[2]=b"},
		`{"tokens":[["a"],[{"host":"h"}]]}`:                          {"tokens[0][0]=a"},
		`{"hosts":["a","b"],"ports":[1,2],"password":[],"token":{}}`: nil,
		`{"secret":[null,true,7,"s"]}`:                               {"secret[3]=s"},
	} {
		rest := kafka(settings)
		before := string(rest["connection"])
		var got []string
		err := typ(t, "messagingService").Hooks.Secrets(rest, func(path, value string) (string, error) {
			got = append(got, strings.TrimPrefix(path, "connection.config.consumerConfig.")+"="+value)
			return "", nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: %s", settings, diff)
		}
		if changed := string(rest["connection"]) != before; changed != (want != nil) {
			t.Errorf("%s became %s", settings, rest["connection"])
		}
	}
}

// drawOpen makes settings of any shape, and notes where they hold secrets.
func drawOpen(t *rapid.T, path, name string, depth int, secrets *[]string) any {
	kinds := []string{"text", "text", "number", "null"}
	if depth < 4 {
		kinds = append(kinds, "object", "list")
	}
	switch rapid.SampledFrom(kinds).Draw(t, "kind") {
	case "text":
		text := rapid.String().Draw(t, "text")
		if text != "" && (name == "api_token" || name == "password") {
			*secrets = append(*secrets, path+"="+text)
		}
		return text
	case "number":
		return rapid.IntRange(-9, 9).Draw(t, "number")
	case "object":
		object := map[string]any{}
		names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"host", "api_token", "password", "a\"b", "level"}), 0, 4, rapid.ID).Draw(t, "names")
		for _, inner := range names {
			object[inner] = drawOpen(t, path+"."+inner, inner, depth+1, secrets)
		}
		return object
	case "list":
		list := make([]any, rapid.IntRange(0, 3).Draw(t, "items"))
		for i := range list {
			list[i] = drawOpen(t, path+"["+strconv.Itoa(i)+"]", name, depth+1, secrets)
		}
		return list
	}
	return nil
}

// TestOpenSettingsAreSealedAndOpened: whatever the shape, exactly the secrets are
// sealed, and opening them gives the document that was there before.
func TestOpenSettingsAreSealedAndOpened(t *testing.T) {
	find := typ(t, "messagingService").Hooks.Secrets
	rapid.Check(t, func(t *rapid.T) {
		var want, got []string
		inner := drawOpen(t, "consumerConfig.inner", "inner", 0, &want)
		settings, err := json.Marshal(map[string]any{"inner": inner}, json.Deterministic(true))
		if err != nil {
			t.Fatal(err)
		}
		rest := kafka(string(settings))
		before := string(rest["connection"])
		err = find(rest, func(path, value string) (string, error) {
			got = append(got, strings.TrimPrefix(path, "connection.config.")+"="+value)
			return "sealed:" + value, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatal(diff)
		}
		if strings.Count(string(rest["connection"]), "sealed:") < len(want) {
			t.Fatalf("%d secrets, but %s", len(want), rest["connection"])
		}
		err = find(rest, func(_, value string) (string, error) { return strings.TrimPrefix(value, "sealed:"), nil })
		if err != nil {
			t.Fatal(err)
		}
		var again, first any
		if json.Unmarshal(rest["connection"], &again) != nil || json.Unmarshal([]byte(before), &first) != nil {
			t.Fatalf("no JSON: %s", rest["connection"])
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Fatal(diff)
		}
	})
}

// TestNoSecretIsFoundTwice: a secret that is sealed twice would be opened once.
func TestNoSecretIsFoundTwice(t *testing.T) {
	r, set := load(t)
	checked := 0
	for _, entry := range r.All() {
		kinds, ok := set.Property(entry.Schema, "serviceType")
		if !ok || !strings.HasSuffix(entry.Name, "Service") {
			continue
		}
		for _, product := range kinds.Enum {
			schema, err := set.ConnectionSchema(entry.Name, product)
			if err != nil || schema == "" {
				continue
			}
			for _, member := range []string{"connectionOptions", "connectionArguments", "schemaRegistryConfig", "consumerConfig"} {
				if !set.Has(schema, member) {
					continue
				}
				checked++
				seen := 0
				e := document(t, "x", `{"serviceType":"`+product+`","connection":{"config":{"`+member+`":{"password":"p"}}}}`)
				err := entry.Hooks.Secrets(e.Rest, func(_, value string) (string, error) { seen++; return value + "*", nil })
				if err != nil || seen != 1 {
					t.Errorf("%s %s %s: found %d times, %v", entry.Name, product, member, seen, err)
				}
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d open members", checked)
	}
}
