// The reader of Markdown, loaded when it is needed.
import Reader, { type Components } from "react-markdown";
import gfm from "remark-gfm";

const headings: Components = Object.fromEntries(["h1", "h2", "h3"].map((name) => [name, ({ children }: { children?: React.ReactNode }) => <h3>{children}</h3>]));
const components: Components = {
  ...headings,
  img: ({ alt }) => <span className="muted">{alt}</span>,
  a: ({ href, children }) => <a href={href} rel="noopener noreferrer" target={href?.startsWith("/") ? undefined : "_blank"}>{children}</a>,
};

export default function Rendered({ text, inline }: { text: string; inline: boolean }) {
  return <div className={`prose ${inline ? "inline" : ""}`}><Reader remarkPlugins={[gfm]} components={components}>{text}</Reader></div>;
}
