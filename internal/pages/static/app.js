// The page of signing in and of being signed in.
import { base64OfText } from "./encode.js";
import { Guard } from "./guard.js";
import { answerOf, authorizationURL, checkNonce, exchange, judge, newAttempt, Refusal, renew } from "./oidc.js";
import { Session } from "./session.js";
import { call } from "./calls.js";
import { home } from "./home.js";
import { settingsPage } from "./settings.js";
import { $, element, formError, newPasswordError, say, settings, show, stopped, submitted, watchNewPassword, watchPeeks } from "./view.js";

/** Where the settings are, and what concerns one's own account; all else is the user interface, or the start page where none was built. */
const settingsPath = "/settings/sign-in";
const accountPath = "/account";

const here = () => location.pathname + location.search + location.hash;

/** Where to go when somebody is signed in. */
let wanted = settings.view === "app" ? here() : settings.view === "settings" ? settingsPath : "/";

/** Says that a cookie keeps the session, which scripts cannot see. */
const keptMark = "catalpa.kept";

const guard = new Guard(sessionStorage);
const session = new Session({ renewer: { password: (tokens) => (tokens.kept ? renewByCookie() : renewByToken(tokens)), redirect: renewByCookie, public: renewAtProvider }[settings.mode] });

/** Errors that no repetition mends. @param {any} error */
function final(error) {
  error.final = error.status > 0 && error.status < 500 && error.status !== 429;
  return error;
}

async function renewByToken({ refresh }) {
  const answer = await call("POST", "/users/refresh", { body: { refreshToken: refresh } }).catch((error) => { throw final(error); });
  return { token: answer.accessToken, refresh: answer.refreshToken };
}

async function renewByCookie() {
  const answer = await call("GET", "/auth/refresh", { cookies: true }).catch((error) => { throw final(error); });
  return { token: answer.accessToken, kept: true };
}

/** Has a cookie keep the session: this page then holds nothing that renews it, and finds it again when it is loaded anew. */
async function keep() {
  const { token, refresh } = session.tokens ?? {};
  if (settings.mode !== "password" || !refresh || !window.isSecureContext) return;
  try {
    await call("POST", "/auth/session", { body: { refreshToken: refresh }, cookies: true });
    localStorage.setItem(keptMark, "1");
    session.set({ token, kept: true });
  } catch {
    // it goes on with what it has
  }
}

/** Where to go at the server to sign in and come back to what was wanted. */
const signInAddress = () => (wanted === "/" ? settings.signIn : loginTo(wanted));

async function renewAtProvider({ refresh }) {
  if (!refresh) throw Object.assign(new Refusal("SEC-REFRESH"), { final: true });
  const tokens = await renew(settings.client, refresh).catch((error) => { throw Object.assign(error, { final: error.code !== "SEC-CB-UPSTREAM" }); });
  return { token: tokens.idToken, refresh: tokens.refreshToken };
}

/** @param {any} error */
function fail(error) {
  const failure = error instanceof Refusal ? error : new Refusal("PAGE", { message: "This page met a fault of its own.", hint: "Load it again." });
  guard.failed(failure.code);
  stopped(failure, () => {
    guard.settled();
    begin();
  });
}

/** Goes to the sign-in at a click, or shows the form. */
function begin() {
  if (settings.mode === "redirect") return location.assign(signInAddress());
  if (settings.mode === "public") return leave(false);
  history.replaceState(null, "", "/signin");
  show("signin");
}

/** Sends the browser to the provider. @param {boolean} silent */
async function leave(silent) {
  try {
    if (!settings.client?.authorizationEndpoint) throw new Refusal("SEC-CB-UPSTREAM");
    const attempt = newAttempt();
    const url = await authorizationURL(settings.client, attempt, { silent });
    guard.keep({ ...attempt, silent, wanted });
    location.assign(url);
  } catch (error) {
    fail(error);
  }
}

/** Redirects without a click, unless that goes round in circles. @param {boolean} silent */
function leaveByItself(silent) {
  if (!guard.redirect()) return fail(new Refusal(guard.failure || "SEC-CB-STATE"));
  if (settings.mode === "redirect") return location.replace(signInAddress());
  return leave(silent);
}

/** Signs in anew, for what wants a fresh sign-in, and comes back to the same place. */
function signInAgain() {
  guard.settled();
  if (settings.mode === "redirect") return location.assign(loginTo(wanted));
  if (settings.mode === "public") return leave(false);
  return signIn("Sign in again to go on.");
}

/** @param {string} path where the sign-in ends */
const loginTo = (path) => `/api/v1/auth/login?redirectUri=${encodeURIComponent(path)}`;

function signIn(note = "") {
  $("accepted").hidden = true;
  if (location.pathname !== "/signed-out") history.replaceState(null, "", "/signin");
  if (note) say($("signin-note"), note);
  show("signin");
  if (settings.mode === "password") $("email").focus();
}

/** Finishes a round trip of the public client. */
async function callback() {
  const place = { search: location.search, hash: location.hash };
  history.replaceState(null, "", "/callback");
  const answer = answerOf(place, settings.client.responseType);
  const attempt = guard.take(answer.get("state") ?? "");
  if (typeof attempt?.wanted === "string" && /^\/(?![/\\])/.test(attempt.wanted)) wanted = attempt.wanted;
  let got;
  try {
    got = judge(answer, attempt, settings.client);
  } catch (error) {
    const quiet = ["login_required", "interaction_required", "consent_required", "account_selection_required"];
    if (attempt?.silent && quiet.includes(error.reason)) return signIn();
    throw error;
  }
  if (settings.client.responseType === "code") {
    const tokens = await exchange(settings.client, got, attempt);
    session.set({ token: tokens.idToken, refresh: tokens.refreshToken });
  } else {
    checkNonce(got, attempt.nonce);
    session.set({ token: got });
  }
  return enter();
}

/** Shows who is signed in. @param {string} [oneTime] the one-time password, when it was one */
async function enter(oneTime) {
  const me = await call("GET", "/users/loggedInUser?fields=roles,teams", { token: session.token });
  guard.settled();
  if (here() !== wanted) history.replaceState(null, "", wanted);
  let sessions = [];
  try {
    sessions = await call("GET", "/auth/sessions", { token: session.token });
  } catch (error) {
    if (error.code === "SEC-PASSWORD-ONETIME") return choosePassword(me, oneTime);
    if (error.status === 401) throw error;
  }
  await keep();
  await open(me, sessions);
  window.onpopstate = () => reopen(me);
  warnOfEnd();
}

/** Shows what the address says to somebody who is signed in. @param {any} me @param {any} sessions */
function open(me, sessions) {
  const go = (path) => {
    wanted = path;
    history.pushState(null, "", path);
    reopen(me);
  };
  document.querySelector(".logo").onclick = (event) => { // loading the page anew would lose the token
    event.preventDefault();
    go("/");
  };
  if (me.isAdmin) warnOfAccepted();
  if (ofUI()) return openUI(me, go);
  if (location.pathname === settingsPath) return settingsPage({ me, session, back: () => go("/"), again: signInAgain });
  home({ me, sessions, session, signOut, changePassword: () => choosePassword(me), openSettings: () => go(settingsPath) });
}

/** Whether the address is one of the user interface. */
const ofUI = () => settings.ui && ![settingsPath, accountPath].includes(location.pathname);

/** What the user interface gave back when it began. */
let ui = null;

/** Puts the user interface in this page's place. It stays as it is while the page asks to sign in again. @param {any} me @param {(path: string) => void} go */
async function openUI(me, go) {
  document.body.dataset.view = "ui";
  if (ui) return ui.show(me);
  const { mount } = await import(/* @vite-ignore */ settings.ui.script);
  ui = mount($("ui"), {
    me, version: settings.version, token: () => session.token, renew: () => session.renew(), signOut,
    account: () => go(accountPath), signOnSettings: () => go(settingsPath),
    signInAgain: () => {
      wanted = here();
      signInAgain();
    },
  });
}

/** Tells administrators what the server would not have started with, had nobody accepted it. */
async function warnOfAccepted() {
  const { accepted } = await call("GET", "/system/security/sources", { token: session.token }).catch(() => ({ accepted: [] }));
  $("accepted").hidden = accepted.length === 0;
  $("accepted-list").replaceChildren(...accepted.map(({ code, detail, remedy }) => {
    const item = element("li");
    item.append(element("code", code), ` ${[detail, remedy && `To do: ${remedy}`].filter(Boolean).join(" ")}`);
    return item;
  }));
}

/** @param {any} me */
async function reopen(me) {
  if (!session.token) return;
  wanted = here();
  if (ofUI()) return open(me, {});
  try {
    open(me, await call("GET", "/auth/sessions", { token: session.token }));
  } catch (error) {
    fail(error);
  }
}

/** @param {any} me @param {string} [old] */
function choosePassword(me, old) {
  $("newpassword-user").value = me.email ?? me.name;
  const form = $("newpassword-form");
  $("old-password-field").hidden = old !== undefined;
  form.onsubmit = async (event) => {
    event.preventDefault();
    const error = newPasswordError();
    if (error) return formError($("newpassword-error"), error, $("new-password"));
    const chosen = $("new-password").value;
    try {
      const body = { username: me.name, requestType: "SELF", oldPassword: old ?? $("old-password").value, newPassword: chosen, confirmPassword: chosen };
      await call("PUT", "/users/changePassword", { token: session.token, body });
      form.reset();
      await password(me.email ?? me.name, chosen);
    } catch (failure) {
      formError($("newpassword-error"), failure.message, $("new-password"));
    }
  };
  form.querySelector("[type=submit]").disabled = false;
  show("newpassword");
  $(old === undefined ? "old-password" : "new-password").focus();
}

/** @param {string} email @param {string} plain */
async function password(email, plain) {
  const answer = await call("POST", "/users/login", { body: { email, password: base64OfText(plain) } });
  session.set({ token: answer.accessToken, refresh: answer.refreshToken });
  return enter(plain);
}

function watchForm() {
  const form = $("password-form");
  if (!form) return;
  submitted(form, async () => {
    const [email, plain] = [$("email").value.trim(), $("password").value];
    if (!email || !plain) return formError($("password-error"), "Fill in both fields.", email ? $("password") : $("email"));
    try {
      await password(email, plain);
      form.reset();
    } catch (error) {
      if (error.code === "SEC-LOGIN-FAILED") formError($("password-error"), "E-mail or password is not right.", $("password"));
      else if (error.code === "SEC-LOGIN-THROTTLED") formError($("password-error"), "Too many tries. Wait a few minutes before the next.", $("password"));
      else formError($("password-error"), [error.message, error.hint].filter(Boolean).join(" "), $("password"));
    }
  });
}

async function signOut() {
  const token = session.token;
  session.clear();
  guard.leave();
  if (settings.mode === "redirect") return location.assign("/api/v1/auth/logout");
  if (settings.mode === "public") return location.assign(settings.client?.signOut || "/signed-out");
  if (localStorage.getItem(keptMark)) await call("POST", "/auth/logout", { body: {}, cookies: true }).catch(() => {});
  localStorage.removeItem(keptMark);
  await call("POST", "/users/logout", { token, body: {} }).catch(() => {});
  location.assign("/signed-out");
}

/** Tells in time that a session which cannot be renewed ends, and when it could not be. */
function warnOfEnd() {
  const again = () => {
    $("ending").close();
    guard.settled();
    wanted = here();
    if (settings.mode === "password") signIn();
    else leaveOrStay();
  };
  const leaveOrStay = () => (settings.mode === "public" ? leave(true) : location.assign(signInAddress()));
  const open = (title, word, button) => {
    $("ending-title").textContent = title;
    $("ending-word").textContent = word;
    $("ending-stay").textContent = button;
    if (!$("ending").open) $("ending").showModal();
  };
  $("ending-stay").onclick = again;
  $("ending-later").onclick = () => $("ending").close();
  session.addEventListener("failed", () => open("You were signed out", "Your session could not be renewed. Sign in to go on.", "Sign in again"), { once: true });
  if (settings.mode !== "public" || session.tokens?.refresh || !Number.isFinite(session.ends)) return;
  session.renewer = null;
  session.schedule();
  const left = session.ends - Date.now();
  setTimeout(() => open("Your session ends soon", "It ends in two minutes.", "Stay signed in"), Math.max(0, left - 120_000));
  setTimeout(() => open("You were signed out", "Sign in to go on.", "Sign in"), Math.max(0, left));
}

/** Finds out whether there is a session already. */
async function resume() {
  if (await session.ask()) return enter();
  if (settings.mode === "redirect" || settings.mode === "password" && localStorage.getItem(keptMark)) {
    try {
      session.set(await renewByCookie());
      return await enter();
    } catch (error) {
      if (error.status !== 401) throw error;
      localStorage.removeItem(keptMark);
      if (guard.failure && guard.failure === error.code) throw error;
    }
  }
  if (guard.out || settings.mode === "password") return signIn(guard.out ? "You are signed out." : "");
  if (settings.autoRedirect) return leaveByItself(false);
  if (settings.mode === "public" && ["app", "home", "settings"].includes(settings.view)) return leaveByItself(true);
  return signIn();
}

async function start() {
  watchForm();
  watchPeeks();
  document.body.append($("ending")); // shown over the user interface, too
  if (settings.mode === "redirect" && wanted !== "/" && $("continue")) $("continue").href = signInAddress();
  watchNewPassword();
  $("continue")?.addEventListener("click", (event) => {
    guard.settled();
    if (settings.mode !== "public") return;
    event.preventDefault();
    leave(false);
  });
  session.addEventListener("out", () => {
    guard.leave();
    if (ui) return location.reload(); // what it shows, and holds, is not for whoever comes next
    signIn("You are signed out.");
  });
  if (settings.view === "signed-out") return guard.leave();
  if (settings.view === "callback" && settings.mode === "public") return callback();
  return resume();
}

start().catch(fail);
