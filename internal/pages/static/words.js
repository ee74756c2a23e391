// The words of failures and the rules of passwords.
import failures from "./failures.js";

/** Headings by where a sign-in stopped. */
export const headings = {
  provider: "Sign-in stopped at your provider", return: "Sign-in stopped on the way back", identity: "Sign-in stopped at your identity",
  account: "Sign-in stopped at Catalpa",
};

/** @param {{code: string, reason?: string, message?: string, hint?: string}} failure */
export function wordsOf(failure) {
  const words = (failure.code === "SEC-CB-PROVIDER" && Object.hasOwn(failures, failure.reason ?? "") && failures[failure.reason]) || failures[failure.code];
  if (words) return words;
  return { at: "account", say: failure.message || "The sign-in did not work.", do: failure.hint ? [failure.hint] : ["Try again."], go: "Try again" };
}

/** @param {string} at where it stopped @param {string} provider @returns {{name: string, state: string, word: string}[]} */
export function trailOf(at, provider) {
  const failed = { provider: 0, return: 1, identity: 1, account: 2 }[at] ?? 2;
  return [provider || "Your provider", "Your identity", "Catalpa account"].map((name, i) => {
    if (i < failed) return { name, state: "done", word: ["opened", "confirmed"][i] };
    return i === failed ? { name, state: "failed", word: "stopped" } : { name, state: "open", word: "not reached" };
  });
}

/** The rules that a new password has to fit. @param {string} text @returns {Record<string, boolean>} */
export function rulesOf(text) {
  return {
    length: text.length >= 8 && text.length <= 128, upper: /\p{Lu}/u.test(text), lower: /\p{Ll}/u.test(text), digit: /\p{Nd}/u.test(text),
    special: /[^\p{L}\p{N}]/u.test(text),
  };
}
