// Menus and dialogs, on what browsers bring for them.
import { useEffect, useId, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { t } from "../text";
import { Icon, type IconName } from "./icons";

export interface Choice {
  name: string;
  icon?: IconName;
  danger?: boolean;
  chosen?: boolean;
  act: () => void;
}

/** A button that opens a list of actions; arrows move in it, Escape closes it. */
export function Menu({ label, className = "ib", button, choices }: { label: string; className?: string; button: ReactNode; choices: (Choice | string)[] }) {
  const [open, setOpen] = useState(false);
  const root = useRef<HTMLDivElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    root.current?.querySelector<HTMLElement>("[role^=menuitem]")?.focus();
    const away = (event: Event) => { if (!root.current?.contains(event.target as Node)) setOpen(false); };
    document.addEventListener("pointerdown", away);
    return () => document.removeEventListener("pointerdown", away);
  }, [open]);
  const close = () => { setOpen(false); opener.current?.focus(); };
  const move = (event: KeyboardEvent) => {
    const items = [...(root.current?.querySelectorAll<HTMLElement>("[role^=menuitem]") ?? [])];
    const at = items.indexOf(document.activeElement as HTMLElement);
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (event.key === "Escape") { event.stopPropagation(); close(); }
    if (event.key === "Tab") setOpen(false);
    if (to === undefined) return;
    event.preventDefault();
    items[(to + items.length) % items.length]?.focus();
  };
  return (
    <div className="pop" ref={root} onKeyDown={open ? move : undefined}>
      <button type="button" ref={opener} className={className} aria-haspopup="menu" aria-expanded={open} aria-controls={open ? id : undefined} aria-label={label} onClick={() => setOpen(!open)}>{button}</button>
      {open && (
        <div className="float menu-list" role="menu" id={id} aria-label={label}>
          {choices.map((choice) => typeof choice === "string" ? <div key={choice} className="head-line" role="presentation">{choice}</div> : (
            <button key={choice.name} type="button" role={choice.chosen === undefined ? "menuitem" : "menuitemradio"} aria-checked={choice.chosen} tabIndex={-1} className={choice.danger ? "c-bad" : ""} onClick={() => { close(); choice.act(); }}>
              {choice.icon && <Icon name={choice.icon} small />}{choice.name}{choice.chosen && <Icon name="tick" small className="push" />}
            </button>
          ))}
        </div>
      )}
    </div>
  );
}

/** A modal question. */
export function Dialog({ title, onClose, children, wide }: { title: string; onClose: () => void; children: ReactNode; wide?: boolean }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const opener = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    dialog.current?.querySelector<HTMLElement>(".dialog :is(input, textarea, select)")?.focus();
    return () => opener?.focus?.();
  }, []);
  return (
    <dialog ref={dialog} className={wide ? "wide" : ""} aria-labelledby={id} onCancel={(event) => { event.preventDefault(); onClose(); }} onClick={(event) => { if (event.target === dialog.current) onClose(); }}>
      <div className="dialog">
        <header className="row"><h2 id={id}>{title}</h2><button type="button" className="ib s push" aria-label={t("dialog.close")} onClick={onClose}><Icon name="close" small /></button></header>
        {children}
      </div>
    </dialog>
  );
}
