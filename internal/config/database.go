package config

import (
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

const (
	keyStore    = "store.engine"
	keyDatabase = "database."
)

// database reads the section of that name, which is OpenMetadata's.
func (b *binder) database() Database {
	engine := b.choice(keyStore, EngineEmbedded, EngineEmbedded, EnginePostgreSQL)
	if engine == EngineEmbedded {
		return Database{Engine: engine} // what else the file says about a database server does not matter
	}
	return Database{
		Engine: engine, User: b.text(keyDatabase+"user", ""), Password: b.secret(keyDatabase + "password"),
		MaxConnections: b.number(keyDatabase+"maxSize", 16, 2, 1000), URL: b.databaseURL(),
	}
}

// databaseURL is the address in PostgreSQL's own form, without user and password.
func (b *binder) databaseURL() string {
	address := b.text(keyDatabase+"url", "")
	if address == "" {
		name := b.text(keyDatabase+"name", "catalpa")
		port := strconv.Itoa(b.number(keyDatabase+"port", 5432, 1, 65535))
		u := url.URL{Scheme: "postgres", Host: net.JoinHostPort(b.text(keyDatabase+"host", "localhost"), port), Path: "/" + name}
		u.RawQuery = b.parameters(b.text(keyDatabase+"params", "")).Encode()
		return u.String()
	}
	u, err := url.Parse(strings.TrimPrefix(address, "jdbc:"))
	switch {
	case err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" || u.Host == "" || strings.Trim(u.Path, "/") == "":
		b.refuse(keyDatabase+"url", "this is no address of a PostgreSQL database, such as postgres://db.example:5432/catalpa.")
		return ""
	case u.User != nil:
		b.refuse(keyDatabase+"url", "the address must not hold a user or a password; give them as user and password.")
		return ""
	}
	u.Scheme = "postgres"
	u.RawQuery = b.parameters(u.RawQuery).Encode()
	return u.String()
}

// parameters keeps those parameters of a connection that mean something to PostgreSQL's
// own clients, and puts those that Java's driver calls otherwise in their terms.
func (b *binder) parameters(text string) url.Values {
	given, err := url.ParseQuery(text)
	if err != nil {
		b.refuse(keyDatabase+"params", "the parameters of the connection cannot be read: they are name=value, with & between.")
		return nil
	}
	kept := url.Values{}
	var left []string
	for name, values := range given {
		value := values[len(values)-1]
		switch name {
		case "sslmode", "sslrootcert", "sslcert", "sslkey", "search_path", "application_name", "connect_timeout", "target_session_attrs", "default_query_exec_mode":
			kept.Set(name, value)
		case "currentSchema":
			kept.Set("search_path", value)
		case "ApplicationName":
			kept.Set("application_name", value)
		case "connectTimeout":
			kept.Set("connect_timeout", value)
		case "ssl":
			if value == "true" && given.Get("sslmode") == "" {
				kept.Set("sslmode", "require")
			}
		default:
			left = append(left, name)
		}
	}
	if len(left) > 0 {
		slices.Sort(left)
		b.report(Notice, "CFG-IGNORED", keyDatabase+"params", "ignored: "+clip(strings.Join(left, ", "))+", which mean nothing to PostgreSQL.", "")
	}
	return kept
}

// checkDatabase warns of what would only show when somebody listens in.
func (b *binder) checkDatabase(cfg *Config) {
	d := cfg.Database
	if d.Engine == EngineEmbedded {
		b.unused(keyDatabase, keyStore+" is embedded, which keeps the catalog below dataDir.", "url", "host", "name", "user")
		return
	}
	if d.User == "" && d.Password != "" {
		b.refuse(keyDatabase+"user", "a password needs a user.")
	}
	u, err := url.Parse(d.URL)
	if err != nil || d.URL == "" {
		return // said before
	}
	switch u.Query().Get("sslmode") {
	case "require", "verify-ca", "verify-full":
	default:
		if !isLoopbackHost(u.Hostname()) {
			b.warn("CFG-DATABASE-PLAIN", keyDatabase+"url", "the catalog may travel to the database unencrypted.", "add sslmode=verify-full (or require) to the parameters.")
		}
	}
}
