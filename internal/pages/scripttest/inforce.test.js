// Tests of what the page of sign-in settings says: node --test
import assert from "node:assert/strict";
import test from "node:test";
import { addressesOf, factsOf, verdictOf } from "../static/inforce.js";

const of = (authentication, authorizer = {}) => ({ authenticationConfiguration: authentication, authorizerConfiguration: authorizer });
const web = of({
  provider: "auth0", clientType: "confidential", authority: "https://id.example/", clientId: "web", callbackUrl: "https://old.example/callback",
  oidcConfiguration: { callbackUrl: "https://catalog.example/callback", scope: "openid" },
});
const spa = of({ provider: "custom-oidc", providerName: "Larkfield ID", clientType: "public", authority: "https://id.example/", clientId: "spa", callbackUrl: "https://catalog.example/callback" });
const saml = of({ provider: "saml", clientType: "public", authority: "https://stray.example", samlConfiguration: { idp: { entityId: "urn:idp" }, sp: { entityId: "urn:sp", acs: "https://catalog.example/api/v1/saml/acs" } } });
const out = "https://catalog.example/signed-out";
const facts = (document, sources = {}) => Object.fromEntries(factsOf(document, sources, String));

test("one sentence says how people sign in", () => {
  assert.match(verdictOf(web), /^People sign in with Auth0, as a confidential client/);
  assert.match(verdictOf(spa), /^People sign in with Larkfield ID, as a public client/);
  assert.equal(verdictOf(saml), "People sign in with a SAML identity provider.");
  assert.equal(verdictOf(of({ provider: "basic", clientType: "public" })), "People sign in with a password kept here.");
});

test("addresses are those that this kind of client sends", () => {
  assert.deepEqual(addressesOf(web, out), [
    ["Callback address", "https://catalog.example/callback"], ["Sign-out address", out], ["Back-channel sign-out", "https://catalog.example/api/v1/auth/backchannel-logout"],
  ]);
  assert.deepEqual(addressesOf(spa, out), [["Callback address", "https://catalog.example/callback"], ["Sign-out address", out], ["Web origin (CORS)", "https://catalog.example"]]);
  assert.deepEqual(addressesOf(saml, out), [["ACS address (POST)", "https://catalog.example/api/v1/saml/acs"], ["Entity id", "urn:sp"], ["Metadata", "https://catalog.example/api/v1/saml/metadata"]]);
  assert.deepEqual(addressesOf(of({ provider: "basic", callbackUrl: "https://x.example/callback" }), out), []);
  assert.deepEqual(addressesOf(of({ provider: "ldap" }), out), []);
  assert.equal(new Map(addressesOf(spa, "/signed-out")).get("Web origin (CORS)"), "https://catalog.example");
});

test("facts name the issuer of the provider in force, and no other", () => {
  assert.equal(facts(web).Issuer, "https://id.example/");
  assert.equal(facts(web).Scope, "openid");
  assert.equal(facts(saml).Issuer, "urn:idp");
  assert.equal(facts(saml)["Client type"], undefined);
  assert.equal(facts(of({ provider: "ldap", authority: "https://stray.example", ldapConfiguration: { host: "ldap.example", port: 636 } })).Directory, "ldap.example:636");
  assert.equal(facts(of({ provider: "basic", authority: "https://stray.example" })).Issuer, undefined);
});

test("facts tell whose addresses get in and who set it", () => {
  const strict = facts(of({ provider: "basic" }, { adminPrincipals: ["ann", "bob"], principalDomain: "a.example", allowedDomains: ["b.example"], enforcePrincipalDomain: true }), { saved: true, savedBy: "ann", savedAt: 7 });
  assert.equal(strict.Domains, "only a.example, b.example");
  assert.equal(strict.Administrators, "ann, bob");
  assert.equal(strict["Set by"], "ann, 7");
  assert.equal(facts(web)["Set by"], "configuration file and environment");
  assert.equal(facts(spa).Domains, undefined);
});
