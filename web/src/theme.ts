// Light, dark, or as the system has it.
export type Theme = "light" | "dark" | "system";
const kept = "catalpa.theme";

export function theme(): Theme {
  const value = localStorage.getItem(kept);
  return value === "light" || value === "dark" ? value : "system";
}

export function applyTheme(value: Theme = theme()): void {
  if (value === "system") {
    localStorage.removeItem(kept);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(kept, value);
    document.documentElement.dataset.theme = value;
  }
}
