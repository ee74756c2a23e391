package config

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// TestSearchServer: the names of OpenMetadata's server say where the search server is.
func TestSearchServer(t *testing.T) {
	cluster := map[string]string{"CATALPA_SEARCH_ENGINE": "opensearch"}
	load := func(env map[string]string) (*Config, Findings) {
		all := maps.Clone(cluster)
		maps.Copy(all, env)
		cfg, findings, _ := Load(Options{LookupEnv: lookupIn(all)})
		return cfg, findings
	}
	authority := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authority, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, findings := load(map[string]string{"CATALPA_SEARCH_CA": authority, "SEARCH_TYPE": "opensearch", "ELASTICSEARCH_HOST": "one.example,two.example:9201,https://three.example/", "ELASTICSEARCH_PORT": "9243",
		"ELASTICSEARCH_SCHEME": "https", "ELASTICSEARCH_USER": "catalpa", "ELASTICSEARCH_PASSWORD": "s3cret", "ELASTICSEARCH_CLUSTER_ALIAS": "test",
		"ELASTICSEARCH_CONNECTION_TIMEOUT_SECS": "3", "ELASTICSEARCH_SOCKET_TIMEOUT_SECS": "20", "ELASTICSEARCH_PAYLOAD_BYTES_SIZE": "1048576"})
	if len(findings.Errors()) > 0 || len(findings.Warnings()) > 0 {
		t.Fatal(findings)
	}
	want := Search{Engine: EngineOpenSearch, Addresses: []string{"https://one.example:9243", "https://two.example:9201", "https://three.example"}, Username: "catalpa",
		Password: "s3cret", CAPath: authority, Alias: "test", ConnectTimeout: 3 * time.Second, Timeout: 20 * time.Second, PayloadBytes: 1 << 20}
	if diff := cmp.Diff(want, cfg.Search); diff != "" {
		t.Error(diff)
	}
	for name, c := range map[string]struct {
		env map[string]string
		key string
	}{
		"another server":     {map[string]string{"SEARCH_TYPE": "elasticsearch"}, "elasticsearch.searchType"},
		"no host":            {map[string]string{"ELASTICSEARCH_HOST": "http:///x"}, "elasticsearch.host"},
		"secret in the host": {map[string]string{"ELASTICSEARCH_HOST": "https://ann:secret@search.example"}, "elasticsearch.host"},
		"two credentials":    {map[string]string{"ELASTICSEARCH_USER": "a", "ELASTICSEARCH_PASSWORD": "b", "CATALPA_SEARCH_API_KEY": "c"}, "elasticsearch.apiKey"},
		"nobody's password":  {map[string]string{"ELASTICSEARCH_PASSWORD": "b"}, "elasticsearch.username"},
		"name of an index":   {map[string]string{"ELASTICSEARCH_CLUSTER_ALIAS": "A/b"}, "elasticsearch.clusterAlias"},
		"no such file":       {map[string]string{"CATALPA_SEARCH_CA": "/nowhere.pem"}, "elasticsearch.caCertificatePath"},
		"another engine":     {map[string]string{"CATALPA_SEARCH_ENGINE": "solr"}, "search.engine"},
		"no time":            {map[string]string{"ELASTICSEARCH_SOCKET_TIMEOUT_SECS": "0"}, "elasticsearch.socketTimeoutSecs"},
	} {
		_, findings := load(c.env)
		if errs := findings.Errors(); len(errs) == 0 || errs[0].Key != c.key {
			t.Errorf("%s: %v, want an error of %s", name, findings, c.key)
		}
		for _, f := range findings {
			if strings.Contains(f.String(), "secret@") {
				t.Errorf("%s: the finding tells the secret: %s", name, f)
			}
		}
	}
	if _, findings := load(map[string]string{"ELASTICSEARCH_HOST": "search.example"}); !hasFinding(findings, Warning, "elasticsearch.scheme", "unencrypted") {
		t.Errorf("no warning of plain HTTP: %v", findings)
	}
	if cfg, findings := load(nil); len(findings.Warnings()) > 0 || cfg.Search.Addresses[0] != "http://localhost:9200" {
		t.Errorf("on this machine: %v, %v", cfg.Search.Addresses, findings)
	}
}
