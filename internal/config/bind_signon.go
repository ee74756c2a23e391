package config

import (
	"strings"
	"time"
)

// algorithms are those that tokens of a provider may be signed with.
func algorithms() []string {
	return []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}
}

func (b *binder) authentication() Authentication {
	at := func(name string) string { return "authenticationConfiguration." + name }
	return Authentication{
		Provider:                  b.text(at("provider"), ProviderBasic),
		ProviderName:              b.text(at("providerName"), ""),
		ClientType:                b.choice(at("clientType"), "", "public", "confidential"),
		ResponseType:              b.choice(at("responseType"), "code", "code", "id_token"),
		AllowLegacyImplicit:       b.flag(at("allowLegacyImplicit"), false),
		Authority:                 b.text(at("authority"), ""),
		ClientID:                  b.text(at("clientId"), ""),
		CallbackURL:               b.text(at("callbackUrl"), ""),
		PublicKeyURLs:             b.list(at("publicKeyUrls"), []string{}),
		TokenValidationAlgorithm:  b.choice(at("tokenValidationAlgorithm"), "RS256", algorithms()...),
		JWTPrincipalClaims:        b.list(at("jwtPrincipalClaims"), []string{"email", "preferred_username", "sub"}),
		JWTPrincipalClaimsMapping: b.list(at("jwtPrincipalClaimsMapping"), []string{}),
		JWTTeamClaimMapping:       b.text(at("jwtTeamClaimMapping"), ""),
		JWTRoleClaim:              b.text(at("jwtRoleClaim"), "roles"),
		EnableSelfSignup:          b.flag(at("enableSelfSignup"), false),
		EnableAutoRedirect:        b.flag(at("enableAutoRedirect"), false),
		ForceSecureSessionCookie:  b.flag(at("forceSecureSessionCookie"), false),
		AcceptedAudiences:         b.list(at("acceptedAudiences"), []string{}),
		RequireVerifiedEmail:      b.flag(at("requireVerifiedEmail"), false),
		AllowedRedirectOrigins:    b.list(at("allowedRedirectOrigins"), []string{}),
		LegacyCallbackToken:       b.flag(at("legacyCallbackToken"), false),
		InitialAdminPassword:      b.secret(at("initialAdminPassword")),
		OIDC:                      b.oidc(),
		LDAP:                      b.ldap(),
		SAML:                      b.saml(),
	}
}

func (b *binder) oidc() OIDC {
	at := func(name string) string { return "authenticationConfiguration.oidcConfiguration." + name }
	methods := []string{"client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"}
	return OIDC{
		ID:                         b.text(at("id"), ""),
		Type:                       b.text(at("type"), ""),
		Secret:                     b.secret(at("secret")),
		Scope:                      b.text(at("scope"), "openid email profile"),
		DiscoveryURI:               b.text(at("discoveryUri"), ""),
		UseNonce:                   b.flag(at("useNonce"), true),
		PreferredJWSAlgorithm:      b.choice(at("preferredJwsAlgorithm"), "RS256", algorithms()...),
		ResponseType:               b.choice(at("responseType"), "code", "code"),
		DisablePKCE:                b.flag(at("disablePkce"), false),
		MaxClockSkew:               b.duration(at("maxClockSkew"), 30*time.Second, 0, 5*time.Minute),
		ClientAuthenticationMethod: b.choice(at("clientAuthenticationMethod"), "client_secret_basic", methods...),
		TokenValidity:              b.duration(at("tokenValidity"), time.Hour, time.Minute, 24*time.Hour),
		CustomParams:               b.dict(at("customParams")),
		Tenant:                     b.text(at("tenant"), ""),
		ServerURL:                  b.text(at("serverUrl"), ""),
		CallbackURL:                b.text(at("callbackUrl"), ""),
		MaxAge:                     b.text(at("maxAge"), ""),
		Prompt:                     b.text(at("prompt"), ""),
		SessionExpiry:              b.duration(at("sessionExpiry"), 7*24*time.Hour, 5*time.Minute, 30*24*time.Hour),
	}
}

func (b *binder) ldap() LDAP {
	at := func(name string) string { return "authenticationConfiguration.ldapConfiguration." + name }
	l := LDAP{
		Host:                     b.text(at("host"), ""),
		Port:                     b.number(at("port"), 0, 1, 65535),
		MaxPoolSize:              b.number(at("maxPoolSize"), 3, 1, 1000),
		IsFullDN:                 b.flag(at("isFullDn"), false),
		AdminDN:                  b.text(at("dnAdminPrincipal"), ""),
		AdminPassword:            b.secret(at("dnAdminPassword")),
		SSLEnabled:               b.flag(at("sslEnabled"), false),
		StartTLS:                 b.flag(at("startTls"), false),
		UserBaseDN:               b.text(at("userBaseDN"), ""),
		GroupBaseDN:              b.text(at("groupBaseDN"), ""),
		RoleAdminName:            b.text(at("roleAdminName"), ""),
		AllAttributeName:         b.text(at("allAttributeName"), ""),
		MailAttributeName:        b.text(at("mailAttributeName"), ""),
		UsernameAttributeName:    b.text(at("usernameAttributeName"), ""),
		GroupAttributeName:       b.text(at("groupAttributeName"), ""),
		GroupAttributeValue:      b.text(at("groupAttributeValue"), ""),
		GroupMemberAttributeName: b.text(at("groupMemberAttributeName"), ""),
		RolesMapping:             b.text(at("authRolesMapping"), ""),
		ReassignRoles:            b.list(at("authReassignRoles"), []string{}),
		TruststoreConfigType:     b.choice(at("truststoreConfigType"), "JVMDefault", "TrustAll", "JVMDefault", "HostName", "CustomTrustStore"),
		TruststoreFormat:         b.text(at("truststoreFormat"), ""),
	}
	b.trustStore(&l, at("trustStoreConfig."))
	return l
}

// trustStore reads the part that belongs to the chosen type of trust store.
func (b *binder) trustStore(l *LDAP, prefix string) {
	l.AcceptableHostNames = []string{}
	switch l.TruststoreConfigType {
	case "CustomTrustStore":
		at := func(name string) string { return prefix + "customTrustManagerConfig." + name }
		l.TrustStorePath = b.text(at("trustStoreFilePath"), "")
		l.TrustStorePassword = b.secret(at("trustStoreFilePassword"))
		l.TrustStoreFormat = b.text(at("trustStoreFileFormat"), "")
		l.VerifyHostname = b.flag(at("verifyHostname"), true)
		l.ExamineValidityDates = b.flag(at("examineValidityDates"), true)
	case "HostName":
		l.AcceptableHostNames = b.list(prefix+"hostNameConfig.acceptableHostNames", []string{})
		l.AllowWildcards = b.flag(prefix+"hostNameConfig.allowWildCards", false)
	case "TrustAll":
		l.ExamineValidityDates = b.flag(prefix+"trustAllConfig.examineValidityDates", true)
	default:
		l.VerifyHostname = b.flag(prefix+"jvmDefaultConfig.verifyHostname", true)
	}
}

func (b *binder) saml() SAML {
	at := func(name string) string { return "authenticationConfiguration.samlConfiguration." + name }
	security := func(name string) bool { return b.flag(at("security."+name), false) }
	return SAML{
		DebugMode:              b.flag(at("debugMode"), false),
		IDPEntityID:            b.text(at("idp.entityId"), ""),
		IDPLoginURL:            b.text(at("idp.ssoLoginUrl"), ""),
		IDPCertificate:         b.secret(at("idp.idpX509Certificate")),
		IDPAuthorityURL:        b.text(at("idp.authorityUrl"), ""),
		IDPNameID:              b.text(at("idp.nameId"), "urn:oasis:names:tc:SAML:2.0:nameid-format:emailAddress"),
		SPEntityID:             b.text(at("sp.entityId"), ""),
		SPACS:                  b.text(at("sp.acs"), ""),
		SPCallback:             b.text(at("sp.callback"), ""),
		SPCertificate:          b.secret(at("sp.spX509Certificate")),
		SPPrivateKey:           b.secret(at("sp.spPrivateKey")),
		StrictMode:             security("strictMode"),
		ValidateXML:            security("validateXml"),
		TokenValidity:          b.duration(at("security.tokenValidity"), time.Hour, time.Minute, anyTime),
		SendEncryptedNameID:    security("sendEncryptedNameId"),
		SendSignedAuthRequest:  security("sendSignedAuthRequest"),
		SignSPMetadata:         security("signSpMetadata"),
		WantMessagesSigned:     security("wantMessagesSigned"),
		WantAssertionsSigned:   security("wantAssertionsSigned"),
		WantAssertionEncrypted: security("wantAssertionEncrypted"),
		WantNameIDEncrypted:    security("wantNameIdEncrypted"),
		KeyStorePath:           b.text(at("security.keyStoreFilePath"), ""),
		KeyStoreAlias:          b.text(at("security.keyStoreAlias"), ""),
		KeyStorePassword:       b.secret(at("security.keyStorePassword")),
		DisplayNameAttributes:  b.list(at("samlDisplayNameAttributes"), []string{}),
	}
}

func (b *binder) authorizer() Authorizer {
	at := func(name string) string { return "authorizerConfiguration." + name }
	return Authorizer{
		AdminPrincipals:           b.list(at("adminPrincipals"), []string{"admin"}),
		PrincipalDomain:           strings.ToLower(b.text(at("principalDomain"), "")),
		EnforcePrincipalDomain:    b.flag(at("enforcePrincipalDomain"), false),
		AllowedDomains:            b.list(at("allowedDomains"), []string{}),
		AllowedRegistrationDomain: b.list(at("allowedEmailRegistrationDomains"), []string{"all"}),
		UseRolesFromProvider:      b.flag(at("useRolesFromProvider"), false),
		DefaultOAuthRole:          b.text(at("defaultOAuthRole"), ""),
		EnableSecureSocket:        b.flag(at("enableSecureSocketConnection"), false),
		AdminFromProvider:         b.flag(at("adminFromProvider"), false),

		AdminPrincipalsAuthoritative: b.flag(at("adminPrincipalsAuthoritative"), false),
	}
}
