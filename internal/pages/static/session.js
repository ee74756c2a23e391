// The session of this page: its token in memory, renewed in time by one tab for all.
import { claimsOf } from "./encode.js";

const channelName = "catalpa-session";
const lockName = "catalpa-renewal";
/** How long to wait for other tabs to tell what they have. */
const patience = 200;
/** The longest pause between two tries to renew. */
const longestPause = 30_000;

/**
 * @typedef {object} Tokens
 * @property {string} token the bearer token
 * @property {string} [refresh] what renews it, if it is not a cookie
 * @property {number} [at] when it came, in milliseconds
 */

/**
 * @param {string} token
 * @param {number} at when it came
 * @returns {{due: number, ends: number}} when to renew it and when it ends, by this device's clock: a quarter of the lifetime before
 * the end, at least a minute; but short lives not before their half, or they would be renewed all the time
 */
export function timesOf(token, at) {
  const { iat, exp } = claimsOf(token);
  if (typeof exp !== "number") return { due: Infinity, ends: Infinity };
  const life = Math.max(0, (typeof iat === "number" ? exp - iat : exp - at / 1000) * 1000);
  return { due: at + life - Math.min(life / 2, Math.max(life / 4, 60_000)), ends: at + life };
}

/** Where the browser has no locks: this tab renews for itself. */
const alone = { request: (_, work) => work() };

/** Holds the token, and tells by events what happens to it: changed, failed (detail: the error), out. */
export class Session extends EventTarget {
  /**
   * @param {object} parts
   * @param {((tokens: Tokens) => Promise<Tokens>) | null} parts.renewer renews, or throws; an error with final=true ends the tries
   * @param {() => number} [parts.clock]
   * @param {BroadcastChannel} [parts.channel]
   * @param {{request: (name: string, work: () => Promise<any>) => Promise<any>}} [parts.locks]
   * @param {(ms: number) => Promise<void>} [parts.pause]
   */
  constructor({ renewer, clock = Date.now, channel = new BroadcastChannel(channelName), locks = navigator.locks ?? alone, pause }) {
    super();
    this.renewer = renewer;
    this.clock = clock;
    this.channel = channel;
    this.locks = locks;
    this.pause = pause ?? ((ms) => new Promise((done) => setTimeout(done, ms)));
    /** @type {Tokens | null} */
    this.tokens = null;
    this.timer = 0;
    channel.onmessage = (event) => this.heard(event.data);
  }

  get token() {
    return this.tokens?.token ?? "";
  }

  /** When the token ends. */
  get ends() {
    return this.tokens ? timesOf(this.tokens.token, this.tokens.at ?? 0).ends : 0;
  }

  /** @param {Tokens} tokens */
  set(tokens) {
    this.take({ at: this.clock(), ...tokens });
    this.channel.postMessage({ type: "have", tokens: this.tokens });
  }

  /** @param {Tokens} tokens */
  take(tokens) {
    this.tokens = tokens;
    this.schedule();
    this.dispatchEvent(new Event("changed"));
  }

  /** Forgets the token here and, unless told otherwise, in all tabs. */
  clear(everywhere = true) {
    this.tokens = null;
    clearTimeout(this.timer);
    if (everywhere) this.channel.postMessage({ type: "out" });
  }

  schedule() {
    clearTimeout(this.timer);
    if (!this.tokens || !this.renewer) return;
    const { due } = timesOf(this.tokens.token, this.tokens.at ?? 0);
    if (!Number.isFinite(due)) return;
    const wait = Math.min(Math.max(due - this.clock(), 1000), 2 ** 31 - 1);
    this.timer = setTimeout(() => this.renew().catch(() => {}), wait);
  }

  /** @param {any} message of another tab */
  heard(message) {
    switch (message?.type) {
      case "ask":
        if (this.tokens && this.ends > this.clock()) this.channel.postMessage({ type: "have", tokens: this.tokens });
        return;
      case "have":
        if (message.tokens && timesOf(message.tokens.token, message.tokens.at).ends > this.ends) this.take(message.tokens);
        return;
      case "out":
        this.clear(false);
        this.dispatchEvent(new Event("out"));
    }
  }

  /** Asks the other tabs for what they have. @returns {Promise<boolean>} whether this tab has a token now */
  async ask() {
    const heard = new Promise((done) => this.addEventListener("changed", done, { once: true }));
    this.channel.postMessage({ type: "ask" });
    await Promise.race([heard, this.pause(patience)]);
    return this.tokens !== null;
  }

  /** Renews the token: one tab does it, the others read its result. */
  async renew() {
    const before = this.tokens;
    try {
      await this.locks.request(lockName, async () => {
        if (this.tokens === before) await this.ask();
        if (this.tokens !== before || before === null || !this.renewer) return;
        await this.attempt(before);
      });
    } catch (error) {
      this.dispatchEvent(new CustomEvent("failed", { detail: error }));
      throw error;
    }
  }

  /** Tries for as long as the token lives: an outage does not end the session. @param {Tokens} before */
  async attempt(before) {
    for (let wait = 2000; ; wait = Math.min(2 * wait, longestPause)) {
      try {
        this.set(await this.renewer(before));
        return;
      } catch (error) {
        if (error.final || this.clock() + wait >= this.ends) throw error;
        await this.pause(wait);
      }
    }
  }
}
