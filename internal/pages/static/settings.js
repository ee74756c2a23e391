// The page of sign-in settings: what is in force, what is wrong, who was refused, what
// was done, who is signed in. All text of the server goes in as text.
import actions from "./actions.js";
import { call } from "./calls.js";
import { changePage } from "./change.js";
import { addressesOf, factsOf, verdictOf } from "./inforce.js";
import { $, element, icon, say, settings, show } from "./view.js";

const base = "/system/security";
const page = 50;

/** The reader's time zone. */
const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
/** @param {number} at milliseconds @returns {string} */
const exact = (at) => new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
/** @param {number} at milliseconds @returns {string} */
const brief = (at) => new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

/** @param {any} error */
const sentence = (error) => [error.message, error.hint, error.code?.startsWith("SEC-") ? `(${error.code})` : ""].filter(Boolean).join(" ");

/** @param {number} n @param {string} one @param {string} many @returns {string} */
const counted = (n, one, many) => (n === 1 ? `1 ${one}` : `${n} ${many}`);

/** @param {Record<string, string | number>} values @returns {string} those that are set, as a query */
const query = (values) => new URLSearchParams(Object.entries(values).filter(([, value]) => value !== "").map(([name, value]) => [name, String(value)])).toString();

/**
 * Shows the page.
 * @param {object} view
 * @param {any} view.me the user
 * @param {import("./session.js").Session} view.session
 * @param {() => void} view.back
 * @param {() => void} view.again signs in again and comes back here
 */
export function settingsPage({ me, session, back, again }) {
  const ask = (method, path, body) => call(method, path, { token: session.token, body });
  $("settings-back").onclick = (event) => {
    event.preventDefault();
    back();
  };
  $("settings-me").textContent = me.name;
  $("settings-closed").hidden = me.isAdmin;
  $("settings-panels").hidden = !me.isAdmin;
  say($("settings-note"), "");
  for (const head of document.querySelectorAll(".log th:first-child")) head.textContent = `Time (${zone})`;
  show("settings");
  if (!me.isAdmin) return;
  const shown = inForce(ask);
  const look = doctor(ask);
  changePage({ session, again, saved: async () => {
    await shown();
    look();
  } });
  refusals(ask);
  audit(ask);
  sessions(ask, me);
}

/** Shows why a part of the page stays empty. @param {HTMLElement} place */
const failed = (place) => (error) => say(place, sentence(error));

/** @param {(method: string, path: string, body?: any) => Promise<any>} ask */
function inForce(ask) {
  const load = async () => {
    const [document, sources] = await Promise.all([documentInForce(ask), ask("GET", `${base}/sources`)]);
    say($("force-verdict"), verdictOf(document));
    $("force-facts").replaceChildren(...factsOf(document, sources, brief).flatMap(([name, value]) => [element("dt", name), element("dd", value)]));
    const addresses = addressesOf(document, settings.signedOut);
    $("addresses-title").hidden = $("addresses-help").hidden = addresses.length === 0;
    $("addresses").replaceChildren(...addresses.map(address));
    $("undo").hidden = !(sources.revertUntil > Date.now());
    $("undo-word").textContent = sources.saved ? `${sources.savedBy || "Somebody"} changed how people sign in, ${exact(sources.savedAt)}. Until ${exact(sources.revertUntil)} one click takes it back.` : "";
  };
  $("undo-button").onclick = async () => {
    try {
      await ask("POST", `${base}/restore`, {});
      say($("settings-note"), "The settings before the change are in force again.");
      await load();
    } catch (error) {
      say($("settings-note"), sentence(error));
    }
  };
  load().catch(failed($("force-verdict")));
  return load;
}

/** The settings, or as much as everybody may know, when the sign-in lies too far back. @param {(method: string, path: string) => Promise<any>} ask */
async function documentInForce(ask) {
  try {
    return await ask("GET", `${base}/config`);
  } catch (error) {
    if (error.code !== "SEC-REAUTH") throw error;
    const [authenticationConfiguration, authorizerConfiguration] = await Promise.all([ask("GET", "/system/config/auth"), ask("GET", "/system/config/authorizer")]);
    return { authenticationConfiguration, authorizerConfiguration };
  }
}

/** @param {[string, string]} entry */
function address([name, value]) {
  const copy = button("Copy", `Copy ${name}`, async () => {
    await navigator.clipboard?.writeText(value);
    copy.textContent = "Copied";
  });
  const line = element("div");
  line.append(element("code", value), copy);
  const item = element("li");
  item.append(element("b", name), line);
  return item;
}

/** @param {string} word @param {string} label says more than the word @param {() => void} work */
function button(word, label, work) {
  const made = element("button", word);
  made.className = "b s";
  made.type = "button";
  made.setAttribute("aria-label", label);
  made.onclick = work;
  return made;
}

/** @param {(method: string, path: string, body?: any) => Promise<any>} ask */
function doctor(ask) {
  const look = async () => {
    say($("doctor-verdict"), "Looking.");
    const { checks } = await ask("GET", `${base}/doctor`);
    const wrong = checks.filter((check) => check.status === "error");
    const odd = checks.filter((check) => check.status === "warning");
    const fine = checks.filter((check) => check.status === "ok");
    const found = wrong.length + odd.length;
    say($("doctor-verdict"), found === 0 ? "All well." : `${counted(found, "thing needs", "things need")} attention.`);
    $("doctor-findings").replaceChildren(...[...wrong, ...odd].map(finding));
    $("doctor-fine").hidden = fine.length === 0;
    $("doctor-fine").querySelector("summary").textContent = `${counted(fine.length, "check is", "checks are")} fine`;
    $("doctor-fine").querySelector("ul").replaceChildren(...fine.map(finding));
  };
  const again = () => look().catch(failed($("doctor-verdict")));
  $("examine").onclick = again;
  $("explain-form").onsubmit = async (event) => {
    event.preventDefault();
    const token = $("explain-token").value.trim();
    $("explain-token").value = "";
    if (!token) return say($("explained"), "Paste a token first.");
    try {
      explain(await ask("POST", `${base}/doctor/token`, { token }));
    } catch (error) {
      say($("explained"), sentence(error));
    }
  };
  again();
  return again;
}

/** What a status is called by those who cannot see its icon. */
const words = { ok: "fine", warning: "warning", error: "wrong" };

/** @param {any} check */
function finding(check) {
  const head = element("div");
  head.append(element("span", `${words[check.status]}: `), element("b", `${check.area}, ${check.name}`));
  head.firstChild.className = "vh";
  if (check.code) head.append(" ", element("code", check.code));
  const item = element("li");
  item.className = check.status;
  item.append(icon({ ok: "done", warning: "warn", error: "failed" }[check.status]), head);
  for (const text of [check.detail, check.remedy && `To do: ${check.remedy}`]) {
    if (text) item.append(element("p", text));
  }
  return item;
}

/** @param {any} told */
function explain(told) {
  const place = $("explained");
  place.hidden = false;
  const facts = element("dl");
  facts.className = "facts";
  facts.append(...(told.facts ?? []).flatMap(({ name, value }) => [element("dt", name), element("dd", value)]));
  const verdict = element("p", told.ok ? "This server accepts it." : told.message);
  verdict.className = "verdict";
  place.replaceChildren(verdict, ...[told.errorCode, told.hint, ...(told.remarks ?? [])].filter(Boolean).map((text) => element("p", text)), facts);
}

/** @param {(method: string, path: string, body?: any) => Promise<any>} ask */
function refusals(ask) {
  const filter = new URLSearchParams(location.search);
  const load = async () => {
    const wanted = { code: $("refusals-code").value, user: $("refusals-user").value.trim() };
    const kept = query(wanted);
    history.replaceState(history.state, "", location.pathname + (kept ? `?${kept}` : ""));
    const { data } = await ask("GET", `${base}/refusals?${query({ ...wanted, limit: 200 })}`);
    say($("refusals-count"), data.length === 0 ? "Nobody was refused." : `The last ${counted(data.length, "entry", "entries")}, the newest first.`);
    $("refusals").hidden = data.length === 0;
    fill($("refusals"), data.map(refused));
  };
  const codes = async () => {
    const { data } = await ask("GET", `${base}/codes`);
    const select = $("refusals-code");
    select.replaceChildren(select.options[0], ...data.map(({ errorCode }) => element("option", errorCode)));
    select.value = filter.get("code") ?? "";
    if (select.selectedIndex < 0) select.value = "";
  };
  $("refusals-user").value = filter.get("user") ?? "";
  $("refusals-form").onsubmit = (event) => {
    event.preventDefault();
    load().catch(failed($("refusals-count")));
  };
  codes().then(load).catch(failed($("refusals-count")));
}

/** @param {any} entry */
function refused(entry) {
  const who = element("div");
  const facts = [
    ["", entry.user], ["bot", entry.by], ["issuer", entry.issuer], ["key", entry.kid], ["from", entry.address], ["subject", entry.subject && `#${entry.subject}`],
  ];
  who.append(...facts.filter(([, value]) => value).map(([name, value]) => element("small", [name, value].filter(Boolean).join(" "))));
  const where = element("div");
  where.append(element("code", entry.route), ...(entry.detail ? [element("small", entry.detail)] : []));
  return [time(entry), element("code", entry.code), entry.message, who, where, entry.hint];
}

/** @param {any} entry */
function time(entry) {
  const at = element("time", exact(entry.at));
  at.dateTime = new Date(entry.at).toISOString();
  const place = element("div");
  place.append(at);
  if (entry.count > 1) place.append(element("small", `${entry.count} times`));
  return place;
}

/** Fills a table; cells are texts or elements. @param {HTMLTableElement} table @param {any[][]} rows @param {boolean} [more] adds to what is there */
function fill(table, rows, more = false) {
  const labels = [...table.querySelectorAll("th")].map((head) => head.textContent);
  const made = rows.map((cells) => {
    const row = element("tr");
    row.setAttribute("role", "row");
    row.append(...cells.map((cell, i) => {
      const td = element("td");
      td.setAttribute("role", "cell");
      td.append(cell || "");
      if (i > 0 && td.textContent) td.dataset.label = labels[i];
      if (td.textContent === "") td.replaceChildren();
      return td;
    }));
    return row;
  });
  if (more) table.tBodies[0].append(...made);
  else table.tBodies[0].replaceChildren(...made);
}

/** @param {(method: string, path: string, body?: any) => Promise<any>} ask */
function audit(ask) {
  let shown = 0;
  const load = async (more) => {
    if (!more) shown = 0;
    const user = $("audit-user").value.trim();
    const { data } = await ask("GET", `${base}/audit?${query({ user, limit: page, offset: shown })}`);
    shown += data.length;
    say($("audit-count"), shown === 0 ? "Nothing is on record." : `The last ${counted(shown, "entry", "entries")}, the newest first.`);
    $("audit").hidden = shown === 0;
    $("audit-older").hidden = data.length < page;
    fill($("audit"), data.map(done), more);
  };
  $("audit-form").onsubmit = (event) => {
    event.preventDefault();
    load(false).catch(failed($("audit-count")));
  };
  $("audit-older").onclick = () => load(true).catch(failed($("audit-count")));
  load(false).catch(failed($("audit-count")));
}

/** @param {any} entry */
function done(entry) {
  const action = Object.hasOwn(actions, entry.action) ? actions[entry.action] : entry.action;
  const more = [entry.code, entry.detail, entry.issuer, entry.kid && `key ${entry.kid}`, entry.address && `from ${entry.address}`].filter(Boolean);
  return [time({ ...entry, count: entry.action === "actedOnBehalf" ? entry.count : 0 }), action, entry.user, entry.by === entry.user ? "" : entry.by, more.join(", ")];
}

/** @param {(method: string, path: string, body?: any) => Promise<any>} ask @param {any} me */
function sessions(ask, me) {
  let user = me.name;
  const load = async (word = "") => {
    user = $("people-user").value.trim() || me.name;
    const { data } = await ask("GET", `/auth/sessions?${query({ user })}`);
    const own = user === me.name;
    const others = data.filter((entry) => !entry.current).length;
    say($("people-count"), `${word} ${own ? "You have" : `${user} has`} ${data.length === 0 ? "no session" : counted(data.length, "session", "sessions")}.`.trim());
    $("people-sessions").hidden = data.length === 0;
    $("people-sessions").replaceChildren(...data.map((entry) => sessionItem(entry, end)));
    $("people-end").hidden = others < (own ? 1 : 2);
    $("people-end").textContent = own ? "End all my other sessions" : `End all sessions of ${user}`;
  };
  const change = (path, word) => ask("DELETE", path).then(() => load(word)).catch(failed($("people-count")));
  const end = (id) => change(`/auth/sessions/${encodeURIComponent(id)}?${query({ user })}`, "The session has ended.");
  $("people-end").onclick = () => change(`/auth/sessions?${query({ user, keepCurrent: user === me.name ? "true" : "" })}`, "They have ended.");
  $("people-form").onsubmit = (event) => {
    event.preventDefault();
    load().catch((error) => {
      $("people-sessions").hidden = $("people-end").hidden = true;
      failed($("people-count"))(error);
    });
  };
  load().catch(failed($("people-count")));
}

/** @param {any} entry @param {(id: string) => void} end */
function sessionItem(entry, end) {
  const text = element("span", `Signed in ${brief(entry.signedIn)}`);
  text.append(element("small", [entry.current ? "this browser" : "", entry.address, `ends ${brief(entry.expires)}`].filter(Boolean).join(" · ")));
  const item = element("li");
  item.append(text);
  if (!entry.current) {
    const stop = button("End", `End the session of ${brief(entry.signedIn)}`, () => end(entry.id));
    stop.classList.add("push");
    item.append(stop);
  }
  return item;
}
