// OpenID Connect in the browser, for a provider where this catalog is a public
// client: authorization code with PKCE, and the older implicit answer where an
// administrator allowed it.
import { challengeOf, claimsOf, random } from "./encode.js";

/**
 * @typedef {object} Client
 * @property {string} issuer
 * @property {string} clientId
 * @property {string} authorizationEndpoint
 * @property {string} tokenEndpoint
 * @property {string} [signOut] where to sign out there and come back; it holds no token
 * @property {string} redirectUri
 * @property {string} scope
 * @property {string} responseType code, or id_token
 * @property {boolean} [issInResponse] the provider names itself in its answers (RFC 9207)
 * @property {string} [prompt]
 */

/** A refusal with its code, and the provider's word for it if there is one. */
export class Refusal extends Error {
  /** @param {string} code @param {{reason?: string, request?: string, message?: string, hint?: string, status?: number}} [more] */
  constructor(code, more = {}) {
    super(more.message ?? code);
    this.code = code;
    this.reason = more.reason ?? "";
    this.request = more.request ?? "";
    this.hint = more.hint ?? "";
    this.status = more.status ?? 0;
  }
}

/** @param {string | null | undefined} word @returns {string} an error word that can be shown, "" for anything longer or stranger */
export function errorWord(word) {
  return word && /^[A-Za-z0-9_.-]{1,60}$/.test(word) ? word : "";
}

/** @returns {{state: string, nonce: string, verifier: string}} */
export function newAttempt() {
  return { state: random(), nonce: random(), verifier: random(48) };
}

/**
 * @param {Client} client
 * @param {{state: string, nonce: string, verifier: string}} attempt
 * @param {{silent?: boolean}} [how] silent asks the provider to show nothing
 * @returns {Promise<string>} where to send the browser
 */
export async function authorizationURL(client, attempt, how = {}) {
  const url = new URL(client.authorizationEndpoint);
  const set = (name, value) => value && url.searchParams.set(name, value);
  set("response_type", client.responseType);
  set("client_id", client.clientId);
  set("redirect_uri", client.redirectUri);
  set("scope", client.scope);
  set("state", attempt.state);
  set("nonce", attempt.nonce);
  if (client.responseType === "code") {
    set("code_challenge", await challengeOf(attempt.verifier));
    set("code_challenge_method", "S256");
  } else {
    set("response_mode", "fragment");
  }
  set("prompt", how.silent ? "none" : client.prompt);
  return url.toString();
}

/**
 * Reads the provider's answer out of an address.
 * @param {{search: string, hash: string}} place
 * @param {string} responseType
 * @returns {URLSearchParams}
 */
export function answerOf(place, responseType) {
  const query = new URLSearchParams(place.search);
  for (const name of ["id_token", "access_token", "token"]) {
    if (query.has(name)) throw new Refusal("SEC-CB-STATE");
  }
  const answer = responseType === "code" || query.has("error") ? query : new URLSearchParams(place.hash.replace(/^#/, ""));
  for (const name of ["state", "code", "id_token", "iss", "error"]) {
    if (answer.getAll(name).length > 1) throw new Refusal("SEC-CB-STATE");
  }
  return answer;
}

/**
 * Judges an answer by the attempt that its state names.
 * @param {URLSearchParams} answer
 * @param {{state: string, nonce: string} | null} attempt
 * @param {Client} client
 * @returns {string} the code, or the ID token of an implicit answer
 */
export function judge(answer, attempt, client) {
  const state = answer.get("state");
  if (!state) throw new Refusal("SEC-CB-STATE");
  if (!attempt) throw new Refusal("SEC-CB-NOATTEMPT");
  if (attempt.state !== state) throw new Refusal("SEC-CB-STATE");
  // An answer that holds an ID token names the provider in there instead (RFC 9207 §2.4).
  const iss = answer.get("iss") ?? claimsOf(answer.get("id_token") ?? "").iss ?? null;
  if (iss === null ? client.issInResponse : iss !== client.issuer) throw new Refusal("SEC-CB-MIXUP");
  if (answer.has("error")) throw new Refusal("SEC-CB-PROVIDER", { reason: errorWord(answer.get("error")) });
  const got = answer.get(client.responseType === "code" ? "code" : "id_token");
  if (!got) throw new Refusal("SEC-CB-CODE");
  return got;
}

/** @param {string} idToken @param {string} nonce of the attempt */
export function checkNonce(idToken, nonce) {
  if (!nonce || claimsOf(idToken).nonce !== nonce) throw new Refusal("SEC-TOK-NONCE");
}

/**
 * @param {Client} client
 * @param {Record<string, string>} form
 * @param {typeof fetch} [send]
 * @returns {Promise<{idToken: string, refreshToken: string}>}
 */
async function tokenRequest(client, form, send = fetch) {
  let response;
  try {
    response = await send(client.tokenEndpoint, {
      method: "POST", body: new URLSearchParams({ ...form, client_id: client.clientId }), headers: { Accept: "application/json" },
      credentials: "omit", redirect: "error", cache: "no-store", referrerPolicy: "no-referrer", signal: AbortSignal.timeout(10_000),
    });
  } catch {
    throw new Refusal("SEC-CB-UPSTREAM");
  }
  const body = await response.json().catch(() => ({}));
  if (response.ok && typeof body?.id_token === "string") {
    return { idToken: body.id_token, refreshToken: typeof body.refresh_token === "string" ? body.refresh_token : "" };
  }
  if (response.status >= 500) throw new Refusal("SEC-CB-UPSTREAM", { status: response.status });
  const reason = errorWord(body?.error);
  if (reason === "invalid_grant") throw new Refusal("SEC-CB-CODE", { reason });
  if (reason === "invalid_client" || reason === "unauthorized_client" || response.status === 401) throw new Refusal("SEC-CB-CLIENT", { reason });
  throw new Refusal("SEC-CB-PROVIDER", { reason });
}

/** Exchanges the code. @param {Client} client @param {string} code @param {{verifier: string, nonce: string}} attempt @param {typeof fetch} [send] */
export async function exchange(client, code, attempt, send) {
  const form = { grant_type: "authorization_code", code, redirect_uri: client.redirectUri, code_verifier: attempt.verifier };
  const tokens = await tokenRequest(client, form, send);
  checkNonce(tokens.idToken, attempt.nonce);
  return tokens;
}

/** Renews with a refresh token. @param {Client} client @param {string} refreshToken @param {typeof fetch} [send] */
export async function renew(client, refreshToken, send) {
  const tokens = await tokenRequest(client, { grant_type: "refresh_token", refresh_token: refreshToken }, send);
  return { idToken: tokens.idToken, refreshToken: tokens.refreshToken || refreshToken };
}
