// What the settings in force mean, in words, and what to enter at the provider.

/** What people call the providers. */
const names = {
  basic: "a password kept here", ldap: "their password of the directory", saml: "a SAML identity provider", auth0: "Auth0", google: "Google", okta: "Okta", azure: "Microsoft Entra ID",
  "aws-cognito": "Amazon Cognito", "custom-oidc": "an OpenID Connect provider",
};

/** @param {string} name of a provider without round trip */
const local = (name) => name === "basic" || name === "ldap";

/** @param {any} document the security settings @returns {string} one sentence */
export function verdictOf(document) {
  const a = document.authenticationConfiguration ?? {};
  const name = a.provider === "custom-oidc" && a.providerName ? a.providerName : names[a.provider] ?? a.provider;
  if (local(a.provider) || a.provider === "saml") return `People sign in with ${name}.`;
  return `People sign in with ${name}, as a ${a.clientType === "public" ? "public client: a single-page application without a secret" : "confidential client: a web application whose secret is kept here"}.`;
}

/**
 * @param {any} document the security settings
 * @param {any} sources where they come from
 * @param {(at: number) => string} when
 * @returns {[string, string][]} names and values; those that nobody set are left out
 */
export function factsOf(document, sources, when) {
  const a = document.authenticationConfiguration ?? {};
  const z = document.authorizerConfiguration ?? {};
  const saml = a.samlConfiguration ?? {};
  const ldap = a.ldapConfiguration ?? {};
  const domains = [z.principalDomain, ...(z.allowedDomains ?? [])].filter(Boolean).join(", ");
  const facts = [
    ["Provider", a.provider],
    ["Client type", local(a.provider) || a.provider === "saml" ? "" : a.clientType],
    ["Issuer", a.provider === "saml" ? saml.idp?.entityId : local(a.provider) ? "" : a.authority],
    ["Client id", local(a.provider) || a.provider === "saml" ? "" : a.clientId],
    ["Scope", a.oidcConfiguration?.scope],
    ["Directory", a.provider === "ldap" ? `${ldap.host}:${ldap.port}` : ""],
    ["New people", a.enableSelfSignup ? "get an account at the first sign-in" : "need an account made by an administrator"],
    ["Administrators", (z.adminPrincipals ?? []).join(", ")],
    ["Domains", z.enforcePrincipalDomain ? `only ${domains}` : domains],
    ["Set by", sources.saved ? `${sources.savedBy || "the operator"}, ${when(sources.savedAt)}` : "configuration file and environment"],
  ];
  return facts.filter(([, value]) => value);
}

/**
 * @param {any} document the security settings
 * @param {string} signedOut address of the page after signing out
 * @returns {[string, string][]} what to enter at the provider, letter for letter
 */
export function addressesOf(document, signedOut) {
  const a = document.authenticationConfiguration ?? {};
  if (local(a.provider)) return [];
  const origin = originOf(signedOut) || originOf(a.callbackUrl);
  if (a.provider === "saml") {
    const sp = a.samlConfiguration?.sp ?? {};
    return [["ACS address (POST)", sp.acs], ["Entity id", sp.entityId], ["Metadata", origin && `${origin}/api/v1/saml/metadata`]].filter(([, value]) => value);
  }
  const open = a.clientType === "public";
  return [
    ["Callback address", open ? a.callbackUrl : a.oidcConfiguration?.callbackUrl || a.callbackUrl],
    ["Sign-out address", signedOut],
    ["Web origin (CORS)", open ? origin : ""],
    ["Back-channel sign-out", open || !origin ? "" : `${origin}/api/v1/auth/backchannel-logout`],
  ].filter(([, value]) => value);
}

/** @param {string} [address] */
function originOf(address) {
  try {
    return new URL(address ?? "").origin;
  } catch {
    return "";
  }
}
