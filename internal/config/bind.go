package config

import "time"

// Bounds shared by several durations.
const (
	anyTime  = 10 * 365 * 24 * time.Hour
	halfHour = 30 * time.Minute
)

// bind makes the typed configuration; the defaults stand here.
func (b *binder) bind() *Config {
	return &Config{
		ClusterName:    b.text("clusterName", "catalpa"),
		Mode:           Mode(b.choice("mode", "", string(Production), string(Development))),
		DataDir:        b.text("dataDir", "./catalpa-data"),
		Server:         b.server(),
		Log:            b.log(),
		Limits:         b.limits(),
		Authentication: b.authentication(),
		Authorizer:     b.authorizer(),
		JWT: JWT{
			PublicKeyPath:  b.text("jwtTokenConfiguration.rsapublicKeyFilePath", ""),
			PrivateKeyPath: b.text("jwtTokenConfiguration.rsaprivateKeyFilePath", ""),
			Issuer:         b.text("jwtTokenConfiguration.jwtissuer", ""),
			KeyID:          b.text("jwtTokenConfiguration.keyId", ""),
		},
		Login: Login{
			MaxFailedAttempts: b.number("loginConfig.maxLoginFailAttempts", 3, 1, 1000),
			AccessBlockTime:   b.duration("loginConfig.accessBlockTime", 10*time.Minute, 0, 7*24*time.Hour),
			TokenExpiry:       b.duration("loginConfig.jwtTokenExpiryTime", time.Hour, time.Minute, 30*24*time.Hour),
		},
		FernetKey: b.secret("fernetKey"),
		Sources:   b.sources,
	}
}

// Keys of the first connector, the one the server listens on.
const (
	keyHost = "server.applicationConnectors[0].bindHost"
	keyPort = "server.applicationConnectors[0].port"
	keyType = "server.applicationConnectors[0].type"
)

func (b *binder) server() Server {
	return Server{
		Host:            b.text(keyHost, "127.0.0.1"),
		Port:            b.number(keyPort, 8585, 0, 65535),
		ShutdownTimeout: b.duration("server.shutdownGracePeriod", 20*time.Second, 0, halfHour),
	}
}

func (b *binder) log() Log {
	level := b.choice("logging.level", "info", "trace", "debug", "info", "warn", "error", "all", "off")
	switch level {
	case "trace", "all":
		level = "debug"
	case "off":
		level = "error"
	}
	return Log{Level: level, Format: b.choice("logging.format", "text", "text", "json")}
}

func (b *binder) limits() Limits {
	return Limits{
		MaxBodyBytes:    b.size("requestLimits.maxBodyBytes", 10<<20, 1<<10, 1<<30),
		MaxUploadBytes:  b.size("requestLimits.maxUploadBytes", 64<<20, 1<<10, 4<<30),
		MaxHeaderBytes:  int(b.size("requestLimits.maxHeaderBytes", 16<<10, 4<<10, 1<<20)),
		MaxURLBytes:     int(b.size("requestLimits.maxUrlBytes", 8<<10, 1<<10, 1<<20)),
		MaxConcurrent:   b.number("requestLimits.maxConcurrent", 512, 1, 1000000),
		RequestTimeout:  b.duration("requestLimits.requestTimeout", 60*time.Second, time.Second, time.Hour),
		MaxPageSize:     b.number("requestLimits.maxPageSize", 1000000, 1, 1000000),
		MaxBulkRequests: b.number("requestLimits.maxBulkRequests", 10000, 1, 1000000),
	}
}

func (b *binder) authentication() Authentication {
	at := func(name string) string { return "authenticationConfiguration." + name }
	algorithms := []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"}
	return Authentication{
		Provider:                  b.text(at("provider"), ProviderBasic),
		ProviderName:              b.text(at("providerName"), ""),
		ClientType:                b.choice(at("clientType"), "public", "public", "confidential"),
		ResponseType:              b.choice(at("responseType"), "code", "code", "id_token"),
		AllowLegacyImplicit:       b.flag(at("allowLegacyImplicit"), false),
		Authority:                 b.text(at("authority"), ""),
		ClientID:                  b.text(at("clientId"), ""),
		CallbackURL:               b.text(at("callbackUrl"), ""),
		PublicKeyURLs:             b.list(at("publicKeyUrls"), nil),
		TokenValidationAlgorithm:  b.choice(at("tokenValidationAlgorithm"), "RS256", algorithms...),
		JWTPrincipalClaims:        b.list(at("jwtPrincipalClaims"), []string{"email", "preferred_username", "sub"}),
		JWTPrincipalClaimsMapping: b.list(at("jwtPrincipalClaimsMapping"), nil),
		JWTTeamClaimMapping:       b.text(at("jwtTeamClaimMapping"), ""),
		JWTRoleClaim:              b.text(at("jwtRoleClaim"), "roles"),
		EnableSelfSignup:          b.flag(at("enableSelfSignup"), false),
		EnableAutoRedirect:        b.flag(at("enableAutoRedirect"), false),
		ForceSecureSessionCookie:  b.flag(at("forceSecureSessionCookie"), false),
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
		PreferredJWSAlgorithm:      b.text(at("preferredJwsAlgorithm"), "RS256"),
		ResponseType:               b.text(at("responseType"), "code"),
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
	return LDAP{
		Host:                     b.text(at("host"), ""),
		Port:                     b.number(at("port"), 0, 1, 65535),
		MaxPoolSize:              b.number(at("maxPoolSize"), 3, 1, 1000),
		IsFullDN:                 b.flag(at("isFullDn"), false),
		AdminDN:                  b.text(at("dnAdminPrincipal"), ""),
		AdminPassword:            b.secret(at("dnAdminPassword")),
		SSLEnabled:               b.flag(at("sslEnabled"), false),
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
		ReassignRoles:            b.list(at("authReassignRoles"), nil),
		TruststoreConfigType:     b.choice(at("truststoreConfigType"), "", "TrustAll", "JVMDefault", "HostName", "CustomTrustStore"),
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
		KeyStorePath:           b.text(at("security.keyStoreFilePath"), ""),
		KeyStoreAlias:          b.text(at("security.keyStoreAlias"), ""),
		KeyStorePassword:       b.secret(at("security.keyStorePassword")),
		DisplayNameAttributes:  b.list(at("samlDisplayNameAttributes"), nil),
	}
}

func (b *binder) authorizer() Authorizer {
	at := func(name string) string { return "authorizerConfiguration." + name }
	return Authorizer{
		AdminPrincipals:           b.list(at("adminPrincipals"), []string{"admin"}),
		PrincipalDomain:           b.text(at("principalDomain"), "open-metadata.org"),
		EnforcePrincipalDomain:    b.flag(at("enforcePrincipalDomain"), false),
		AllowedDomains:            b.list(at("allowedDomains"), nil),
		AllowedRegistrationDomain: b.list(at("allowedEmailRegistrationDomains"), []string{"all"}),
		UseRolesFromProvider:      b.flag(at("useRolesFromProvider"), false),
		DefaultOAuthRole:          b.text(at("defaultOAuthRole"), ""),
		EnableSecureSocket:        b.flag(at("enableSecureSocketConnection"), false),
	}
}
