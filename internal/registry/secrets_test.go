package registry_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestSecrets(t *testing.T) {
	tests := []struct {
		name, typ, rest string
		want            []string // path=value
	}{
		{"password of a service", "databaseService", `{"serviceType":"Mysql","connection":{"config":{"username":"u","authType":{"password":"p"}}}}`,
			[]string{"connection.config.authType.password=p"}},
		{"token of a dashboard", "dashboardService", `{"serviceType":"Tableau","connection":{"config":{"authType":{"personalAccessTokenName":"n","personalAccessTokenSecret":"s"}}}}`,
			[]string{"connection.config.authType.personalAccessTokenSecret=s"}},
		{"credentials in the middle", "storageService", `{"serviceType":"S3","connection":{"config":{"awsConfig":{"awsRegion":"eu","awsSecretAccessKey":"k"}}}}`,
			[]string{"connection.config.awsConfig.awsSecretAccessKey=k"}},
		{"key file of a cloud", "databaseService", `{"serviceType":"BigQuery","connection":{"config":{"credentials":{"gcpConfig":{"privateKey":"k","clientEmail":"e"}}}}}`,
			[]string{"connection.config.credentials.gcpConfig.privateKey=k"}},
		{"options of a driver", "databaseService", `{"serviceType":"CustomDatabase","connection":{"config":{"connectionOptions":{"password":"p","api_token":"t","region":"eu","":"x"},"connectionArguments":{"tls":{"sslkey":"k","verify":"true","level":1}}}}}`,
			[]string{"connection.config.connectionArguments.tls.sslkey=k", "connection.config.connectionOptions.api_token=t", "connection.config.connectionOptions.password=p"}},
		{"settings of a consumer", "messagingService", `{"serviceType":"Kafka","connection":{"config":{"consumerConfig":{"sasl.password":"p","group.id":"g"},"schemaRegistryConfig":{"basic.auth.user.info":"u:p"}}}}`,
			[]string{"connection.config.consumerConfig.sasl.password=p", "connection.config.schemaRegistryConfig.basic.auth.user.info=u:p"}},
		{"no connection", "databaseService", `{"serviceType":"Mysql"}`, nil},
		{"empty connection", "databaseService", `{"serviceType":"Mysql","connection":{}}`, nil},
		{"type without settings", "apiService", `{"serviceType":"WEBHOOK","connection":{"config":{"password":"p","passwordFile":"f"}}}`,
			[]string{"connection.config.password=p"}},
		{"headers of a model", "llmService", `{"serviceType":"CustomLLM","connection":{"config":{"headers":{"Authorization":"Bearer p","X-Team":"t"}}}}`,
			[]string{"connection.config.headers.Authorization=Bearer p"}},
		{"metastore of another kind", "databaseService", `{"serviceType":"Hive","connection":{"config":{"metastoreConnection":{"username":"u","ssl":{"token":"t"}},"authOptions":"a"}}}`,
			[]string{"connection.config.metastoreConnection.ssl.token=t"}},
		{"bucket of samples", "database", `{"databaseProfilerConfig":{"sampleDataStorageConfig":{"config":{"storageConfig":{"awsAccessKeyId":"i","awsSecretAccessKey":"k"}}}},"extension":{"password":"p"}}`,
			[]string{"databaseProfilerConfig.sampleDataStorageConfig.config.storageConfig.awsSecretAccessKey=k"}},
		{"bucket of another kind", "databaseSchema", `{"databaseSchemaProfilerConfig":{"sampleDataStorageConfig":{"config":{"storageConfig":{"clientSecret":"k"}}}}}`,
			[]string{"databaseSchemaProfilerConfig.sampleDataStorageConfig.config.storageConfig.clientSecret=k"}},
		{"webhook of a team", "team", `{"profile":{"subscription":{"slack":{"secretKey":"k"}}}}`,
			[]string{"profile.subscription.slack.secretKey=k"}},
		{"webhook of a person", "user", `{"profile":{"subscription":{"generic":{"headers":{"x-api-key":"k"}}}}}`,
			[]string{"profile.subscription.generic.headers.x-api-key=k"}},
		{"addresses of a person", "user", `{"profile":{"subscription":{"slack":{"endpoint":"https://chat.example/services/T0"},"gChat":{"endpoint":"https://chat.example"}}}}`,
			[]string{"profile.subscription.slack.endpoint=services/T0"}},
		{"addresses on offer", "appMarketPlaceDefinition", `{"eventSubscriptions":[{"destinations":[{"config":{"endpoint":"https://chat.example/T0"}}]}]}`,
			[]string{"eventSubscriptions[0].destinations[0].config.endpoint=T0"}},
		{"application on offer", "appMarketPlaceDefinition", `{"appConfiguration":{"token":"k"},"eventSubscriptions":[{"destinations":[{"config":{"secretKey":"s"}}]}]}`,
			[]string{"appConfiguration.token=k", "eventSubscriptions[0].destinations[0].config.secretKey=s"}},
		{"application's own settings", "app", `{"appConfiguration":{"inner":[{"apiKey":"k"}],"batchSize":"5"},"privateConfiguration":{"x":{"clientSecret":"s"}}}`,
			[]string{"appConfiguration.inner[0].apiKey=k", "privateConfiguration.x.clientSecret=s"}},
		{"token of the server connection", "ingestionPipeline", `{"openMetadataServerConnection":{"securityConfig":{"jwtToken":"j"}}}`,
			[]string{"openMetadataServerConnection.securityConfig.jwtToken=j"}},
		{"dbt in the cloud", "ingestionPipeline", `{"sourceConfig":{"config":{"type":"DBT","dbtConfigSource":{"dbtCloudAuthToken":"d"}}}}`,
			[]string{"sourceConfig.config.dbtConfigSource.dbtCloudAuthToken=d"}},
		{"dbt in a bucket", "ingestionPipeline", `{"sourceConfig":{"config":{"type":"DBT","dbtConfigSource":{"dbtSecurityConfig":{"awsSecretAccessKey":"k"}}}}}`,
			[]string{"sourceConfig.config.dbtConfigSource.dbtSecurityConfig.awsSecretAccessKey=k"}},
		{"settings nobody knows", "ingestionPipeline", `{"sourceConfig":{"config":{"type":"Other","dbtConfigSource":{"dbtCloudAuthToken":"d"},"inner":{"authToken":"t","markDeletedTables":true}}}}`,
			[]string{"sourceConfig.config.dbtConfigSource.dbtCloudAuthToken=d", "sourceConfig.config.inner.authToken=t"}},
		{"plain settings", "ingestionPipeline", `{"sourceConfig":{"config":{"type":"DatabaseMetadata"}},"airflowConfig":{}}`, nil},
		{"webhook", "eventsubscription", `{"destinations":[{"type":"Webhook","config":{"endpoint":"http://x","secretKey":"k","headers":{"Authorization":"a","Accept":"*/*"},"queryParams":{"token":"t"}}}]}`,
			[]string{"destinations[0].config.headers.Authorization=a", "destinations[0].config.queryParams.token=t", "destinations[0].config.secretKey=k"}},
		{"addresses of alerts", "eventsubscription", `{"destinations":[{"config":{"endpoint":"https://chat.example/services/T0/x?y=z"}},{"config":{"endpoint":"http://x/"}},{"config":{"endpoint":"http://x?t=1"}},{"config":{"endpoint":"/services"}},{"config":{"endpoint":"https://"}},{"config":{"endpoint":7}},{"config":[]},{},8]}`,
			[]string{"destinations[0].config.endpoint=services/T0/x?y=z", "destinations[2].config.endpoint=t=1"}},
		{"token of a user", "user", `{"email":"a@b.c","authenticationMechanism":{"authType":"JWT","config":{"JWTToken":"j","JWTTokenExpiry":"7"}}}`,
			[]string{"authenticationMechanism.config.JWTToken=j"}},
		{"connection to be tested", "workflow", `{"request":{"connectionType":"Mysql","serviceType":"Database","connection":{"config":{"authType":{"password":"p"}}}}}`,
			[]string{"request.connection.config.authType.password=p"}},
		{"unknown thing to be tested", "workflow", `{"request":{"connectionType":"Frob","serviceType":"Database","connection":{"config":{"password":"p"}}}}`,
			[]string{"request.connection.config.password=p"}},
		{"connection in another place", "workflow", `{"request":{"connectionType":"Mysql","serviceType":"Database","connection":{"password":"p"}}}`,
			[]string{"request.connection.password=p"}},
		{"token of an application's connection", "app", `{"openMetadataServerConnection":{"securityConfig":{"jwtToken":"j"}}}`,
			[]string{"openMetadataServerConnection.securityConfig.jwtToken=j"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			e := document(t, "x", test.rest)
			before := document(t, "x", test.rest)
			find := typ(t, test.typ).Hooks.Secrets
			var got []string
			err := find(e.Rest, func(path, value string) (string, error) {
				got = append(got, path+"="+value)
				return "sealed:" + value, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			slices.Sort(got)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			// Opening what was sealed gives the document as it was.
			err = find(e.Rest, func(_, value string) (string, error) {
				plain, ok := strings.CutPrefix(value, "sealed:")
				if !ok {
					t.Errorf("%s was not sealed", value)
				}
				return plain, nil
			})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before.Rest, e.Rest); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSecretsPassErrorsOn(t *testing.T) {
	stop := errors.New("stop")
	for name, rest := range map[string]string{
		"databaseService":   `{"serviceType":"Mysql","connection":{"config":{"authType":{"password":"p"}}}}`,
		"ingestionPipeline": `{"sourceConfig":{"config":{"dbtConfigSource":{"dbtCloudAuthToken":"d"}}}}`,
		"workflow":          `{"request":{"connectionType":"Mysql","serviceType":"Database","connection":{"config":{"authType":{"password":"p"}}}}}`,
		"user":              `{"authenticationMechanism":{"config":{"JWTToken":"j"}}}`,
	} {
		err := typ(t, name).Hooks.Secrets(document(t, "x", rest).Rest, func(string, string) (string, error) { return "", stop })
		if !errors.Is(err, stop) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestServicesHideTheirSecrets: every service type whose settings have a member
// called password hides it.
func TestServicesHideTheirSecrets(t *testing.T) {
	r, set := load(t)
	checked := 0
	for _, entry := range r.All() {
		if !strings.HasSuffix(entry.Name, "Service") {
			continue
		}
		kinds, ok := set.Property(entry.Schema, "serviceType")
		if !ok || len(kinds.Enum) == 0 {
			t.Errorf("%s has no service types", entry.Name)
		}
		for _, product := range kinds.Enum {
			schema, err := set.ConnectionSchema(entry.Name, product)
			if err != nil {
				t.Errorf("%s: %v", entry.Name, err)
				continue
			}
			if schema == "" || !set.Has(schema, "password") {
				continue
			}
			checked++
			e := document(t, "x", `{"serviceType":"`+product+`","connection":{"config":{"password":"p"}}}`)
			if err := entry.Hooks.Secrets(e.Rest, func(string, string) (string, error) { return "*", nil }); err != nil {
				t.Fatal(err)
			}
			if got := string(e.Rest["connection"]); got != `{"config":{"password":"*"}}` {
				t.Errorf("%s %s: %s", entry.Name, product, got)
			}
		}
	}
	if checked < 20 {
		t.Errorf("only %d service types have a password", checked)
	}
}
