// Editing in place: one field, shown at once, taken back when the server refuses.
import { useEffect, useId, useRef, useState, type ReactNode } from "react";
import { ApiError } from "../api";
import { host } from "../host";
import { t } from "../text";
import { Icon } from "./icons";
import { Markdown } from "./markdown";

/** Where drafts are kept in the tab: by person, so that nobody finds another's. */
const draftOf = (id: string) => `catalpa.draft.${host().me.id}.${id}`;

/** A text with a pencil. The draft outlives a reload and the end of the session. */
export function EditableText({ id, label, text, save, editable, empty, editing: begun, onDone, children }: {
  id: string; label: string; text: string; save: (text: string) => Promise<unknown>; editable: boolean; empty: string; editing?: boolean; onDone?: () => void; children?: ReactNode;
}) {
  const key = draftOf(id);
  const [editing, setEditing] = useState(begun ?? false);
  const [draft, setDraft] = useState<string | null>(() => sessionStorage.getItem(key));
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const pencil = useRef<HTMLButtonElement>(null);
  const help = useId();
  useEffect(() => { if (begun) setEditing(true); }, [begun]);
  useEffect(() => {
    if (!editing || !field.current) return;
    field.current.focus();
    field.current.setSelectionRange(field.current.value.length, field.current.value.length);
  }, [editing]);
  const keep = (value: string | null) => {
    setDraft(value);
    if (value === null) sessionStorage.removeItem(key);
    else sessionStorage.setItem(key, value);
  };
  const close = () => {
    setEditing(false);
    setError("");
    if (onDone) onDone();
    else requestAnimationFrame(() => pencil.current?.focus());
  };
  const cancel = () => { keep(null); close(); };
  const store = async () => {
    const value = draft ?? text;
    if (value === text) return cancel();
    setBusy(true);
    try {
      await save(value);
      keep(null);
      close();
    } catch (failure) {
      setError(t("edit.failed", { message: failure instanceof ApiError ? [failure.message, failure.hint].filter(Boolean).join(" ") : String(failure) }));
    } finally {
      setBusy(false);
    }
  };
  if (editing) {
    return (
      <div className="ed">
        <textarea ref={field} aria-label={label} aria-describedby={error ? help : undefined} aria-invalid={error !== ""} rows={Math.min(12, Math.max(2, (draft ?? text).split("\n").length + 1))} value={draft ?? text} maxLength={100_000}
          onChange={(event) => keep(event.target.value)}
          onKeyDown={(event) => {
            event.stopPropagation();
            if (event.key === "Escape") cancel();
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void store();
          }} />
        {error && <p className="c-bad sm pad" role="alert" id={help}>{error}</p>}
        <div className="bar">
          <button type="button" className="b p s" disabled={busy} onClick={() => void store()}>{busy ? t("edit.saving") : t("edit.save")}</button>
          <button type="button" className="b g s" onClick={cancel}>{t("edit.cancel")}</button><kbd className="push">Ctrl ↵</kbd>
        </div>
      </div>
    );
  }
  return (
    <div className="editable">
      {text ? <Markdown text={text} inline /> : <span className="muted">{empty}</span>}
      {draft !== null && draft !== text && <span className="chip hint">{t("edit.draft")}</span>}
      {editable && <button type="button" ref={pencil} className="ib s" aria-label={t("asset.edit", { what: label })} onClick={() => setEditing(true)}><Icon name="pencil" small /></button>}
      {children}
    </div>
  );
}
