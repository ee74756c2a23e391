// Package config reads the server's settings: one YAML file whose keys, and
// environment variables whose names, are those of OpenMetadata's server
// configuration where they mean the same, so that an operator's file works
// unchanged. Everything wrong with a configuration is reported at once, each
// finding with its key, its line and what to do.
//
// Order of strength: built-in default, file, environment, saved form (what an
// administrator saved through the API), command line.
//
// The package imports nothing of ours.
package config

import (
	"net/netip"
	"net/url"
	"time"
)

// Mode says how strict the server is with itself.
type Mode string

// The modes.
const (
	Production  Mode = "production"
	Development Mode = "development"
)

// Config is a validated configuration.
type Config struct {
	ClusterName    string
	Mode           Mode
	DataDir        string
	Server         Server
	Operations     Operations
	Log            Log
	Limits         Limits
	Database       Database
	Search         Search
	Authentication Authentication
	Authorizer     Authorizer
	JWT            JWT
	Login          Login
	Email          Email
	// FernetKey is the key that seals secrets in the store; empty when the
	// server is to keep one of its own in the data directory.
	FernetKey Secret

	// Sources says for each key that is not at its default where its value comes
	// from: "file line 12", "environment SERVER_PORT", "saved form", "command
	// line". Source answers for every key.
	Sources map[string]string

	accept  []string // codes of findings the operator accepts, see Guard
	offline bool     // Options.Offline
}

// Server says where and how the API is served.
type Server struct {
	Host            string
	Port            int
	ShutdownTimeout time.Duration // how long running requests may take to finish
	// DrainDelay is how long a server that was told to stop goes on serving while it
	// says that it is not ready, so that those who share out requests notice.
	DrainDelay time.Duration
	// URL is the public origin of the server, without a slash at its end: what
	// browsers have in their address bar and mails link to.
	URL string
	// TrustedProxies are the addresses whose X-Forwarded-* headers count.
	TrustedProxies []netip.Prefix
	// AllowedOrigins are the origins of foreign pages that may read answers (CORS).
	AllowedOrigins []string
	// OutboundAllow are hosts, optionally with a port, that outgoing requests may
	// reach at private and loopback addresses.
	OutboundAllow []string
}

// Operations says where those who run the server look at it.
type Operations struct {
	Address string // host:port; "" for nowhere
	Pprof   bool   // profiles of the process, too
}

// Log says what the log looks like.
type Log struct {
	Level  string // debug, info, warn, error
	Format string // text, json
}

// Limits bound what one request may cost.
type Limits struct {
	MaxBodyBytes    int64
	MaxUploadBytes  int64 // CSV and log uploads
	MaxHeaderBytes  int
	MaxURLBytes     int
	MaxConcurrent   int // requests worked on at the same time
	RequestTimeout  time.Duration
	MaxPageSize     int
	MaxBulkRequests int
}

// Engines of the store and of search.
const (
	EngineEmbedded   = "embedded"
	EnginePostgreSQL = "postgresql"
	EngineOpenSearch = "opensearch"
)

// Database says where the catalog is kept. All but the engine is about the database
// server.
type Database struct {
	Engine         string
	URL            string // postgres://host:port/name?parameters, without user and password
	User           string
	Password       Secret
	MaxConnections int
}

// Source is the URL with user and password.
func (d Database) Source() string {
	u, err := url.Parse(d.URL)
	if err != nil {
		return d.URL
	}
	if d.Password != "" {
		u.User = url.UserPassword(d.User, d.Password.Reveal())
	} else if d.User != "" {
		u.User = url.User(d.User)
	}
	return u.String()
}

// Search says what searches. All but the engine is about the search server.
type Search struct {
	Engine         string
	Addresses      []string // https://host:9200
	Username       string
	Password       Secret
	APIKey         Secret
	CAPath         string // PEM file; "" for the authorities the system trusts
	Alias          string // before the name of the index
	ConnectTimeout time.Duration
	Timeout        time.Duration // of one request
	PayloadBytes   int           // of one request that writes
}

// JWT says how the server signs its tokens. Empty members are filled by the
// server from the key pair it keeps in the data directory.
type JWT struct {
	PublicKeyPath  string
	PrivateKeyPath string
	Issuer         string
	KeyID          string

	AllowUnlimitedBotTokens bool // bot tokens without an end may be made
	RevealBotTokens         bool // administrators may read bot tokens again
	// RotationOverlap is how long a bot's old token stays valid beside its new one.
	RotationOverlap time.Duration
}

// Login bounds password attempts and the life of the tokens they earn.
type Login struct {
	MaxFailedAttempts int
	AccessBlockTime   time.Duration
	TokenExpiry       time.Duration
}

// Email says how mails are sent.
type Email struct {
	Enabled    bool
	Entity     string // name of this installation in mails
	SupportURL string
	Sender     string // address in From
	Host       string
	Port       int
	Username   string
	Password   Secret
	Strategy   string // SMTP, SMTPS or SMTP_TLS (STARTTLS demanded)
}

// Secret is a text that prints as asterisks.
type Secret string

// String hides the secret from logs and error messages.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return "*********"
}

// GoString hides the secret from %#v.
func (s Secret) GoString() string { return s.String() }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return string(s) }

// Options says where settings come from.
type Options struct {
	File      string                      // path of the YAML file; "" for none
	LookupEnv func(string) (string, bool) // os.LookupEnv when nil
	// Flags are settings given on the command line, by key, e.g. "dataDir" or
	// "server.applicationConnectors[0].port". They beat everything else.
	Flags map[string]string
	// Saved is what an administrator saved through the API, a JSON document
	// {"authenticationConfiguration": {...}, "authorizerConfiguration": {...}}. It
	// beats file and environment key by key.
	Saved []byte
	// Accept are codes of findings (SEC-CFG-...) that shall not stop the server.
	Accept []string
	// Offline is for commands that serve nobody: what the server would refuse to
	// start with for safety's sake is only warned of.
	Offline bool
}
