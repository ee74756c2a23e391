// What a part shows when it has nothing to show: loading, empty, failed, forbidden.
import { useEffect, useState, type ReactNode } from "react";
import { Link } from "@tanstack/react-router";
import { ApiError } from "../api";
import { kindName, t } from "../text";
import { Icon } from "./icons";

/** Flat blocks after a moment, words after five seconds. */
export function Loading({ rows = 4 }: { rows?: number }) {
  const [stage, setStage] = useState(0);
  useEffect(() => {
    const soon = setTimeout(() => setStage(1), 300);
    const late = setTimeout(() => setStage(2), 5000);
    return () => { clearTimeout(soon); clearTimeout(late); };
  }, []);
  return (
    <div aria-busy="true" className="waiting">
      <span className="vh" role="status">{t("state.loading")}</span>
      {stage > 0 && Array.from({ length: rows }, (_, i) => <div key={i} className="block" />)}
      {stage > 1 && <p className="muted sm">{t("state.slow")}</p>}
    </div>
  );
}

export function Empty({ title, help, children, page }: { title: string; help?: string; children?: ReactNode; page?: boolean }) {
  const Heading = page ? "h1" : "h2";
  return <div className="empty"><Heading>{title}</Heading>{help && <p className="soft">{help}</p>}{children}</div>;
}

/** What went wrong, and what to do. */
export function Failed({ error, again, type, name }: { error: unknown; again?: () => void; type?: string | undefined; name?: string | undefined }) {
  const known = error instanceof ApiError ? error : new ApiError(0, String(error));
  if (known.status === 404 && name) {
    const last = name.split(".").at(-1) ?? name;
    return (
      <Empty page title={t("state.notfound", { type: kindName(type), name })} help={t("state.notfoundHelp")}>
        <p className="acts"><Link className="b" to="/explore" search={{ search: last } as never}>{t("state.search", { name: last })}</Link></p>
      </Empty>
    );
  }
  if (known.status === 403) return <Empty title={t("state.forbidden")} help={t("state.forbiddenHelp", { message: known.message })}><p className="acts"><Link className="b" to="/settings/why">{t("settings.why")}</Link></p></Empty>;
  const network = known.status === 0;
  return (
    <div className="empty" role="alert">
      <h2>{network ? t("state.network") : t("state.error")}</h2>
      <p className="soft">{network ? t("state.networkHelp") : t("state.errorHelp", { status: known.status })}</p>
      {!network && known.message && <p>{known.message} {known.hint}</p>}
      <p className="acts row">
        {again && <button type="button" className="b" onClick={again}>{t("state.again")}</button>}
        {known.request && <><code>{t("state.request", { id: known.request })}</code><CopyButton text={known.request} label={t("state.copy")} /></>}
      </p>
    </div>
  );
}

/** Copies a text and says so. */
export function CopyButton({ text, label, icon = false }: { text: string; label: string; icon?: boolean }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 2000);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <button type="button" className={icon ? "ib s" : "b s"} onClick={() => void navigator.clipboard.writeText(text).then(() => setDone(true), () => undefined)}>
      <Icon name={done ? "tick" : "copy"} small />{icon ? <span className="vh">{label}</span> : label}
      <span className="vh" role="status">{done ? t("asset.copied") : ""}</span>
    </button>
  );
}
