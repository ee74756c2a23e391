// The words, in the language of the reader.
import i18next from "i18next";
import { en } from "./en";

const languages = ["en", "de"] as const;
export type Language = (typeof languages)[number];
const kept = "catalpa.language";

/** The language that was chosen, or else the browser's, if there is one for it. */
export function language(): Language {
  const wanted = localStorage.getItem(kept) ?? navigator.language.slice(0, 2);
  return languages.find((one) => one === wanted) ?? "en";
}

/** Reads the words before anything is shown. */
export async function begin(lng = language()): Promise<void> {
  await i18next.init({ lng, fallbackLng: "en", keySeparator: false, nsSeparator: false, interpolation: { escapeValue: false }, resources: { en: { translation: en } } });
  if (lng === "de") i18next.addResourceBundle("de", "translation", (await import("./de")).de);
  document.documentElement.lang = lng;
}

/** Keeps a choice; the page is drawn anew by whoever calls. */
export async function choose(lng: Language): Promise<void> {
  localStorage.setItem(kept, lng);
  await begin(lng);
}

type Name = keyof typeof en extends infer Key ? (Key extends `${infer Stem}_one` | `${infer Stem}_other` ? Stem : Key) : never;

/** A text of the catalogue. */
export function t(name: Name, values: Record<string, string | number> = {}): string {
  return i18next.t(name as string, values);
}

/** A text whose name is put together, such as that of a type; the fallback if there is none. */
export function named(name: string, fallback: string): string {
  return i18next.exists(name) ? i18next.t(name) : fallback;
}

/** The name of an entity type in a sentence. */
export function kindName(type: string | undefined): string {
  return named(`kind.${type}`, type ?? "");
}

/** The same for several of them. */
export function kindsName(type: string | undefined, count: number): string {
  return count === 1 ? kindName(type) : named(`kinds.${type}`, kindName(type));
}

/** A word as it begins a line. */
export function capital(word: string): string {
  return word.charAt(0).toLocaleUpperCase(i18next.language) + word.slice(1);
}

export function number(value: number): string {
  if (Math.abs(value) >= 100_000) return new Intl.NumberFormat(i18next.language, { notation: "compact", maximumFractionDigits: 1 }).format(value);
  return new Intl.NumberFormat(i18next.language, { maximumFractionDigits: 2 }).format(value);
}

const day = 86_400_000;

/** When something was: in words for a week, then the date. */
export function when(at: number | undefined, now = Date.now()): string {
  if (!at) return "–";
  const ago = now - at;
  const words = new Intl.RelativeTimeFormat(i18next.language, { numeric: "auto", style: "short" });
  if (ago >= 0 && ago < 7 * day) {
    if (ago < 60_000) return words.format(-Math.round(ago / 1000), "second");
    if (ago < 3_600_000) return words.format(-Math.round(ago / 60_000), "minute");
    if (ago < day) return words.format(-Math.round(ago / 3_600_000), "hour");
    return words.format(-Math.round(ago / day), "day");
  }
  return new Intl.DateTimeFormat(i18next.language, { dateStyle: "medium" }).format(at);
}

/** The exact time, for what is looked up. */
export function exactly(at: number | undefined): string {
  return at ? new Intl.DateTimeFormat(i18next.language, { dateStyle: "medium", timeStyle: "medium" }).format(at) : "–";
}
