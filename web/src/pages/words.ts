// The difference of two texts, word by word.

/** Cuts two texts at their words and tells which of them stayed, came and went. */
export function wordsOf(before: string, after: string): { kind: "same" | "old" | "new"; text: string }[] {
  const [a, b] = [before, after].map((one) => one.split(/(\s+)/).filter(Boolean)) as [string[], string[]];
  if (a.length * b.length > 250_000) return [{ kind: "old", text: before }, { kind: "new", text: after }];
  const long: number[][] = Array.from({ length: a.length + 1 }, () => new Array<number>(b.length + 1).fill(0));
  for (let i = a.length - 1; i >= 0; i--) for (let j = b.length - 1; j >= 0; j--) long[i]![j] = a[i] === b[j] ? long[i + 1]![j + 1]! + 1 : Math.max(long[i + 1]![j]!, long[i]![j + 1]!);
  const out: { kind: "same" | "old" | "new"; text: string }[] = [];
  const add = (kind: "same" | "old" | "new", word: string) => { const last = out.at(-1); if (last?.kind === kind) last.text += word; else out.push({ kind, text: word }); };
  for (let i = 0, j = 0; i < a.length || j < b.length;) {
    if (i < a.length && j < b.length && a[i] === b[j]) { add("same", a[i]!); i++; j++; }
    else if (j >= b.length || i < a.length && long[i + 1]![j]! >= long[i]![j + 1]!) add("old", a[i++]!);
    else add("new", b[j++]!);
  }
  return out;
}
