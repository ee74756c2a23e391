// Tests of the scripts' parts that need no browser: node --test
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import test from "node:test";
import { base64OfText, base64url, challengeOf, claimsOf, fromBase64url, random } from "../static/encode.js";
import { call } from "../static/calls.js";
import failures from "../static/failures.js";
import { allowedRedirects, Guard, recent } from "../static/guard.js";
import { answerOf, authorizationURL, checkNonce, errorWord, exchange, judge, newAttempt, renew } from "../static/oidc.js";
import { Session, timesOf } from "../static/session.js";
import { headings, rulesOf, trailOf, wordsOf } from "../static/words.js";

/** A Storage in memory. */
class Memory {
  constructor() { this.map = new Map(); }
  get length() { return this.map.size; }
  key(i) { return [...this.map.keys()][i] ?? null; }
  getItem(name) { return this.map.get(name) ?? null; }
  setItem(name, value) { this.map.set(name, String(value)); }
  removeItem(name) { this.map.delete(name); }
}

const client = {
  issuer: "https://id.example/", clientId: "catalog", authorizationEndpoint: "https://id.example/authorize?tenant=1", tokenEndpoint: "https://id.example/token",
  redirectUri: "https://catalog.example/callback", scope: "openid email", responseType: "code", issInResponse: true,
};
const jwt = (claims) => `e30.${base64url(new TextEncoder().encode(JSON.stringify(claims)))}.c2ln`;
const codeOf = (work) => { try { work(); } catch (error) { return error.code; } return "none"; };
const answer = (status, body) => async () => new Response(JSON.stringify(body), { status });

test("base64url is the alphabet of RFC 4648 and comes back", () => {
  assert.equal(base64url(Uint8Array.of(251, 255, 254)), "-__-");
  assert.deepEqual(fromBase64url("-__-"), Uint8Array.of(251, 255, 254));
  assert.throws(() => fromBase64url("a+b"));
  assert.equal(base64OfText("pässwört"), Buffer.from("pässwört").toString("base64"));
});

test("random values have 256 bits and differ", () => {
  assert.equal(random().length, 43);
  assert.notEqual(random(), random());
});

test("the challenge is that of RFC 7636 appendix B", async () => {
  assert.equal(await challengeOf("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
});

test("claims of something that is no token are none", () => {
  for (const text of ["", "a", "a.b.c", `a.${base64url(new TextEncoder().encode("7"))}.c`]) assert.deepEqual(claimsOf(text), {});
});

test("a request to the provider is bound to its attempt", async () => {
  const attempt = newAttempt();
  assert.ok(attempt.verifier.length >= 43 && attempt.verifier.length <= 128);
  const url = new URL(await authorizationURL(client, attempt));
  const got = Object.fromEntries(url.searchParams);
  assert.deepEqual(got, {
    tenant: "1", response_type: "code", client_id: "catalog", redirect_uri: client.redirectUri, scope: "openid email", state: attempt.state, nonce: attempt.nonce,
    code_challenge: await challengeOf(attempt.verifier), code_challenge_method: "S256",
  });
  assert.equal(new URL(await authorizationURL(client, attempt, { silent: true })).searchParams.get("prompt"), "none");
  const implicit = new URL(await authorizationURL({ ...client, responseType: "id_token" }, attempt)).searchParams;
  assert.equal(implicit.get("response_mode"), "fragment");
  assert.equal(implicit.has("code_challenge"), false);
});

test("T11 T16 T18 answers that do not fit are refused with their code", () => {
  const attempt = { state: "s", nonce: "n" };
  const iss = encodeURIComponent(client.issuer);
  for (const [search, kept, want] of [
    [`?state=s&code=c&iss=${iss}`, attempt, "none"],
    [`?code=c&iss=${iss}`, attempt, "SEC-CB-STATE"],
    [`?state=s&code=c&iss=${iss}`, null, "SEC-CB-NOATTEMPT"],
    [`?state=x&code=c&iss=${iss}`, attempt, "SEC-CB-STATE"],
    [`?state=s&state=s&code=c&iss=${iss}`, attempt, "SEC-CB-STATE"],
    [`?state=s&code=c&code=d&iss=${iss}`, attempt, "SEC-CB-STATE"],
    ["?state=s&code=c", attempt, "SEC-CB-MIXUP"],
    ["?state=s&code=c&iss=https://evil.example/", attempt, "SEC-CB-MIXUP"],
    [`?state=s&error=access_denied&iss=${iss}`, attempt, "SEC-CB-PROVIDER"],
    [`?state=s&iss=${iss}`, attempt, "SEC-CB-CODE"],
    [`?state=s&id_token=x&iss=${iss}`, attempt, "SEC-CB-STATE"],
  ]) {
    assert.equal(codeOf(() => judge(answerOf({ search, hash: "" }, "code"), kept, client)), want, search);
  }
});

test("an implicit answer counts in the fragment only, with state and nonce", () => {
  const implicit = { ...client, responseType: "id_token", issInResponse: false };
  const attempt = { state: "s", nonce: "n" };
  const read = (search, hash, of = implicit) => codeOf(() => judge(answerOf({ search, hash }, "id_token"), attempt, of));
  assert.equal(read("", "#id_token=t&state=s"), "none");
  const naming = { ...implicit, issInResponse: true };
  assert.equal(read("", `#state=s&id_token=${jwt({ iss: client.issuer })}`, naming), "none");
  for (const token of [jwt({ iss: "https://evil.example/" }), jwt({}), "t"]) assert.equal(read("", `#state=s&id_token=${token}`, naming), "SEC-CB-MIXUP");
  assert.equal(read("", `#state=s&iss=https://evil.example/&id_token=${jwt({ iss: client.issuer })}`, naming), "SEC-CB-MIXUP");
  assert.equal(read("?id_token=t&state=s", ""), "SEC-CB-STATE");
  assert.equal(read("", "#id_token=t"), "SEC-CB-STATE");
  assert.equal(read("?error=login_required&state=s", ""), "SEC-CB-PROVIDER");
  assert.equal(codeOf(() => checkNonce(jwt({ nonce: "n" }), "n")), "none");
  for (const token of [jwt({ nonce: "other" }), jwt({}), "x"]) assert.equal(codeOf(() => checkNonce(token, "n")), "SEC-TOK-NONCE");
  assert.equal(codeOf(() => checkNonce(jwt({}), undefined)), "SEC-TOK-NONCE");
});

test("T34 only plain error words are shown", () => {
  assert.equal(errorWord("access_denied"), "access_denied");
  for (const word of ["<script>", "a b", "", null, "x".repeat(61), "é"]) assert.equal(errorWord(word), "");
});

test("the token endpoint's answers have their codes", async () => {
  const attempt = { verifier: "v", nonce: "n" };
  const good = await exchange(client, "c", attempt, answer(200, { id_token: jwt({ nonce: "n" }), refresh_token: "r" }));
  assert.equal(good.refreshToken, "r");
  for (const [send, want] of [
    [answer(400, { error: "invalid_grant" }), "SEC-CB-CODE"], [answer(401, {}), "SEC-CB-CLIENT"], [answer(400, { error: "invalid_client" }), "SEC-CB-CLIENT"],
    [answer(500, {}), "SEC-CB-UPSTREAM"], [answer(400, { error: "invalid_scope" }), "SEC-CB-PROVIDER"], [answer(200, { access_token: "a" }), "SEC-CB-PROVIDER"],
    [async () => { throw new TypeError("network"); }, "SEC-CB-UPSTREAM"], [answer(200, { id_token: jwt({ nonce: "other" }) }), "SEC-TOK-NONCE"],
  ]) {
    await assert.rejects(exchange(client, "c", attempt, send), (error) => error.code === want);
  }
  let sent;
  await exchange(client, "c", attempt, async (url, init) => { sent = { url, init }; return new Response(JSON.stringify({ id_token: jwt({ nonce: "n" }) })); });
  assert.equal(sent.init.credentials, "omit");
  assert.equal(sent.init.redirect, "error");
  assert.equal(sent.init.body.get("code_verifier"), "v");
  assert.equal((await renew(client, "old", answer(200, { id_token: jwt({}) }))).refreshToken, "old");
});

test("the third automatic redirect within a minute stops", () => {
  let now = 1_000_000;
  const guard = new Guard(new Memory(), () => now);
  assert.equal(allowedRedirects, 2);
  assert.deepEqual([guard.redirect(), guard.redirect(), guard.redirect()], [true, true, false]);
  now += 60_001;
  assert.equal(guard.redirect(), true);
  guard.settled();
  assert.equal(guard.redirect() && guard.redirect(), true);
  assert.deepEqual(recent([1_000, 2_000, 70_000, NaN], 61_500), [2_000]);
});

test("attempts are kept by state, once, and for ten minutes", () => {
  let now = 1_000_000;
  const storage = new Memory();
  const guard = new Guard(storage, () => now);
  guard.keep({ state: "a", nonce: "1" });
  guard.keep({ state: "b", nonce: "2" });
  assert.equal(guard.take("a").nonce, "1");
  assert.equal(guard.take("a"), null);
  assert.equal(guard.take("b").nonce, "2");
  guard.keep({ state: "c" });
  now += 600_001;
  assert.equal(guard.take("c"), null);
  assert.equal(storage.length, 0);
});

test("a tab remembers that somebody signed out until a click", () => {
  const guard = new Guard(new Memory());
  guard.leave();
  assert.equal(guard.out, true);
  guard.settled();
  assert.equal(guard.out, false);
});

test("renewal is due when a quarter of the lifetime is left, a minute at least, and half of a short one", () => {
  const at = 5_000_000;
  assert.deepEqual(timesOf(jwt({ iat: 0, exp: 3600 }), at), { due: at + 2_700_000, ends: at + 3_600_000 });
  assert.deepEqual(timesOf(jwt({ iat: 0, exp: 120 }), at), { due: at + 60_000, ends: at + 120_000 });
  assert.deepEqual(timesOf(jwt({ iat: 0, exp: 60 }), at), { due: at + 30_000, ends: at + 60_000 });
  assert.equal(timesOf("none", at).due, Infinity);
});

/** Tabs that share a channel and a lock, in a time that passes by pauses alone. */
function tabs(count, renewer, time = { now: 1000 }) {
  const sessions = [];
  let turn = Promise.resolve();
  const locks = { request: (_, work) => { const mine = turn.then(work); turn = mine.catch(() => {}); return mine; } };
  for (let i = 0; i < count; i++) {
    const channel = { postMessage: (data) => sessions.forEach((other) => other.channel !== channel && other.heard(structuredClone(data))) };
    sessions.push(new Session({ renewer, channel, locks, clock: () => time.now, pause: async (ms) => { time.now += ms; } }));
  }
  return sessions;
}

test("one tab renews for all", async () => {
  let renewals = 0;
  const all = tabs(4, async () => { renewals++; return { token: jwt({ iat: 0, exp: 7200 }), refresh: "second" }; });
  all[0].set({ token: jwt({ iat: 0, exp: 3600 }), refresh: "first" });
  await Promise.all(all.map((tab) => tab.renew()));
  assert.equal(renewals, 1);
  for (const tab of all) {
    assert.equal(tab.tokens.refresh, "second");
    clearTimeout(tab.timer);
  }
});

test("F03 a renewal is tried while the token lives, then told once; a refusal is final", async () => {
  for (const final of [false, true]) {
    const time = { now: 1000 };
    const tries = [];
    let told = 0;
    const [tab] = tabs(1, async () => { tries.push(time.now); throw Object.assign(new Error("down"), { final }); }, time);
    tab.addEventListener("failed", () => told++);
    tab.set({ token: jwt({ iat: 0, exp: 3600 }) });
    time.now += 2_700_000;
    await assert.rejects(tab.renew());
    clearTimeout(tab.timer);
    assert.equal(told, 1);
    assert.equal(final, tries.length === 1);
    assert.ok(tries.every((at) => at < tab.ends), "no try after the end");
    if (!final) assert.ok(tab.ends - tries.at(-1) <= 30_000 && tries.length < 50, `${tries.length} tries`);
  }
});

test("F03 an outage that ends before the token does is not told", async () => {
  const time = { now: 1000 };
  const [tab] = tabs(1, async () => {
    if (time.now < 3_000_000) throw new Error("down");
    return { token: jwt({ iat: 0, exp: 3600 }), refresh: "second" };
  }, time);
  tab.addEventListener("failed", () => assert.fail("told"));
  tab.set({ token: jwt({ iat: 0, exp: 3600 }), refresh: "first" });
  time.now += 2_700_000;
  await tab.renew();
  clearTimeout(tab.timer);
  assert.equal(tab.tokens.refresh, "second");
});

test("signing out reaches all tabs, and a new tab asks the others", async () => {
  const all = tabs(3, null);
  all[0].set({ token: jwt({ iat: 0, exp: 3600 }) });
  all[2].clear(false);
  assert.equal(await all[2].ask(), true);
  let heard = 0;
  for (const tab of all) tab.addEventListener("out", () => heard++);
  all[1].clear();
  assert.equal(heard, 2);
  assert.deepEqual(all.map((tab) => tab.token), ["", "", ""]);
});

test("every failure has words that the page can show", () => {
  for (const [code, words] of Object.entries(failures)) {
    assert.ok(words.say.endsWith(".") && words.do.length > 0 && words.go, code);
    assert.ok(headings[words.at], code);
    assert.ok(!/please|oops|successfully|simply|!/i.test(words.say + words.do.join("")), code);
  }
  assert.equal(wordsOf({ code: "SEC-CB-PROVIDER", reason: "login_required" }).go, "Continue");
  assert.equal(wordsOf({ code: "SEC-CB-PROVIDER", reason: "constructor" }).at, "provider");
  assert.equal(wordsOf({ code: "SEC-NEW", message: "Said.", hint: "Do." }).say, "Said.");
  assert.deepEqual(trailOf("identity", "Larkfield").map((step) => step.state), ["done", "failed", "open"]);
});

test("F13 a token that no header may hold is told as such", async (t) => {
  t.mock.method(globalThis, "fetch", async () => new Response("431 Request Header Fields Too Large", { status: 431 }));
  const refusal = await call("GET", "/users/loggedInUser", { token: "x".repeat(30_000) }).catch((error) => error);
  assert.equal(refusal.code, "SEC-TOK-FORMAT");
  assert.match(wordsOf(refusal).do.join(" "), /groups/);
});

test("the rules of a password tick off one by one", () => {
  assert.deepEqual(rulesOf("Abcdef1!"), { length: true, upper: true, lower: true, digit: true, special: true });
  assert.deepEqual(rulesOf("abc"), { length: false, upper: false, lower: true, digit: false, special: false });
  assert.equal(rulesOf("x".repeat(129)).length, false);
});

test("T35 no script writes to a storage that outlives the tab, or a token to any", () => {
  const folder = new URL("../static/", import.meta.url);
  for (const name of readdirSync(folder).filter((file) => file.endsWith(".js"))) {
    // That a cookie keeps the session is all that may be noted for good.
    const text = readFileSync(new URL(name, folder), "utf8").replaceAll(/localStorage\.(setItem\(keptMark, "1"\)|(get|remove)Item\(keptMark\))/g, "");
    assert.ok(!/localStorage|indexedDB|caches\b|serviceWorker|document\.cookie|innerHTML|eval\(/.test(text), name);
  }
});
