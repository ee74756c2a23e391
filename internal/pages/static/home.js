// The view of being signed in.
import { call } from "./calls.js";
import { $, say, show } from "./view.js";

/** @param {number} at milliseconds */
const when = (at) => new Date(at).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

/**
 * @param {object} view
 * @param {any} view.me the user
 * @param {any} view.sessions a page of sessions
 * @param {import("./session.js").Session} view.session
 * @param {() => void} view.signOut
 * @param {() => void} view.changePassword
 * @param {() => void} view.openSettings
 */
export function home({ me, sessions, session, signOut, changePassword, openSettings }) {
  $("me-name").textContent = me.displayName || me.name;
  $("me-email").textContent = me.email ?? "–";
  const roles = (me.roles ?? []).map((role) => role.displayName || role.name);
  $("me-rights").textContent = me.isAdmin ? "Administrator" : roles.join(", ") || "What everybody may do";
  $("api-address").textContent = `${location.origin}/api`;
  $("sign-out").onclick = signOut;
  if ($("change-password")) $("change-password").onclick = changePassword;
  $("settings-way").hidden = !me.isAdmin;
  $("settings-link").onclick = (event) => {
    event.preventDefault();
    openSettings();
  };
  list(sessions.data ?? [], session);
  $("end-all").onclick = async () => {
    await change("DELETE", "/auth/sessions?keepCurrent=true", session, "All other sessions have ended.");
  };
  show("home");
}

/** @param {any[]} sessions @param {import("./session.js").Session} session */
function list(sessions, session) {
  $("sessions").hidden = sessions.length === 0;
  $("end-all").hidden = sessions.length < 2;
  $("session-list").replaceChildren(...sessions.map((entry) => {
    const item = document.createElement("li");
    const text = document.createElement("span");
    text.textContent = `Signed in ${when(entry.signedIn)}`;
    const more = document.createElement("small");
    more.textContent = [entry.current ? "this browser" : "", entry.address, `ends ${when(entry.expires)}`].filter(Boolean).join(" · ");
    text.append(more);
    item.append(text);
    if (!entry.current) {
      const end = document.createElement("button");
      end.className = "b s push";
      end.type = "button";
      end.textContent = "End";
      end.setAttribute("aria-label", `End the session of ${when(entry.signedIn)}`);
      end.onclick = () => change("DELETE", `/auth/sessions/${encodeURIComponent(entry.id)}`, session, "The session has ended.");
      item.append(end);
    }
    return item;
  }));
}

/** @param {string} method @param {string} path @param {import("./session.js").Session} session @param {string} word */
async function change(method, path, session, word) {
  try {
    await call(method, path, { token: session.token });
    list((await call("GET", "/auth/sessions", { token: session.token })).data ?? [], session);
    say($("home-note"), word);
  } catch (error) {
    say($("home-note"), error.message);
  }
}
