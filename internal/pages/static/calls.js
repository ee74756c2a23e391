// Calls of this server's API.
import { Refusal } from "./oidc.js";

/**
 * @param {string} method
 * @param {string} path below /api/v1
 * @param {{body?: any, token?: string, cookies?: boolean}} [options]
 * @returns {Promise<any>} the answer; a Refusal is thrown for an error
 */
export async function call(method, path, { body, token, cookies = false } = {}) {
  const headers = { Accept: "application/json" };
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let response;
  try {
    response = await fetch(`/api/v1${path}`, {
      method, headers, body: body === undefined ? undefined : JSON.stringify(body), credentials: cookies ? "same-origin" : "omit", cache: "no-store",
      redirect: "error", signal: AbortSignal.timeout(30_000),
    });
  } catch {
    throw new Refusal("NETWORK", { message: "The catalog is not answering.", hint: "Check your connection and try again.", status: 503 });
  }
  const answer = await response.json().catch(() => ({}));
  if (response.ok) return answer;
  // Of headers this page sends, only the token can be too large.
  const code = response.status === 431 ? "SEC-TOK-FORMAT" : `HTTP-${response.status}`;
  throw new Refusal(answer?.errorCode || code, {
    message: answer?.message, hint: answer?.hint, request: answer?.requestId, status: response.status,
  });
}
