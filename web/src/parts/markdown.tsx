// Descriptions as people wrote them: Markdown, without HTML of their own and without
// pictures from elsewhere.
import { lazy, Suspense } from "react";

const Rendered = lazy(() => import("./rendered"));

/** Short plain texts are shown at once; only what is marked up loads the reader of it. */
export function Markdown({ text, inline }: { text: string; inline?: boolean }) {
  const plain = <span className="prose">{text}</span>;
  if (!/[*_`[\]#<>|~]|\n|https?:/.test(text)) return plain;
  return <Suspense fallback={plain}><Rendered text={text} inline={inline ?? false} /></Suspense>;
}
