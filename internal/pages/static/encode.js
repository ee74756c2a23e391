// Encodings and random values of the sign-in.

/** @param {Uint8Array} bytes @returns {string} base64url without padding (RFC 4648 §5) */
export function base64url(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** @param {string} text @returns {Uint8Array} what base64url made it from; throws if it is none */
export function fromBase64url(text) {
  if (!/^[A-Za-z0-9_-]*$/.test(text)) throw new Error("not base64url");
  return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (c) => c.charCodeAt(0));
}

/** @param {string} text @returns {string} Base64 of its UTF-8, the form in which passwords are sent */
export function base64OfText(text) {
  let out = "";
  for (const byte of new TextEncoder().encode(text)) out += String.fromCharCode(byte);
  return btoa(out);
}

/** @param {number} [size] bytes @returns {string} a random value of 256 bits unless told otherwise */
export function random(size = 32) {
  return base64url(crypto.getRandomValues(new Uint8Array(size)));
}

/** @param {string} verifier @returns {Promise<string>} its S256 challenge (RFC 7636 §4.2) */
export async function challengeOf(verifier) {
  return base64url(new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier))));
}

/** @param {string} token a JWT @returns {Record<string, any>} its claims, unverified; {} when it has none */
export function claimsOf(token) {
  try {
    const claims = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(fromBase64url(token.split(".")[1])));
    return claims && typeof claims === "object" ? claims : {};
  } catch {
    return {};
  }
}
