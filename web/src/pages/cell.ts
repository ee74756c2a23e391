// Cells of the files that people take away.

/** A cell of CSV (RFC 4180 §2); what a spreadsheet would take for a formula becomes text. */
export function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
