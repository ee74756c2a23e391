package config

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strings"
	"time"
)

const (
	keyEngine  = "search.engine"
	keyCluster = "elasticsearch."
)

// search reads the section that OpenMetadata calls elasticsearch, whichever server it is about.
func (b *binder) search() Search {
	engine := b.choice(keyEngine, EngineEmbedded, EngineEmbedded, EngineOpenSearch)
	if engine == EngineEmbedded {
		return Search{Engine: engine} // what else the file says about a search server does not matter
	}
	at := func(name string) string { return keyCluster + name }
	port := b.number(at("port"), 9200, 1, 65535)
	scheme := b.choice(at("scheme"), "http", "http", "https")
	s := Search{
		Engine:   engine,
		Username: b.text(at("username"), ""), Password: b.secret(at("password")), APIKey: b.secret(at("apiKey")),
		CAPath: b.text(at("caCertificatePath"), ""), Alias: b.text(at("clusterAlias"), ""),
		ConnectTimeout: b.duration(at("connectionTimeoutSecs"), 5*time.Second, time.Second, 5*time.Minute),
		Timeout:        b.duration(at("socketTimeoutSecs"), 30*time.Second, time.Second, 10*time.Minute),
		PayloadBytes:   int(b.size(at("payLoadSize"), 4<<20, 64<<10, 100<<20)),
	}
	for _, host := range b.list(at("host"), []string{"localhost"}) {
		address := host
		if !strings.Contains(host, "://") {
			if _, _, err := net.SplitHostPort(host); err != nil {
				host = net.JoinHostPort(strings.Trim(host, "[]"), fmt.Sprint(port))
			}
			address = scheme + "://" + host
		}
		s.Addresses = append(s.Addresses, strings.TrimSuffix(address, "/"))
	}
	return s
}

// indexName is what the cluster takes at the beginning of an index's name.
var indexName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,99}$`)

// checkSearch refuses what would only show when somebody searches.
func (b *binder) checkSearch(cfg *Config) {
	s := cfg.Search
	if s.Engine == EngineEmbedded {
		b.unused(keyCluster, "search.engine is embedded, which needs no search server.", "host", "port", "scheme", "username", "password", "apiKey", "clusterAlias")
		return
	}
	if kind := b.choice(keyCluster+"searchType", "", "opensearch", "elasticsearch"); kind == "elasticsearch" {
		b.report(Error, "CFG-NOT-BUILT", keyCluster+"searchType", "there is no engine for Elasticsearch.", "use OpenSearch 2, and say opensearch here (SEARCH_TYPE).")
	}
	b.checkAddresses(s)
	b.checkCredentials(s)
	if s.Alias != "" && !indexName.MatchString(s.Alias) {
		b.refuse(keyCluster+"clusterAlias", "%q cannot begin the name of an index: use small letters, digits, dashes and underscores.", clip(s.Alias))
	}
	if s.CAPath != "" && !exists(s.CAPath) {
		b.refuse(keyCluster+"caCertificatePath", "%s is not there or is not a regular file.", clip(s.CAPath))
	}
}

// checkAddresses refuses what is no address, and warns of connections that others can read.
func (b *binder) checkAddresses(s Search) {
	plain := false
	for _, address := range s.Addresses {
		u, err := url.Parse(address)
		if err == nil && u.User != nil {
			b.refuse(keyCluster+"host", "an address must not hold a password; give it as password.")
			continue
		}
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.RawQuery != "" {
			b.refuse(keyCluster+"host", "%q is neither a host, with or without a port, nor an address such as https://search.example:9200.", clip(address))
			continue
		}
		plain = plain || u.Scheme == "http" && !isLoopbackHost(u.Hostname())
	}
	if plain {
		b.warn("CFG-SEARCH-PLAIN", keyCluster+"scheme", "the catalog travels to the search server unencrypted.", "use https.")
	}
}

func (b *binder) checkCredentials(s Search) {
	if s.APIKey != "" && s.Username != "" {
		b.refuse(keyCluster+"apiKey", "give either a user and a password or a key, not both.")
	}
	if s.Username == "" && s.Password != "" {
		b.refuse(keyCluster+"username", "a password needs a user.")
	}
}
