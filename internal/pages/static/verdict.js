// What a test login found out, in words.

/** @typedef {{status: "ok" | "warning" | "error", name: string, text: string, code?: string, todo?: string}} Check */

/** @param {string} name @param {string} text @returns {Check} */
const fine = (name, text) => ({ status: "ok", name, text });

/** @param {any} report of the server @returns {boolean} whether settings can be saved because of it */
export function passed(report) {
  return report.outcome === "existing" || report.outcome === "new";
}

/** @param {any} report of the server @returns {Check[]} in the order of a sign-in; the first failure is the last */
export function checksOf(report) {
  const checks = [];
  if (report.issuer) checks.push(fine("Identity", `${report.issuer} vouches for ${report.subject}.`));
  if (report.name) checks.push(fine("Name and e-mail", [report.name, report.email].filter(Boolean).join(", ")));
  if (!passed(report)) {
    return [...checks, { status: "error", name: "Refused", text: report.message ?? "The sign-in did not work.", todo: report.hint, code: report.errorCode }];
  }
  if (report.domainAllowed) checks.push(fine("Domain", "It may sign in."));
  else checks.push({ status: "error", name: "Domain", text: "It may not sign in.", code: "SEC-USER-DOMAIN" });
  checks.push(fine("Account", report.outcome === "new" ? "It would be made at this sign-in." : "It is there already."));
  checks.push(report.admin ? fine("Administrator", "Would be one.")
    : { status: "warning", name: "Administrator", text: "Would not be one.", todo: "If nobody else is, add the name or the e-mail to the administrators." });
  if (report.roles?.length || report.teams?.length) checks.push(fine("Roles and teams", [...(report.roles ?? []), ...(report.teams ?? [])].join(", ")));
  const unknown = [...(report.unknownRoles ?? []), ...(report.unknownTeams ?? [])];
  if (unknown.length) checks.push({ status: "warning", name: "Unknown here", text: unknown.join(", "), todo: "Make roles and teams of these names, or leave them out at the provider." });
  checks.push(report.renewalPossible ? fine("Renewal", "Sessions renew without a new sign-in.") : {
    status: "warning", name: "Renewal", text: "No refresh token came: people sign in again when the provider’s token ends.", code: "SEC-SCOPE-REFRESH",
    todo: "Add offline_access to the scope, and allow it at the provider.",
  });
  return checks;
}
