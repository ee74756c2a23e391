package config

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The classes OpenMetadata's clients expect to be named; both are built in here.
const (
	authorizerClass = "org.openmetadata.service.security.DefaultAuthorizer"
	requestFilter   = "org.openmetadata.service.security.JwtFilter"
)

// member is one setting of the security document.
type member struct {
	path  string
	value any // string, Secret, bool, int, time.Duration, text, []string, map[string]string
	// own members are Catalpa's: clients of OpenMetadata do not know them, so they
	// are left out until somebody sets them.
	own bool
}

// wireText is a value that is text on the wire though it is none here.
type wireText string

// SecurityDocument is the effective sign-on configuration in the shape of
// OpenMetadata's SecurityConfiguration, secrets in clear: see MaskDocument. Of the
// sections for single providers it has the one in use. Loaded as Options.Saved over
// the same file and environment it gives the same configuration.
func SecurityDocument(cfg *Config) ([]byte, error) {
	root := &section{}
	for _, m := range members(cfg) {
		if _, given := cfg.Sources[m.path]; m.own && !given {
			continue
		}
		root.put(strings.Split(m.path, "."), m.value)
	}
	var out bytes.Buffer
	enc := jsontext.NewEncoder(&out)
	if err := root.encode(enc); err != nil {
		return nil, fmt.Errorf("writing the security document: %w", err)
	}
	return bytes.TrimSpace(out.Bytes()), nil
}

func members(cfg *Config) []member {
	out := authenticationMembers(cfg)
	switch a := cfg.Authentication; {
	case a.IsOIDC():
		out = append(out, oidcMembers(a.OIDC)...)
	case a.Provider == ProviderLDAP:
		out = append(append(out, ldapMembers(a.LDAP)...), trustMembers(a.LDAP)...)
	case a.Provider == ProviderSAML:
		out = append(out, samlMembers(a.SAML)...)
	}
	return append(out, authorizerMembers(cfg.Authorizer)...)
}

func authenticationMembers(cfg *Config) []member {
	a := cfg.Authentication
	origins := a.AllowedRedirectOrigins
	if len(origins) > 0 {
		origins = origins[1:] // the first is the server's own
	}
	return under(keyAuth, []member{
		{path: "clientType", value: a.ClientType},
		{path: "provider", value: a.Provider},
		{path: "responseType", value: a.ResponseType},
		{path: "providerName", value: a.ProviderName},
		{path: "publicKeyUrls", value: a.PublicKeyURLs},
		{path: "tokenValidationAlgorithm", value: a.TokenValidationAlgorithm},
		{path: "authority", value: a.Authority},
		{path: "clientId", value: a.ClientID},
		{path: "callbackUrl", value: a.CallbackURL},
		{path: "jwtPrincipalClaims", value: a.JWTPrincipalClaims},
		{path: "jwtPrincipalClaimsMapping", value: a.JWTPrincipalClaimsMapping},
		{path: "jwtTeamClaimMapping", value: a.JWTTeamClaimMapping},
		{path: "enableSelfSignup", value: a.EnableSelfSignup},
		{path: "enableAutoRedirect", value: a.EnableAutoRedirect},
		{path: "forceSecureSessionCookie", value: a.ForceSecureSessionCookie},
		{path: "jwtRoleClaim", value: a.JWTRoleClaim, own: true},
		{path: "allowLegacyImplicit", value: a.AllowLegacyImplicit, own: true},
		{path: "acceptedAudiences", value: a.AcceptedAudiences, own: true},
		{path: "requireVerifiedEmail", value: a.RequireVerifiedEmail, own: true},
		{path: "allowedRedirectOrigins", value: origins, own: true},
		{path: "legacyCallbackToken", value: a.LegacyCallbackToken, own: true},
	})
}

func oidcMembers(o OIDC) []member {
	return under(keyOIDC, []member{
		{path: "type", value: o.Type},
		{path: "id", value: o.ID},
		{path: "secret", value: o.Secret},
		{path: "scope", value: o.Scope},
		{path: "discoveryUri", value: o.DiscoveryURI},
		{path: "useNonce", value: wireText(fmt.Sprint(o.UseNonce))},
		{path: "preferredJwsAlgorithm", value: o.PreferredJWSAlgorithm},
		{path: "responseType", value: o.ResponseType},
		{path: "disablePkce", value: o.DisablePKCE},
		{path: "maxClockSkew", value: wireText(seconds(o.MaxClockSkew))},
		{path: "clientAuthenticationMethod", value: o.ClientAuthenticationMethod},
		{path: "tokenValidity", value: o.TokenValidity},
		{path: "customParams", value: o.CustomParams},
		{path: "tenant", value: o.Tenant},
		{path: "serverUrl", value: o.ServerURL},
		{path: "callbackUrl", value: o.CallbackURL},
		{path: "maxAge", value: o.MaxAge},
		{path: "prompt", value: o.Prompt},
		{path: "sessionExpiry", value: o.SessionExpiry},
	})
}

func ldapMembers(l LDAP) []member {
	return under(keyLDAP, []member{
		{path: "host", value: l.Host},
		{path: "port", value: l.Port},
		{path: "maxPoolSize", value: l.MaxPoolSize},
		{path: "isFullDn", value: l.IsFullDN},
		{path: "dnAdminPrincipal", value: l.AdminDN},
		{path: "dnAdminPassword", value: l.AdminPassword},
		{path: "sslEnabled", value: l.SSLEnabled},
		{path: "startTls", value: l.StartTLS, own: true},
		{path: "userBaseDN", value: l.UserBaseDN},
		{path: "groupBaseDN", value: l.GroupBaseDN},
		{path: "roleAdminName", value: l.RoleAdminName},
		{path: "allAttributeName", value: l.AllAttributeName},
		{path: "mailAttributeName", value: l.MailAttributeName},
		{path: "usernameAttributeName", value: l.UsernameAttributeName},
		{path: "groupAttributeName", value: l.GroupAttributeName},
		{path: "groupAttributeValue", value: l.GroupAttributeValue},
		{path: "groupMemberAttributeName", value: l.GroupMemberAttributeName},
		{path: "authRolesMapping", value: l.RolesMapping},
		{path: "authReassignRoles", value: l.ReassignRoles},
		{path: "truststoreFormat", value: l.TruststoreFormat},
		{path: "truststoreConfigType", value: l.TruststoreConfigType},
	})
}

func trustMembers(l LDAP) []member {
	const at = keyLDAP + "trustStoreConfig."
	switch l.TruststoreConfigType {
	case "CustomTrustStore":
		return under(at+"customTrustManagerConfig.", []member{
			{path: "verifyHostname", value: l.VerifyHostname},
			{path: "examineValidityDates", value: l.ExamineValidityDates},
			{path: "trustStoreFilePath", value: l.TrustStorePath},
			{path: "trustStoreFilePassword", value: l.TrustStorePassword},
			{path: "trustStoreFileFormat", value: l.TrustStoreFormat},
		})
	case "HostName":
		return under(at+"hostNameConfig.", []member{{path: "allowWildCards", value: l.AllowWildcards}, {path: "acceptableHostNames", value: l.AcceptableHostNames}})
	case "TrustAll":
		return under(at+"trustAllConfig.", []member{{path: "examineValidityDates", value: l.ExamineValidityDates}})
	default:
		return under(at+"jvmDefaultConfig.", []member{{path: "verifyHostname", value: l.VerifyHostname}})
	}
}

func samlMembers(s SAML) []member {
	return under(keySAML, []member{
		{path: "idp.entityId", value: s.IDPEntityID},
		{path: "idp.ssoLoginUrl", value: s.IDPLoginURL},
		{path: "idp.authorityUrl", value: s.IDPAuthorityURL},
		{path: "idp.idpX509Certificate", value: s.IDPCertificate},
		{path: "idp.nameId", value: s.IDPNameID},
		{path: "sp.entityId", value: s.SPEntityID},
		{path: "sp.acs", value: s.SPACS},
		{path: "sp.spX509Certificate", value: s.SPCertificate},
		{path: "sp.spPrivateKey", value: s.SPPrivateKey},
		{path: "sp.callback", value: s.SPCallback},
		{path: "security.strictMode", value: s.StrictMode},
		{path: "security.validateXml", value: s.ValidateXML},
		{path: "security.tokenValidity", value: s.TokenValidity},
		{path: "security.sendEncryptedNameId", value: s.SendEncryptedNameID},
		{path: "security.sendSignedAuthRequest", value: s.SendSignedAuthRequest},
		{path: "security.signSpMetadata", value: s.SignSPMetadata},
		{path: "security.wantMessagesSigned", value: s.WantMessagesSigned},
		{path: "security.wantAssertionsSigned", value: s.WantAssertionsSigned},
		{path: "security.wantAssertionEncrypted", value: s.WantAssertionEncrypted},
		{path: "security.wantNameIdEncrypted", value: s.WantNameIDEncrypted, own: true},
		{path: "security.keyStoreFilePath", value: s.KeyStorePath},
		{path: "security.keyStoreAlias", value: s.KeyStoreAlias},
		{path: "security.keyStorePassword", value: s.KeyStorePassword},
		{path: "debugMode", value: s.DebugMode},
		{path: "samlDisplayNameAttributes", value: s.DisplayNameAttributes},
	})
}

func authorizerMembers(z Authorizer) []member {
	return under(keyAuthorizer, []member{
		{path: "className", value: authorizerClass},
		{path: "containerRequestFilter", value: requestFilter},
		{path: "adminPrincipals", value: z.AdminPrincipals},
		{path: "allowedEmailRegistrationDomains", value: z.AllowedRegistrationDomain},
		{path: "principalDomain", value: z.PrincipalDomain},
		{path: "allowedDomains", value: z.AllowedDomains},
		{path: "enforcePrincipalDomain", value: z.EnforcePrincipalDomain},
		{path: "enableSecureSocketConnection", value: z.EnableSecureSocket},
		{path: "useRolesFromProvider", value: z.UseRolesFromProvider},
		{path: "defaultOAuthRole", value: z.DefaultOAuthRole},
		{path: "adminFromProvider", value: z.AdminFromProvider, own: true},
		{path: "adminPrincipalsAuthoritative", value: z.AdminPrincipalsAuthoritative, own: true},
	})
}

func under(prefix string, rows []member) []member {
	for i := range rows {
		rows[i].path = prefix + rows[i].path
	}
	return rows
}

// seconds writes whole seconds as a number and others in Go's form.
func seconds(d time.Duration) string {
	if d%time.Second == 0 {
		return fmt.Sprint(int64(d / time.Second))
	}
	return d.String()
}

// section is an object whose members keep their order.
type section struct {
	names  []string
	values map[string]any // *section or a member's value
}

func (s *section) put(path []string, value any) {
	if s.values == nil {
		s.values = map[string]any{}
	}
	have, ok := s.values[path[0]]
	if !ok {
		s.names = append(s.names, path[0])
	}
	if len(path) == 1 {
		s.values[path[0]] = value
		return
	}
	child, _ := have.(*section)
	if child == nil {
		child = &section{}
		s.values[path[0]] = child
	}
	child.put(path[1:], value)
}

func (s *section) encode(enc *jsontext.Encoder) error {
	if err := enc.WriteToken(jsontext.BeginObject); err != nil {
		return err
	}
	for _, name := range s.names {
		if err := enc.WriteToken(jsontext.String(name)); err != nil {
			return err
		}
		if err := encodeValue(enc, s.values[name]); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return enc.WriteToken(jsontext.EndObject)
}

func encodeValue(enc *jsontext.Encoder, value any) error {
	switch v := value.(type) {
	case *section:
		return v.encode(enc)
	case string:
		return enc.WriteToken(jsontext.String(v))
	case wireText:
		return enc.WriteToken(jsontext.String(string(v)))
	case Secret:
		return enc.WriteToken(jsontext.String(v.Reveal()))
	case bool:
		return enc.WriteToken(jsontext.Bool(v))
	case int:
		return enc.WriteToken(jsontext.Int(int64(v)))
	case time.Duration:
		if v%time.Second == 0 {
			return enc.WriteToken(jsontext.Int(int64(v / time.Second)))
		}
		return enc.WriteToken(jsontext.String(v.String()))
	case []string:
		return encodeList(enc, v)
	case map[string]string:
		s := section{values: map[string]any{}}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			s.put([]string{name}, v[name])
		}
		return s.encode(enc)
	}
	return fmt.Errorf("a %T has no place in the document", value)
}

func encodeList(enc *jsontext.Encoder, list []string) error {
	if err := enc.WriteToken(jsontext.BeginArray); err != nil {
		return err
	}
	for _, item := range list {
		if err := enc.WriteToken(jsontext.String(item)); err != nil {
			return err
		}
	}
	return enc.WriteToken(jsontext.EndArray)
}
