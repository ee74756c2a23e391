// The form that changes how people sign in: fields by provider, checks, test login, save.
import { call } from "./calls.js";
import { begin, choiceOf, documentOf, familyOf, groupsOf, mask, nameAt, providers, readFrom, shownAs, valueAt } from "./fields.js";
import { addressesOf } from "./inforce.js";
import { $, element, icon, say } from "./view.js";
import { checksOf, passed } from "./verdict.js";

const base = "/system/security";
/** What to type to save settings that nobody has tested. */
const phrase = "save without a test";
/** How long a test login may take, and how often the page looks for its result. */
const patience = 600_000;
const pause = 1500;

/** @param {any} error */
const sentence = (error) => [error.message, error.hint, error.code?.startsWith("SEC-") ? `(${error.code})` : ""].filter(Boolean).join(" ");

/** What the form holds. */
let form = { document: null, sources: {}, start: null, choice: { provider: "basic", clientType: "confidential" }, edited: new Set() };

/** @param {string} path */
const idOf = (path) => `field-${path.replaceAll(".", "-")}`;

/**
 * Shows the form, or why it cannot be shown.
 * @param {object} view
 * @param {import("./session.js").Session} view.session
 * @param {() => void} view.again signs in again
 * @param {() => Promise<void>} view.saved after a change
 */
export function changePage({ session, again, saved }) {
  const ask = (method, path, body, cookies = false) => call(method, base + path, { token: session.token, body, cookies });
  const load = async () => {
    clear();
    try {
      const [document, { sources }] = await Promise.all([ask("GET", "/config"), ask("GET", "/sources")]);
      form = { document, sources, start: null, choice: choiceOf(document), edited: new Set() };
      $("change-stale").hidden = true;
      $("change-form").hidden = false;
      draw();
    } catch (error) {
      $("change-form").hidden = true;
      $("change-stale").hidden = false;
      $("change-stale-word").textContent = error.code === "SEC-REAUTH" ? "Changing this needs a sign-in within the last ten minutes." : sentence(error);
    }
  };
  $("change-again").onclick = again;
  $("change-discard").onclick = load;
  $("change-check").onclick = () => working($("change-check"), async () => {
    const { errors } = await ask("POST", "/validate", current());
    faults(errors);
    if (errors.length === 0) say($("change-word"), "Nothing is wrong with these settings, as far as it shows without a sign-in.");
  });
  $("change-test").onclick = () => working($("change-test"), () => (form.choice.provider === "ldap" ? byPassword(ask) : byBrowser(ask)));
  $("change-form").onsubmit = (event) => {
    event.preventDefault();
    working($("change-save"), () => save(ask, saved, load));
  };
  $("change-form").oninput = (event) => edited(event.target);
  load();
}

/** Takes away what an earlier step said. */
function clear() {
  for (const id of ["change-word", "change-faults-word"]) say($(id), "");
  for (const id of ["change-faults", "change-tested", "change-confirm", "change-open", "change-who"]) $(id).hidden = true;
  for (const marked of $("change-form").querySelectorAll("[aria-invalid]")) marked.removeAttribute("aria-invalid");
  for (const told of $("change-form").querySelectorAll(".told")) say(told, "");
}

/** Runs a step with its button held, and shows what goes wrong. @param {HTMLButtonElement} button @param {() => Promise<void>} work */
async function working(button, work) {
  clear();
  button.disabled = true;
  try {
    await work();
  } catch (error) {
    if (error.code === "SEC-REAUTH") $("change-stale").hidden = false;
    failed(sentence(error));
  } finally {
    button.disabled = false;
  }
}

/** @param {string} text */
function failed(text) {
  $("change-faults").hidden = false;
  $("change-faults-list").replaceChildren();
  say($("change-faults-word"), text);
}

/** Draws the fields of the choice. */
function draw() {
  form.start = begin(form.document, form.choice, location.origin);
  form.edited.clear();
  const oidc = familyOf(form.choice.provider) === "oidc";
  $("change-providers").replaceChildren(...providers.map(([value, name, help]) => card("provider", value, name, help, form.choice.provider)));
  $("change-kind").hidden = !oidc;
  for (const radio of $("change-kind").querySelectorAll("input")) radio.checked = radio.value === form.choice.clientType;
  $("change-groups").replaceChildren(...groupsOf(form.choice).map(drawGroup));
  $("change-test").hidden = form.choice.provider === "basic";
  addresses();
}

/** @param {string} name @param {string} value @param {string} title @param {string} help @param {string} chosen */
function card(name, value, title, help, chosen) {
  const label = element("label");
  label.className = "card";
  const radio = element("input");
  Object.assign(radio, { type: "radio", name, value, checked: value === chosen });
  label.append(radio, element("b", title), element("small", help));
  return label;
}

/** @param {ReturnType<typeof groupsOf>[number]} group */
function drawGroup({ title, closed, fields }) {
  const box = element(closed ? "details" : "fieldset");
  box.className = "group";
  const grid = element("div");
  grid.className = "fields";
  grid.append(...fields.map(drawField));
  box.append(element(closed ? "summary" : "legend", title), grid);
  return box;
}

/** @param {import("./fields.js").Field} f */
function drawField(f) {
  const shown = shownAs(f, valueAt(form.start, f.path));
  const id = idOf(f.path);
  const made = input(f, shown);
  Object.assign(made, { id, name: f.path });
  made.setAttribute("aria-describedby", `${id}-help ${id}-told`);
  const label = element("label", f.label);
  label.htmlFor = id;
  const source = form.sources[f.path];
  const help = element("p", [f.help, source && source !== "saved form" ? `Now from ${source}.` : ""].filter(Boolean).join(" "));
  Object.assign(help, { id: `${id}-help`, className: "sm muted" });
  const told = element("p");
  Object.assign(told, { id: `${id}-told`, className: "told", hidden: true });
  const box = element("div");
  box.className = f.kind === "flag" ? "field tick" : f.kind === "long" ? "field broad" : "field";
  box.append(...(f.kind === "flag" ? [made, label] : [label, made]), help, told);
  return box;
}

/** @param {import("./fields.js").Field} f @param {string | boolean} shown */
function input(f, shown) {
  if (f.kind === "flag") return Object.assign(element("input"), { type: "checkbox", checked: shown });
  const made = element(f.kind === "long" ? "textarea" : f.kind === "choice" ? "select" : "input");
  made.className = "in";
  if (f.kind === "choice") {
    const values = [...new Set([String(shown), ...f.choices])];
    made.append(...values.map((value) => Object.assign(element("option", value || "–"), { value })));
  }
  if (f.kind === "long") made.rows = 3;
  if (f.kind === "text" || f.kind === "list" || f.kind === "secret") made.type = f.kind === "secret" ? "password" : "text";
  made.value = shown;
  Object.assign(made, { autocomplete: f.kind === "secret" ? "new-password" : "off", spellcheck: false });
  return made;
}

/** What somebody typed stays true for another provider, too. @param {string} path */
const common = (path) => path.startsWith("authorizerConfiguration.") || path.endsWith(".serverUrl") || path.endsWith(".enableSelfSignup");

/** Draws the fields of another choice, with what was typed so far. @param {(path: string) => boolean} keep */
function redraw(keep) {
  const typed = [...form.edited].filter(keep).map((path) => [path, $(idOf(path))]).filter(([, made]) => made).map(([path, made]) => [path, made.checked, made.value]);
  draw();
  for (const [path, checked, value] of typed) {
    const made = $(idOf(path));
    if (!made) continue;
    if (made.type === "checkbox") made.checked = checked;
    else made.value = value;
    form.edited.add(path);
  }
  addresses();
}

/** @param {any} target of an input event */
function edited(target) {
  if (target.name === "provider" || target.name === "kind") {
    form.choice = { ...form.choice, [target.name === "kind" ? "clientType" : "provider"]: target.value };
    if (target.name === "provider" && familyOf(target.value) === "oidc") form.choice.clientType = form.document.authenticationConfiguration.provider === target.value ? choiceOf(form.document).clientType : "confidential";
    const kept = target.name === "kind" ? () => true : common;
    clear();
    redraw(kept);
    $("change-form").querySelector(`[name="${target.name}"][value="${target.value}"]`).focus();
    return;
  }
  if (!target.name?.includes(".")) return;
  form.edited.add(target.name);
  const secret = $(idOf("authenticationConfiguration.oidcConfiguration.secret"));
  const other = ["authenticationConfiguration.clientId", "authenticationConfiguration.authority"].includes(target.name);
  if (other && secret?.value === mask) secret.value = ""; // of another client
  addresses();
}

/** @returns {any} the document as the form has it */
function current() {
  const values = new Map();
  for (const f of groupsOf(form.choice).flatMap((group) => group.fields)) {
    const made = $(idOf(f.path));
    values.set(f.path, readFrom(f, f.kind === "flag" ? made.checked : made.value));
  }
  return documentOf(form.start, form.choice, values, form.edited);
}

/** Shows what to enter at the provider. */
function addresses() {
  const document = current();
  const server = valueAt(document, "authenticationConfiguration.oidcConfiguration.serverUrl") || location.origin;
  const found = addressesOf(document, `${server.replace(/\/+$/, "")}/signed-out`);
  $("change-paste").hidden = found.length === 0;
  $("change-addresses").replaceChildren(...found.map(([name, value]) => {
    const copy = Object.assign(element("button", "Copy"), { type: "button", className: "b s" });
    copy.setAttribute("aria-label", `Copy ${name}`);
    copy.onclick = async () => {
      await navigator.clipboard?.writeText(value);
      copy.textContent = "Copied";
    };
    const line = element("div");
    line.append(element("code", value), copy);
    const item = element("li");
    item.append(element("b", nameAt(form.choice.provider, name)), line);
    return item;
  }));
}

/** Says what is wrong, at the fields as far as they show. @param {{field: string, error: string, code?: string}[]} errors */
function faults(errors) {
  $("change-faults").hidden = errors.length === 0;
  say($("change-faults-word"), errors.length === 0 ? "" : errors.length === 1 ? "One thing needs attention." : `${errors.length} things need attention.`);
  $("change-faults-list").replaceChildren(...errors.map(({ field, error, code }) => {
    const made = $(idOf(field));
    const item = element("li");
    const text = [error, code?.startsWith("SEC-") ? `(${code})` : ""].filter(Boolean).join(" ");
    if (!made) {
      item.append(element("code", field), ` ${text}`);
      return item;
    }
    made.setAttribute("aria-invalid", "true");
    say($(`${made.id}-told`), text);
    const group = made.closest("details");
    if (group) group.open = true;
    const link = element("a", made.labels[0].textContent);
    link.href = `#${made.id}`;
    link.onclick = (event) => {
      event.preventDefault();
      made.focus();
    };
    item.append(link, `: ${text}`);
    return item;
  }));
}

/** Tries a name and a password at the directory. @param {(method: string, path: string, body?: any) => Promise<any>} ask */
async function byPassword(ask) {
  $("change-who").hidden = false;
  const [name, password] = [$("change-who-name").value.trim(), $("change-who-password").value];
  if (!name || !password) {
    say($("change-word"), "Fill in the name and the password of somebody in the directory, then test again.");
    $(name ? "change-who-password" : "change-who-name").focus();
    return;
  }
  $("change-who-password").value = "";
  report(await ask("POST", "/test-login/password", { settings: current(), name, password }));
}

/** Tries a sign-in at the provider in a window of its own. @param {(method: string, path: string, body?: any, cookies?: boolean) => Promise<any>} ask */
async function byBrowser(ask) {
  const beside = window.open("", "catalpa-test-login", "popup,width=560,height=760"); // at the click, or it is blocked
  try {
    const { id, url } = await ask("POST", "/test-login/start", current(), true);
    if (beside) beside.location.replace(url);
    $("change-open").hidden = Boolean(beside);
    $("change-open").href = url;
    say($("change-word"), "Sign in at the provider, in the window that opened. Your session here does not change.");
    report(await result(ask, id));
  } catch (error) {
    beside?.close();
    throw error;
  } finally {
    $("change-open").hidden = true;
  }
}

/** Waits for what came of a test login. @param {(method: string, path: string) => Promise<any>} ask @param {string} id */
async function result(ask, id) {
  const channel = new BroadcastChannel("catalpa-test-login");
  try {
    for (const until = Date.now() + patience; Date.now() < until;) {
      const told = new Promise((done) => { channel.onmessage = done; });
      try {
        return await ask("GET", `/test-login/${encodeURIComponent(id)}`);
      } catch (error) {
        if (error.status !== 404) throw error;
      }
      await Promise.race([told, new Promise((done) => { setTimeout(done, pause); })]);
    }
  } finally {
    channel.close();
  }
  throw Object.assign(new Error("The test login was not finished within ten minutes."), { code: "" });
}

/** @param {any} found by a test login */
function report(found) {
  const until = new Date((found.at ?? Date.now()) + patience).toLocaleTimeString(undefined, { timeStyle: "short" });
  say($("change-word"), passed(found) ? `The test passed. You can save these settings until ${until}.` : "The test did not pass. Nothing has changed.");
  $("change-tested").hidden = false;
  $("change-checks").replaceChildren(...checksOf(found).map(({ status, name, text, code, todo }) => {
    const head = element("div");
    head.append(element("b", name), ` ${{ ok: "passed", warning: "warning", error: "failed" }[status]} `);
    if (code) head.append(element("code", code));
    const item = element("li");
    item.className = status;
    item.append(icon({ ok: "done", warning: "warn", error: "failed" }[status]), head, element("p", text), ...(todo ? [element("p", `To do: ${todo}`)] : []));
    return item;
  }));
  const claims = found.claims ?? [];
  $("change-claims").hidden = claims.length === 0;
  $("change-claims").querySelector("summary").textContent = `Claims received (${claims.length})`;
  $("change-claims").querySelector("dl").replaceChildren(...claims.flatMap(({ name, value }) => [element("dt", name), element("dd", value)]));
}

/** @param {(method: string, path: string, body?: any) => Promise<any>} ask @param {() => Promise<void>} saved @param {() => Promise<void>} load */
async function save(ask, saved, load) {
  const document = current();
  const typed = $("change-phrase").value.trim().toLowerCase() === phrase;
  try {
    await ask("PUT", `/config${typed ? `?confirm=${encodeURIComponent(phrase)}` : ""}`, document);
  } catch (error) {
    if (error.code === "SEC-CFG-UNTESTED") {
      $("change-confirm").hidden = false;
      failed("These settings could lock everybody out, and nobody has signed in with them within ten minutes. Run a test login first, or say below that you want it all the same. (SEC-CFG-UNTESTED)");
      return;
    }
    if (error.status !== 400) throw error;
    const { errors } = await ask("POST", "/validate", document);
    if (errors.length === 0) throw error;
    faults(errors);
    return;
  }
  $("change-phrase").value = "";
  await saved();
  await load();
  say($("change-word"), "Saved. These settings are in force. For ten minutes the bar at the top takes them back.");
}
