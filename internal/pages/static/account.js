// Registering, confirming an address, and choosing a new password by a mailed link.
import { call } from "./calls.js";
import { $, formError, newPasswordError, say, settings, submitted, watchNewPassword, watchPeeks } from "./view.js";

/** The secret of a mailed link leaves the address bar before anything else happens. */
const secret = new URLSearchParams(location.search).get("token") ?? "";
history.replaceState(null, "", location.pathname);

/** Ends a form with a sentence. @param {string} text */
function done(text) {
  for (const id of ["form", "lead"]) $(id)?.toggleAttribute("hidden", true);
  say($("done"), text);
  $("heading").focus();
}

const actions = {
  async forgot() {
    await call("POST", "/users/generatePasswordResetLink", { body: { email: $("email").value.trim() } });
    done("If there is an account, a link is on its way. It works for 60 minutes.");
  },
  async reset() {
    const chosen = $("new-password").value;
    const body = { username: $("username").value.trim(), password: chosen, confirmPassword: chosen, token: secret };
    await call("POST", "/users/password/reset", { body });
    done("Your new password is set. All sessions have ended: sign in with it.");
  },
  async register() {
    const body = { firstName: $("first").value.trim(), lastName: $("last").value.trim(), email: $("email").value.trim(), password: $("new-password").value };
    await call("POST", "/users/signup", { body });
    done("Check your e-mail: if the address has to be confirmed, a link is on its way. Otherwise you can sign in now.");
  },
  async confirm() {
    await call("PUT", `/users/registrationConfirmation?token=${encodeURIComponent(secret)}`);
    done("Your address is confirmed. You can sign in now.");
  },
};

watchPeeks();
watchNewPassword();
submitted($("form"), async () => {
  const empty = [...$("form").querySelectorAll("input[required]")].find((field) => field.value.trim() === "");
  if (empty) return formError($("error"), "Fill in all fields.", empty);
  const error = $("new-password") ? newPasswordError() : "";
  if (error) return formError($("error"), error, $("new-password"));
  try {
    await actions[settings.kind]();
  } catch (failure) {
    formError($("error"), [failure.message, failure.hint].filter(Boolean).join(" "));
  }
});
