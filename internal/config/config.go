// Package config reads the server's settings: one YAML file whose keys, and
// environment variables whose names, are those of OpenMetadata's server
// configuration where they mean the same, so that an operator's file works
// unchanged. Everything wrong with a configuration is reported at once, each
// finding with its key, its line and what to do.
//
// Order of strength: built-in default, file, environment, command line.
//
// The package imports nothing of ours.
package config

import "time"

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
	Log            Log
	Limits         Limits
	Authentication Authentication
	Authorizer     Authorizer
	JWT            JWT
	Login          Login
	// FernetKey is the key that seals secrets in the store; empty when the
	// server is to keep one of its own in the data directory.
	FernetKey Secret

	// Sources says for each key that is not at its default where its value comes
	// from: "file line 12", "environment SERVER_PORT", "command line".
	Sources map[string]string
}

// Server says where and how the API is served.
type Server struct {
	Host            string
	Port            int
	ShutdownTimeout time.Duration // how long running requests may take to finish
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

// Authentication says how people prove who they are.
type Authentication struct {
	Provider                  string
	ProviderName              string
	ClientType                string
	ResponseType              string
	AllowLegacyImplicit       bool
	Authority                 string
	ClientID                  string
	CallbackURL               string
	PublicKeyURLs             []string
	TokenValidationAlgorithm  string
	JWTPrincipalClaims        []string
	JWTPrincipalClaimsMapping []string
	JWTTeamClaimMapping       string
	JWTRoleClaim              string
	EnableSelfSignup          bool
	EnableAutoRedirect        bool
	ForceSecureSessionCookie  bool
	// InitialAdminPassword is used for the first administrator instead of a
	// generated one.
	InitialAdminPassword Secret
	OIDC                 OIDC
	LDAP                 LDAP
	SAML                 SAML
}

// OIDC is the confidential client's part.
type OIDC struct {
	ID                         string
	Type                       string
	Secret                     Secret
	Scope                      string
	DiscoveryURI               string
	UseNonce                   bool
	PreferredJWSAlgorithm      string
	ResponseType               string
	DisablePKCE                bool
	MaxClockSkew               time.Duration
	ClientAuthenticationMethod string
	TokenValidity              time.Duration
	CustomParams               map[string]string
	Tenant                     string
	ServerURL                  string
	CallbackURL                string
	MaxAge                     string
	Prompt                     string
	SessionExpiry              time.Duration
}

// LDAP describes a directory that knows the users.
type LDAP struct {
	Host                     string
	Port                     int
	MaxPoolSize              int
	IsFullDN                 bool
	AdminDN                  string
	AdminPassword            Secret
	SSLEnabled               bool
	UserBaseDN               string
	GroupBaseDN              string
	RoleAdminName            string
	AllAttributeName         string
	MailAttributeName        string
	UsernameAttributeName    string
	GroupAttributeName       string
	GroupAttributeValue      string
	GroupMemberAttributeName string
	RolesMapping             string
	ReassignRoles            []string
	TruststoreConfigType     string
}

// SAML describes an identity provider that speaks SAML 2.
type SAML struct {
	DebugMode              bool
	IDPEntityID            string
	IDPLoginURL            string
	IDPCertificate         Secret
	IDPAuthorityURL        string
	IDPNameID              string
	SPEntityID             string
	SPACS                  string
	SPCallback             string
	SPCertificate          Secret
	SPPrivateKey           Secret
	StrictMode             bool
	ValidateXML            bool
	TokenValidity          time.Duration
	SendEncryptedNameID    bool
	SendSignedAuthRequest  bool
	SignSPMetadata         bool
	WantMessagesSigned     bool
	WantAssertionsSigned   bool
	WantAssertionEncrypted bool
	KeyStorePath           string
	KeyStoreAlias          string
	KeyStorePassword       Secret
	DisplayNameAttributes  []string
}

// Authorizer says who is an administrator and whose addresses are welcome.
type Authorizer struct {
	AdminPrincipals           []string
	PrincipalDomain           string
	EnforcePrincipalDomain    bool
	AllowedDomains            []string
	AllowedRegistrationDomain []string
	UseRolesFromProvider      bool
	DefaultOAuthRole          string
	EnableSecureSocket        bool
}

// JWT says how the server signs its tokens. Empty members are filled by the
// server from the key pair it keeps in the data directory.
type JWT struct {
	PublicKeyPath  string
	PrivateKeyPath string
	Issuer         string
	KeyID          string
}

// Login bounds password attempts and the life of the tokens they earn.
type Login struct {
	MaxFailedAttempts int
	AccessBlockTime   time.Duration
	TokenExpiry       time.Duration
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
}
