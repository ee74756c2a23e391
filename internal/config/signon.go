package config

import "time"

// The providers.
const (
	ProviderBasic   = "basic" // users and their passwords are kept in the catalog
	ProviderAuth0   = "auth0"
	ProviderGoogle  = "google"
	ProviderOkta    = "okta"
	ProviderAzure   = "azure"
	ProviderCognito = "aws-cognito"
	ProviderCustom  = "custom-oidc"
	ProviderLDAP    = "ldap"
	ProviderSAML    = "saml"
)

// The kinds of OpenID Connect client.
const (
	ClientPublic       = "public"
	ClientConfidential = "confidential"
)

func providers() []string {
	return []string{ProviderBasic, ProviderAuth0, ProviderGoogle, ProviderOkta, ProviderAzure, ProviderCognito, ProviderCustom, ProviderLDAP, ProviderSAML}
}

// IsOIDC tells whether people sign in with OpenID Connect.
func (a Authentication) IsOIDC() bool {
	switch a.Provider {
	case ProviderAuth0, ProviderGoogle, ProviderOkta, ProviderAzure, ProviderCognito, ProviderCustom:
		return true
	}
	return false
}

// ProviderKeyURLs are the key sets of the provider to fetch. OpenMetadata wants the
// server's own set among publicKeyUrls; own keys are never fetched.
func (a Authentication) ProviderKeyURLs() []string {
	out := []string{}
	for _, address := range a.PublicKeyURLs {
		if !isOwnJWKS(address) {
			out = append(out, address)
		}
	}
	return out
}

// Prompt is the prompt parameter to send: what is configured, else the choice of
// an account where the provider knows it.
func (a Authentication) Prompt() string {
	if a.OIDC.Prompt == "" && (a.Provider == ProviderGoogle || a.Provider == ProviderAzure) {
		return "select_account"
	}
	return a.OIDC.Prompt
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
	// AcceptedAudiences are audiences of bearer tokens besides the client id.
	AcceptedAudiences    []string
	RequireVerifiedEmail bool // refuse people whose email_verified claim is absent
	// AllowedRedirectOrigins are where people may return to after signing in; the
	// server's own origin is always the first.
	AllowedRedirectOrigins []string
	// LegacyCallbackToken appends a short-lived token to the address people return
	// to, for user interfaces that read it there.
	LegacyCallbackToken bool
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
	StartTLS                 bool // turn to TLS on the plain port
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
	// TruststoreConfigType is JVMDefault (the system's authorities), CustomTrustStore,
	// HostName or TrustAll. The members below belong to the type that is chosen.
	TruststoreConfigType string
	TruststoreFormat     string
	TrustStorePath       string // CustomTrustStore: file of accepted authorities
	TrustStorePassword   Secret
	TrustStoreFormat     string
	VerifyHostname       bool     // CustomTrustStore and JVMDefault
	ExamineValidityDates bool     // CustomTrustStore and TrustAll
	AcceptableHostNames  []string // HostName
	AllowWildcards       bool     // HostName
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
	WantNameIDEncrypted    bool
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
	// AdminFromProvider lets a role "Admin" of the provider make an administrator.
	AdminFromProvider bool
	// AdminPrincipalsAuthoritative demotes at start who is not in AdminPrincipals.
	AdminPrincipalsAuthoritative bool
}
