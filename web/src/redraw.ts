// Draws everything anew after the language or the theme has changed.
let again = () => {};

export function onRedraw(fn: () => void): void {
  again = fn;
}

export function redraw(): void {
  again();
}
