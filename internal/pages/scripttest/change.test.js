// Tests of the form that changes how people sign in: node --test
import assert from "node:assert/strict";
import test from "node:test";
import { begin, choiceOf, documentOf, groupsOf, mask, nameAt, providers, readFrom, shownAs, valueAt } from "../static/fields.js";
import { addressesOf } from "../static/inforce.js";
import { checksOf, passed } from "../static/verdict.js";

const A = "authenticationConfiguration.";
const O = `${A}oidcConfiguration.`;
const basic = {
  authenticationConfiguration: { provider: "basic", clientType: "public", callbackUrl: "https://catalog.example/callback", publicKeyUrls: [], enableSelfSignup: false, jwtPrincipalClaims: ["email"] },
  authorizerConfiguration: { adminPrincipals: ["admin"], principalDomain: "example.com" },
};
const web = {
  authenticationConfiguration: {
    provider: "auth0", clientType: "confidential", authority: "https://a.example/", clientId: "web", callbackUrl: "https://catalog.example/auth/callback", publicKeyUrls: ["https://a.example/jwks"],
    oidcConfiguration: {
      id: "web", type: "auth0", secret: mask, scope: "openid", serverUrl: "https://catalog.example", callbackUrl: "https://catalog.example/auth/callback",
      discoveryUri: "https://a.example/.well-known/openid-configuration", maxAge: "", customParams: { audience: "x" },
    },
  },
  authorizerConfiguration: { adminPrincipals: ["admin"] },
};
const confidential = { provider: "auth0", clientType: "confidential" };
const single = { provider: "auth0", clientType: "public" };

/** The document after somebody changed some fields. */
function changed(document, choice, changes, origin = "https://here.example") {
  const start = begin(document, choice, origin);
  const values = new Map(groupsOf(choice).flatMap((group) => group.fields).map((f) => [f.path, readFrom(f, shownAs(f, valueAt(start, f.path)))]));
  for (const [path, value] of Object.entries(changes)) values.set(path, value);
  return documentOf(start, choice, values, new Set(Object.keys(changes)));
}

test("a form that nobody touched sends what is in force", () => {
  assert.deepEqual(changed(web, choiceOf(web), {}), web);
  const sent = changed(basic, choiceOf(basic), {});
  delete sent.authenticationConfiguration.clientType;
  const { clientType, ...rest } = basic.authenticationConfiguration;
  assert.deepEqual(sent, { ...basic, authenticationConfiguration: rest });
});

test("another provider begins anew, and keeps who may sign in", () => {
  const got = changed(basic, confidential, { [`${A}authority`]: "https://a.example", [`${A}clientId`]: "web", [`${O}secret`]: "s" });
  assert.deepEqual(got.authorizerConfiguration, basic.authorizerConfiguration);
  assert.deepEqual(got.authenticationConfiguration, {
    provider: "auth0", clientType: "confidential", callbackUrl: "https://catalog.example/callback", enableSelfSignup: false, jwtPrincipalClaims: ["email"], authority: "https://a.example", clientId: "web",
    oidcConfiguration: { scope: "openid email profile offline_access", serverUrl: "https://catalog.example", callbackUrl: "https://catalog.example/callback", secret: "s", id: "web", type: "auth0" },
  });
  const okta = changed(web, { provider: "okta", clientType: "confidential" }, {});
  assert.equal(okta.authenticationConfiguration.authority, undefined);
  assert.equal(okta.authenticationConfiguration.oidcConfiguration.secret, undefined, "the secret of another provider stays behind");
  assert.equal(okta.authenticationConfiguration.oidcConfiguration.serverUrl, "https://catalog.example");
});

test("a single-page application has no secret", () => {
  const got = changed(web, single, {}).authenticationConfiguration;
  assert.equal(got.clientType, "public");
  assert.equal("secret" in got.oidcConfiguration, false);
  assert.equal(groupsOf(single).flatMap((group) => group.fields).some((f) => f.path === `${O}secret`), false);
  assert.equal(groupsOf(confidential).flatMap((group) => group.fields).some((f) => f.path === `${O}secret`), true);
});

test("what follows from the authority and the address follows, unless somebody says otherwise", () => {
  const moved = changed(web, confidential, { [`${A}authority`]: "https://b.example", [`${O}serverUrl`]: "https://new.example/" }).authenticationConfiguration;
  assert.equal(moved.oidcConfiguration.discoveryUri, undefined);
  assert.equal(moved.publicKeyUrls, undefined);
  assert.equal(moved.oidcConfiguration.callbackUrl, "https://new.example/auth/callback");
  assert.equal(moved.callbackUrl, "https://new.example/auth/callback");
  assert.deepEqual(moved.oidcConfiguration.customParams, { audience: "x" }, "what the form does not show stays");
  const own = changed(web, confidential, { [`${A}authority`]: "https://b.example", [`${O}discoveryUri`]: "https://b.example/x", [`${O}callbackUrl`]: "https://catalog.example/callback" }).authenticationConfiguration;
  assert.equal(own.oidcConfiguration.discoveryUri, "https://b.example/x");
  assert.equal(own.callbackUrl, "https://catalog.example/callback");
  assert.equal(changed(web, confidential, { [`${A}clientId`]: "other" }).authenticationConfiguration.oidcConfiguration.id, "other");
});

test("leaving OpenID Connect keeps the address of the catalog", () => {
  for (const provider of ["basic", "ldap", "saml"]) {
    const got = changed(web, { provider, clientType: "confidential" }, {}).authenticationConfiguration;
    assert.equal(got.provider, provider);
    assert.deepEqual(got.oidcConfiguration, { serverUrl: "https://catalog.example" }, provider);
    for (const gone of ["authority", "clientId", "clientType", "publicKeyUrls"]) assert.equal(gone in got, false, `${provider}: ${gone}`);
  }
});

test("every provider has fields with words, and each path once", () => {
  for (const [provider] of providers) {
    for (const clientType of ["public", "confidential"]) {
      const fields = groupsOf({ provider, clientType }).flatMap((group) => group.fields);
      assert.ok(fields.length >= 6, provider);
      assert.equal(new Set(fields.map((f) => f.path)).size, fields.length, provider);
      for (const f of fields) assert.ok(f.label && f.help !== undefined, `${provider}: ${f.path}`);
    }
  }
});

test("lists and flags come back as they went", () => {
  const f = (kind) => ({ kind, path: "x", label: "x", help: "" });
  assert.deepEqual(readFrom(f("list"), shownAs(f("list"), ["a", "b"])), ["a", "b"]);
  assert.deepEqual(readFrom(f("list"), " a , ,b,"), ["a", "b"]);
  assert.equal(readFrom(f("flag"), shownAs(f("flag"), true)), true);
  assert.equal(shownAs(f("text"), 3600), "3600");
  assert.equal(readFrom(f("text"), "  x "), "x");
});

test("addresses carry the names of the provider's own page", () => {
  const names = addressesOf(begin(web, single, ""), "https://catalog.example/signed-out").map(([name]) => nameAt("auth0", name));
  assert.deepEqual(names, ["Allowed Callback URLs", "Allowed Logout URLs", "Allowed Web Origins, and Allowed Origins (CORS)"]);
  assert.equal(nameAt("custom-oidc", "Callback address"), "Callback address");
});

test("a test login is told in the order of a sign-in, and ends at the first failure", () => {
  const good = { outcome: "new", issuer: "https://a.example/", subject: "42", name: "ann", email: "ann@example.com", domainAllowed: true, admin: true, roles: ["Steward"], unknownRoles: ["Ghost"], renewalPossible: true };
  assert.equal(passed(good), true);
  assert.deepEqual(checksOf(good).map((check) => `${check.status} ${check.name}`), ["ok Identity", "ok Name and e-mail", "ok Domain", "ok Account", "ok Administrator", "ok Roles and teams", "warning Unknown here", "ok Renewal"]);
  const weak = checksOf({ ...good, admin: false, renewalPossible: false });
  assert.deepEqual(weak.filter((check) => check.status === "warning").map((check) => check.code ?? check.name), ["Administrator", "Unknown here", "SEC-SCOPE-REFRESH"]);
  const refused = { outcome: "refused", errorCode: "SEC-USER-DOMAIN", message: "no", hint: "do", issuer: "https://a.example/", subject: "42", name: "ann" };
  assert.equal(passed(refused), false);
  assert.deepEqual(checksOf(refused).at(-1), { status: "error", name: "Refused", text: "no", todo: "do", code: "SEC-USER-DOMAIN" });
  assert.equal(checksOf(refused).length, 3);
});
