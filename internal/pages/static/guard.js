// What a tab remembers across redirects: when it was redirected, that somebody
// signed out, and the attempts to sign in. Never a token.

const redirects = "catalpa.redirects";
const signedOut = "catalpa.signedout";
const lastCode = "catalpa.failure";
const attempts = "catalpa.attempt.";

/** Automatic redirects allowed in a minute; the next one stops. */
export const allowedRedirects = 2;
const minute = 60_000;
const attemptLife = 600_000;

/** @param {number[]} times of redirects @param {number} now @returns {number[]} those of the last minute */
export function recent(times, now) {
  return times.filter((at) => Number.isFinite(at) && at <= now && now - at < minute);
}

/** Keeps what a tab remembers in a Storage. */
export class Guard {
  /** @param {Storage} storage @param {() => number} [clock] */
  constructor(storage, clock = Date.now) {
    this.storage = storage;
    this.clock = clock;
  }

  /** Counts an automatic redirect and tells whether it may happen. @returns {boolean} */
  redirect() {
    const now = this.clock();
    let times = [];
    try {
      times = recent(JSON.parse(this.storage.getItem(redirects) ?? "[]"), now);
    } catch {
      times = [];
    }
    if (times.length >= allowedRedirects) return false;
    this.storage.setItem(redirects, JSON.stringify([...times, now]));
    return true;
  }

  /** A sign-in came to its end, or a person chose to begin one. */
  settled() {
    this.storage.removeItem(redirects);
    this.storage.removeItem(signedOut);
    this.storage.removeItem(lastCode);
  }

  /** Whether somebody signed out in this tab and did not click since. */
  get out() {
    return this.storage.getItem(signedOut) !== null;
  }

  leave() {
    this.storage.setItem(signedOut, "1");
  }

  /** The code of the last failure, for the page that ends a loop. */
  get failure() {
    return this.storage.getItem(lastCode) ?? "";
  }

  /** @param {string} code */
  failed(code) {
    this.storage.setItem(lastCode, code);
  }

  /** @param {{state: string}} attempt kept until its answer is here, one entry for each */
  keep(attempt) {
    this.sweep();
    this.storage.setItem(attempts + attempt.state, JSON.stringify({ ...attempt, at: this.clock() }));
  }

  /** Takes an attempt out: an answer counts once. @param {string} state @returns {any} null when there is none */
  take(state) {
    this.sweep();
    const text = this.storage.getItem(attempts + state);
    this.storage.removeItem(attempts + state);
    return text === null ? null : JSON.parse(text);
  }

  /** Forgets attempts that took too long. */
  sweep() {
    const names = Array.from({ length: this.storage.length }, (_, i) => this.storage.key(i));
    for (const name of names) {
      if (!name?.startsWith(attempts)) continue;
      let at = 0;
      try {
        at = JSON.parse(this.storage.getItem(name) ?? "{}").at ?? 0;
      } catch {
        at = 0;
      }
      if (this.clock() - at > attemptLife) this.storage.removeItem(name);
    }
  }
}
