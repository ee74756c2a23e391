// Showing things: sections, failures, form errors.
import { headings, rulesOf, trailOf, wordsOf } from "./words.js";

/** @param {string} id @returns {any} the element, which the template holds */
export const $ = (id) => document.getElementById(id);

/** What the server told this page. */
export const settings = JSON.parse(document.body.dataset.settings ?? "{}");

/** Shows one section and moves the focus to its heading. @param {string} name */
export function show(name) {
  for (const section of document.querySelectorAll("[id^=view-]")) section.hidden = section.id !== `view-${name}`;
  document.body.dataset.view = name; // styles widen some views
  const heading = $(`view-${name}`).querySelector("h1");
  document.title = `${heading.textContent} · Catalpa`;
  heading.focus({ preventScroll: true });
}

/** @param {HTMLElement} place @param {string} text "" hides it */
export function say(place, text) {
  place.textContent = text;
  place.hidden = text === "";
}

/** @param {string} name @param {string} [text] @returns {any} */
export function element(name, text) {
  const made = document.createElement(name);
  if (text) made.textContent = text;
  return made;
}

/** @param {string} state */
export function icon(state) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "i");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `#i-${state}`);
  svg.append(use);
  return svg;
}

/** Shows why it stopped. All text goes in as text. @param {any} failure @param {() => void} again */
export function stopped(failure, again) {
  const words = wordsOf(failure);
  $("stopped-heading").textContent = headings[words.at];
  $("stopped-trail").replaceChildren(...trailOf(words.at, settings.providerName).map((step) => {
    const item = element("li");
    item.className = step.state;
    item.append(icon(step.state), element(step.state === "failed" ? "b" : "span", step.name), element("small", step.word));
    return item;
  }));
  $("stopped-say").textContent = words.say;
  $("stopped-reason").hidden = !failure.reason;
  $("stopped-reason").querySelector("code").textContent = failure.reason ?? "";
  $("stopped-do").replaceChildren(...words.do.map((line) => element("li", line)));
  const now = new Date();
  $("reference").textContent = failure.code ?? "";
  $("when").dateTime = now.toISOString();
  $("when").textContent = now.toLocaleTimeString();
  $("request").textContent = failure.request ? `· ${failure.request}` : "";
  copyReference();
  const button = $("again");
  button.textContent = words.go;
  button.onclick = again;
  countDown(button, words.wait ?? 0);
  show("stopped");
}

/** Makes the copy button of a reference line work. */
export function copyReference() {
  $("copy").onclick = async () => {
    const text = ["reference", "when", "request"].map((id) => (id === "when" ? $(id).dateTime : $(id).textContent)).join(" ");
    await navigator.clipboard?.writeText(text.replace("· ", ""));
    $("copy").textContent = "Copied";
  };
}

/** Keeps a button from being pressed for a while, once. @param {HTMLButtonElement | HTMLAnchorElement} button @param {number} seconds */
export function countDown(button, seconds) {
  const word = button.textContent;
  const tick = (left) => {
    button.textContent = left > 0 ? `${word} in ${left} s` : word;
    if (left > 0) setTimeout(tick, 1000, left - 1);
  };
  if (seconds > 0) tick(seconds);
}

/** Wires the fields of a new password: rules that tick off. */
export function watchNewPassword() {
  const field = $("new-password");
  if (!field) return;
  field.addEventListener("input", () => {
    const rules = rulesOf(field.value);
    for (const item of document.querySelectorAll("[data-rule]")) item.classList.toggle("met", rules[item.dataset.rule]);
  });
}

/** Wires the buttons that show a password. */
export function watchPeeks() {
  for (const button of document.querySelectorAll("[data-peek]")) {
    button.addEventListener("click", () => {
      const field = $(button.dataset.peek);
      const shown = field.type === "password";
      field.type = shown ? "text" : "password";
      button.setAttribute("aria-pressed", String(shown));
      button.textContent = shown ? "Hide" : "Show";
    });
  }
}

/** @returns {string} what is wrong with the new password, "" for nothing */
export function newPasswordError() {
  const rules = rulesOf($("new-password").value);
  if (!Object.values(rules).every(Boolean)) return "The password does not fit all rules.";
  return $("new-password").value === $("repeat-password").value ? "" : "The two passwords differ.";
}

/**
 * Does a form's work by script. Its button comes disabled and is let go here: pressed
 * before, the browser would send the fields itself, a password in the address.
 * @param {HTMLFormElement} form @param {() => Promise<void> | void} work
 */
export function submitted(form, work) {
  const button = form.querySelector("[type=submit]");
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await work();
    } finally {
      button.disabled = false;
    }
  });
  button.disabled = false;
}

/** Shows what is wrong with a form and goes to the field. @param {HTMLElement} place @param {string} text @param {HTMLElement} [field] */
export function formError(place, text, field) {
  for (const other of place.closest("form").querySelectorAll("[aria-invalid]")) other.removeAttribute("aria-invalid");
  say(place, text);
  if (text && field) {
    field.setAttribute("aria-invalid", "true");
    field.focus();
  }
}
