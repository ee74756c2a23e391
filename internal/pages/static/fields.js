// What can be set about signing in: the fields of the form, by provider, and how they
// become the document that the server takes.

const A = "authenticationConfiguration.";
const O = `${A}oidcConfiguration.`;
const L = `${A}ldapConfiguration.`;
const S = `${A}samlConfiguration.`;
const Z = "authorizerConfiguration.";

/** What the server shows in the place of a secret. */
export const mask = "*********";

/** The providers, in the words of the form. @type {[string, string, string][]} */
export const providers = [
  ["basic", "Passwords kept here", "People sign in with their e-mail and a password of this catalog."],
  ["auth0", "Auth0", "OpenID Connect with your Auth0 tenant."],
  ["google", "Google", "Accounts of Google or Google Workspace."],
  ["okta", "Okta", "OpenID Connect with your Okta organisation."],
  ["azure", "Microsoft Entra ID", "Accounts of one tenant, formerly Azure AD."],
  ["aws-cognito", "Amazon Cognito", "Accounts of a user pool."],
  ["custom-oidc", "Another OpenID Connect provider", "Keycloak, Authentik, Zitadel and others."],
  ["ldap", "LDAP", "The password of a directory, such as Active Directory."],
  ["saml", "SAML", "A SAML 2.0 identity provider."],
];

/**
 * @typedef {object} Field
 * @property {string} path in the document
 * @property {string} label
 * @property {string} help
 * @property {"text" | "secret" | "long" | "list" | "flag" | "choice"} kind
 * @property {string[]} [choices]
 * @property {boolean} [web] of confidential clients only
 * @property {string[]} [only] of these providers only
 */

/** @param {string} path @param {string} label @param {string} help @param {any} [more] @returns {Field} */
const field = (path, label, help, more = {}) => ({ path, label, help, kind: "text", ...more });

const authorities = {
  auth0: "The domain of the tenant, with https://, such as https://example.eu.auth0.com. With a custom domain: that one.",
  google: "https://accounts.google.com",
  okta: "The issuer of the authorization server, such as https://example.okta.com/oauth2/default.",
  azure: "https://login.microsoftonline.com/TENANT-ID/v2.0, of one tenant.",
  "aws-cognito": "https://cognito-idp.REGION.amazonaws.com/USER-POOL-ID",
  "custom-oidc": "The issuer: the address that stands before /.well-known/openid-configuration.",
};

/** Which authority a choice begins with. */
const usual = { google: "https://accounts.google.com" };

const list = { kind: "list" };
const flag = { kind: "flag" };
const secret = { kind: "secret" };
const long = { kind: "long" };

/** @type {{title: string, of: string[], fields: Field[], closed?: boolean}[]} */
const groups = [
  { title: "Copy these from the provider", of: ["oidc"], fields: [
    field(`${A}authority`, "Authority", ""),
    field(`${A}clientId`, "Client id", "The id of the application at the provider."),
    field(`${O}secret`, "Client secret", "Stored encrypted. Leave it as it is to keep it.", { ...secret, web: true }),
    field(`${A}providerName`, "Name on the button", "People read “Continue with …”. Needed for a provider that is not in the list above."),
  ] },
  { title: "The directory", of: ["ldap"], fields: [
    field(`${L}host`, "Host", "Its name, without ldaps://."),
    field(`${L}port`, "Port", "636 with TLS, 389 without."),
    field(`${L}sslEnabled`, "TLS from the first byte", "Needed in production, here or as STARTTLS.", flag),
    field(`${L}startTls`, "STARTTLS on the plain port", "", flag),
    field(`${L}dnAdminPrincipal`, "Service account", "Its DN, such as cn=catalpa,ou=services,dc=example,dc=com. It looks people up."),
    field(`${L}dnAdminPassword`, "Password of the service account", "Stored encrypted. Leave it as it is to keep it.", secret),
    field(`${L}userBaseDN`, "Below which people are", "Such as ou=people,dc=example,dc=com."),
    field(`${L}mailAttributeName`, "Attribute with the e-mail", "mail, if empty."),
    field(`${L}usernameAttributeName`, "Attribute with the name", "Only if people sign in by name, such as uid or sAMAccountName."),
  ] },
  { title: "Groups of the directory", of: ["ldap"], closed: true, fields: [
    field(`${L}groupBaseDN`, "Below which groups are", "Without it the groups are those of memberOf."),
    field(`${L}groupAttributeName`, "Attribute that marks a group", "Such as objectClass."),
    field(`${L}groupAttributeValue`, "And its value", "Such as groupOfNames."),
    field(`${L}groupMemberAttributeName`, "Attribute with the members", "Such as member."),
    field(`${L}authRolesMapping`, "From groups to roles", "JSON: the DN of a group, and the names of roles.", long),
    field(`${L}authReassignRoles`, "Roles that the directory decides", "Separated by commas.", list),
    field(`${L}roleAdminName`, "Role that makes an administrator", ""),
    field(`${L}truststoreConfigType`, "Whose certificates count", "", { kind: "choice", choices: ["JVMDefault", "CustomTrustStore", "HostName", "TrustAll"] }),
  ] },
  { title: "Copy these from the identity provider", of: ["saml"], fields: [
    field(`${S}idp.entityId`, "Entity id", "What the identity provider calls itself."),
    field(`${S}idp.ssoLoginUrl`, "Sign-in address", "The one for HTTP-Redirect."),
    field(`${S}idp.idpX509Certificate`, "Signing certificate", "PEM or the base64 of it. Leave it as it is to keep it.", { ...long, masked: true }),
    field(`${S}idp.nameId`, "Form of the name", "", { kind: "choice", choices: ["urn:oasis:names:tc:SAML:2.0:nameid-format:emailAddress", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent",
      "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"] }),
    field(`${A}providerName`, "Name on the button", "People read “Continue with …”."),
  ] },
  { title: "What the answer has to be like", of: ["saml"], closed: true, fields: [
    field(`${S}security.wantMessagesSigned`, "The answer has to be signed", "", flag),
    field(`${S}security.wantAssertionsSigned`, "The assertion has to be signed", "", flag),
    field(`${S}security.wantAssertionEncrypted`, "The assertion has to be encrypted", "Needs a key pair of ours below.", flag),
    field(`${S}security.sendSignedAuthRequest`, "Sign what we send", "Needs a key pair of ours below.", flag),
    field(`${S}sp.spX509Certificate`, "Our certificate", "Leave it as it is to keep it.", { ...long, masked: true }),
    field(`${S}sp.spPrivateKey`, "Our private key", "Stored encrypted. Leave it as it is to keep it.", { ...long, masked: true }),
  ] },
  { title: "This catalog", of: ["oidc", "saml"], fields: [
    field(`${O}serverUrl`, "Address of this catalog", "What people type, with https:// and without a path. The addresses to enter at the provider follow from it."),
  ] },
  { title: "Who may sign in", of: ["basic", "oidc", "ldap", "saml"], fields: [
    field(`${A}enableSelfSignup`, "Unknown people get an account", "At their first sign-in, or by registering. Without it an administrator makes accounts.", flag),
    field(`${Z}allowedEmailRegistrationDomains`, "Domains of those who may get an account by themselves", "Separated by commas; all for any.", list),
    field(`${Z}principalDomain`, "Domain of your people’s e-mails", "A bare domain, such as example.com."),
    field(`${Z}enforcePrincipalDomain`, "Only these domains get in", "Addresses of the domain above and of those below.", flag),
    field(`${Z}allowedDomains`, "More domains", "Separated by commas.", list),
    field(`${Z}adminPrincipals`, "Administrators", "Names or e-mails, separated by commas. They become administrators when they sign in.", list),
  ] },
  { title: "Names, roles and teams", of: ["oidc", "saml"], closed: true, fields: [
    field(`${A}jwtPrincipalClaims`, "Claims that name the person", "The first one that says something counts.", list),
    field(`${A}jwtPrincipalClaimsMapping`, "Or these two", "username:CLAIM and email:CLAIM.", list),
    field(`${A}requireVerifiedEmail`, "The provider has to say that the e-mail is confirmed", "An e-mail that it calls unconfirmed is refused anyway.", flag),
    field(`${Z}useRolesFromProvider`, "Roles come from the provider", "At each sign-in; roles given by hand stay.", flag),
    field(`${A}jwtRoleClaim`, "Claim with the roles", "roles, or an address such as https://catalog.example.com/roles."),
    field(`${Z}adminFromProvider`, "The role Admin makes administrators", "", flag),
    field(`${A}jwtTeamClaimMapping`, "Claim with the teams", ""),
  ] },
  { title: "Sessions and details", of: ["oidc"], closed: true, fields: [
    field(`${O}scope`, "Scope", "openid email profile; with offline_access sessions renew without a new sign-in."),
    field(`${A}enableAutoRedirect`, "Go to the provider without a click", "Never right after signing out.", flag),
    field(`${O}prompt`, "Ask the provider to", "login, consent or select_account; empty lets it decide."),
    field(`${O}maxAge`, "Oldest sign-in at the provider that counts", "In seconds; empty for any."),
    field(`${O}tokenValidity`, "Life of our access tokens", "In seconds, 60 to 86400.", { web: true }),
    field(`${O}sessionExpiry`, "Longest session", "In seconds, 300 to 2592000.", { web: true }),
    field(`${O}clientAuthenticationMethod`, "How the client proves itself", "", { kind: "choice", web: true, choices: ["client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt"] }),
    field(`${O}tenant`, "Tenant", "", { only: ["azure"] }),
    field(`${O}callbackUrl`, "Callback address", "Follows from the address of this catalog."),
    field(`${O}discoveryUri`, "Discovery document", "Follows from the authority."),
    field(`${A}publicKeyUrls`, "Addresses of the keys", "From discovery, if empty.", list),
    field(`${A}acceptedAudiences`, "Audiences besides the client id", "Separated by commas.", list),
    field(`${A}tokenValidationAlgorithm`, "Algorithm of ID tokens", "", { kind: "choice", choices: ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"] }),
  ] },
];

/** @typedef {{provider: string, clientType: string}} Choice */

/** @param {string} provider @returns {string} basic, ldap, saml or oidc */
export function familyOf(provider) {
  return ["basic", "ldap", "saml"].includes(provider) ? provider : "oidc";
}

/** @param {any} document @returns {Choice} what it chooses */
export function choiceOf(document) {
  const a = document.authenticationConfiguration ?? {};
  return { provider: a.provider ?? "basic", clientType: familyOf(a.provider) === "oidc" ? a.clientType : "confidential" };
}

/** @param {Choice} choice @returns {{title: string, closed: boolean, fields: Field[]}[]} what to ask for */
export function groupsOf({ provider, clientType }) {
  const family = familyOf(provider);
  return groups.filter((group) => group.of.includes(family)).map((group) => ({
    title: group.title, closed: group.closed === true,
    fields: group.fields.filter((f) => (!f.web || clientType === "confidential") && (!f.only || f.only.includes(provider)))
      .map((f) => (f.path === `${A}authority` ? { ...f, help: authorities[provider] } : f)),
  }));
}

/** @param {any} document @param {string} path @returns {any} */
export function valueAt(document, path) {
  return path.split(".").reduce((at, name) => at?.[name], document);
}

/** @param {any} document @param {string} path @param {any} value undefined removes it */
export function setAt(document, path, value) {
  const names = path.split(".");
  const last = names.pop();
  let at = document;
  for (const name of names) {
    if (at[name] === undefined && value === undefined) return;
    at = at[name] ??= {};
  }
  if (value === undefined) delete at[last];
  else at[last] = value;
}

/** @param {Field} f @param {any} value @returns {string | boolean} what the field of the form shows */
export function shownAs(f, value) {
  if (f.kind === "flag") return value === true || value === "true";
  if (f.kind === "list") return (value ?? []).join(", ");
  return value === undefined || value === null ? "" : String(value);
}

/** @param {Field} f @param {string | boolean} shown @returns {any} what the document has */
export function readFrom(f, shown) {
  if (f.kind === "flag") return shown;
  if (f.kind === "list") return String(shown).split(",").map((part) => part.trim()).filter(Boolean);
  return String(shown).trim();
}

/**
 * The document that a form begins with: the one in force, or, for another provider,
 * what of it stays true.
 * @param {any} document in force
 * @param {Choice} choice
 * @param {string} origin of this page
 */
export function begin(document, choice, origin) {
  const out = structuredClone(document);
  const a = (out.authenticationConfiguration ??= {});
  out.authorizerConfiguration ??= {};
  const before = choiceOf(document);
  const server = a.oidcConfiguration?.serverUrl || originOf(a.callbackUrl) || origin;
  if (before.provider !== choice.provider) {
    for (const name of ["authority", "clientId", "providerName", "responseType", "publicKeyUrls", "oidcConfiguration", "ldapConfiguration", "samlConfiguration"]) delete a[name];
    a.callbackUrl = `${server}/callback`;
    if (usual[choice.provider]) a.authority = usual[choice.provider];
  }
  a.provider = choice.provider;
  if (familyOf(choice.provider) !== "oidc") {
    delete a.clientType;
    if (familyOf(before.provider) === "oidc" || before.provider !== choice.provider) a.oidcConfiguration = { serverUrl: server };
    return out;
  }
  a.clientType = choice.clientType;
  a.oidcConfiguration = { scope: "openid email profile offline_access", serverUrl: server, callbackUrl: a.callbackUrl, ...a.oidcConfiguration };
  if (choice.clientType === "public") delete a.oidcConfiguration.secret;
  return out;
}

/**
 * The document to send.
 * @param {any} start what begin gave
 * @param {Choice} choice
 * @param {Map<string, any>} values of the fields, by path
 * @param {Set<string>} edited paths that the person changed
 */
export function documentOf(start, choice, values, edited) {
  const out = structuredClone(start);
  for (const f of groupsOf(choice).flatMap((group) => group.fields)) {
    if (!values.has(f.path)) continue;
    const value = values.get(f.path);
    const empty = value === "" || Array.isArray(value) && value.length === 0;
    const had = valueAt(start, f.path);
    setAt(out, f.path, empty && had === undefined || value === false && had === undefined ? undefined : value);
  }
  if (familyOf(choice.provider) !== "oidc") return out;
  return follow(out, start, choice, edited);
}

/** Lets what follows from other values follow, unless the person says otherwise. */
function follow(out, start, choice, edited) {
  const a = out.authenticationConfiguration;
  const o = a.oidcConfiguration;
  const was = start.authenticationConfiguration;
  if (a.authority !== was.authority) {
    if (!edited.has(`${O}discoveryUri`)) delete o.discoveryUri;
    if (!edited.has(`${A}publicKeyUrls`)) delete a.publicKeyUrls;
  }
  if (!edited.has(`${O}callbackUrl`) && o.serverUrl !== was.oidcConfiguration.serverUrl) {
    const path = pathOf(was.oidcConfiguration.callbackUrl) || "/callback";
    o.callbackUrl = trimmed(o.serverUrl) + path;
  }
  a.callbackUrl = o.callbackUrl;
  o.id = a.clientId ?? "";
  o.type = choice.provider;
  if (choice.clientType === "public") delete o.secret;
  return out;
}

/** What providers call the fields for the addresses that inforce.js lists. */
const names = {
  auth0: { "Callback address": "Allowed Callback URLs", "Sign-out address": "Allowed Logout URLs", "Web origin (CORS)": "Allowed Web Origins, and Allowed Origins (CORS)" },
  google: { "Callback address": "Authorized redirect URIs", "Web origin (CORS)": "Authorized JavaScript origins" },
  okta: { "Callback address": "Sign-in redirect URIs", "Sign-out address": "Sign-out redirect URIs", "Web origin (CORS)": "Trusted Origins" },
  azure: { "Callback address": "Redirect URIs", "Sign-out address": "Redirect URIs, too" },
  "aws-cognito": { "Callback address": "Allowed callback URLs", "Sign-out address": "Allowed sign-out URLs" },
};

/** @param {string} provider @param {string} name of an address @returns {string} what the provider calls it */
export function nameAt(provider, name) {
  return names[provider]?.[name] ?? name;
}

/** @param {string} [address] */
const trimmed = (address) => (address ?? "").replace(/\/+$/, "");

/** @param {string} [address] */
export function originOf(address) {
  try {
    return new URL(address ?? "").origin;
  } catch {
    return "";
  }
}

/** @param {string} [address] */
function pathOf(address) {
  try {
    return new URL(address ?? "").pathname;
  } catch {
    return "";
  }
}
