// The search field of every page, and the palette that goes anywhere.
import { useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, query } from "./api";
import { host } from "./host";
import { recent, useLate } from "./hooks";
import { pageOf } from "./kinds";
import { nameOf } from "./parts/chips";
import { Icon, KindIcon, type IconName } from "./parts/icons";
import { Dialog } from "./parts/overlay";
import { kindName, t } from "./text";

export interface Suggestion { id: string; entityType: string; name: string; displayName?: string; fullyQualifiedName: string }

/** What the ranker puts first for a few letters. */
export function useSuggestions(text: string, size = 8) {
  const late = useLate(text.trim(), 80);
  return useQuery({
    queryKey: ["suggest", late, size], enabled: late !== "", placeholderData: keepPreviousData, staleTime: 30_000,
    queryFn: ({ signal }) => api(`/search/query${query({ q: `${late}*`, index: "all", from: 0, size })}`, { signal }).then((answer) => answer.hits.hits.map((hit: any) => hit._source as Suggestion)),
  });
}

export function SearchField() {
  const navigate = useNavigate();
  const given = useSearch({ strict: false }) as { search?: string };
  const [text, setText] = useState(given.search ?? "");
  const [open, setOpen] = useState(false);
  const [active, setActive] = useState(-1);
  const field = useRef<HTMLInputElement>(null);
  const id = useId();
  const { data } = useSuggestions(open ? text : "", 8);
  const list = text.trim() ? ((data ?? []) as Suggestion[]) : [];
  useEffect(() => setText(given.search ?? ""), [given.search]);
  const go = (path: string) => { setOpen(false); field.current?.blur(); void navigate({ to: path }); };
  const searchAll = () => { setOpen(false); void navigate({ to: "/explore", search: { search: text.trim() || undefined } as never }); };
  const key = (event: KeyboardEvent) => {
    const last = list.length; // the line behind the suggestions searches
    if (event.key === "ArrowDown") { event.preventDefault(); setOpen(true); setActive(Math.min(active + 1, last)); }
    if (event.key === "ArrowUp") { event.preventDefault(); setActive(Math.max(active - 1, -1)); }
    if (event.key === "Escape") { if (open) setOpen(false); else setText(""); }
    if (event.key === "Enter") {
      event.preventDefault();
      const chosen = list[active];
      if (chosen) go(pageOf(chosen.entityType, chosen.fullyQualifiedName));
      else searchAll();
    }
  };
  const shown = open && text.trim() !== "";
  return (
    <div className="search" role="search">
      <Icon name="search" />
      <input ref={field} id="search" role="combobox" type="text" autoComplete="off" spellCheck={false} aria-label={t("search.label")} placeholder={t("search.placeholder")} value={text} maxLength={1000}
        aria-expanded={shown} aria-controls={shown ? id : undefined} aria-autocomplete="list" aria-activedescendant={shown && active >= 0 ? `${id}-${active}` : undefined}
        onChange={(event) => { setText(event.target.value); setOpen(true); setActive(-1); }} onKeyDown={key} onBlur={() => setTimeout(() => setOpen(false), 150)} />
      <kbd aria-hidden="true">Ctrl K</kbd>
      {shown && (
        <ul className="float suggestions" role="listbox" id={id} aria-label={t("search.suggestions")}>
          {list.map((one, i) => (
            <li key={one.id} id={`${id}-${i}`} role="option" aria-selected={i === active} onPointerDown={() => go(pageOf(one.entityType, one.fullyQualifiedName))}>
              <KindIcon type={one.entityType} /><span className="line"><b>{nameOf(one)}</b> <span className="muted sm">{kindName(one.entityType)} · {one.fullyQualifiedName}</span></span>
            </li>
          ))}
          <li id={`${id}-${list.length}`} role="option" aria-selected={active === list.length} onPointerDown={searchAll}><Icon name="search" /><span>{t("search.all", { text: text.trim() })}</span></li>
        </ul>
      )}
      <span className="vh" role="status">{shown ? t("search.count", { count: list.length }) : ""}</span>
    </div>
  );
}

interface Entry { key: string; name: string; more: string; icon: IconName | undefined; type?: string; act: () => void }

/** Ctrl-K: what was viewed lately, what is found, and what can be done. */
export function Palette({ onClose, commands }: { onClose: () => void; commands: { name: string; icon: IconName; act: () => void }[] }) {
  const navigate = useNavigate();
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const id = useId();
  const wanted = text.replace(/^>/, "").trim();
  const { data } = useSuggestions(text.startsWith(">") ? "" : wanted, 8);
  const go = (path: string) => () => { onClose(); void navigate({ to: path }); };
  const found: Entry[] = wanted && !text.startsWith(">")
    ? ((data ?? []) as Suggestion[]).map((one) => ({ key: one.id, name: nameOf(one), more: one.fullyQualifiedName, icon: undefined, type: one.entityType, act: go(pageOf(one.entityType, one.fullyQualifiedName)) }))
    : text.startsWith(">") ? [] : recent().slice(0, 6).map((one) => ({ key: one.type + one.fqn, name: one.name, more: one.fqn, icon: undefined, type: one.type, act: go(pageOf(one.type, one.fqn)) }));
  const entries: Entry[] = [...found, ...commands.filter((one) => one.name.toLowerCase().includes(wanted.toLowerCase())).map((one) => ({ key: one.name, name: one.name, more: t("palette.action"), icon: one.icon, act: () => { onClose(); one.act(); } }))];
  return (
    <Dialog title={t("palette.title")} onClose={onClose} wide>
      <input className="in" role="combobox" aria-label={t("palette.title")} aria-expanded="true" aria-controls={id} aria-activedescendant={entries[active] ? `${id}-${active}` : undefined} autoFocus placeholder={t("palette.placeholder")} value={text}
        onChange={(event) => { setText(event.target.value); setActive(0); }}
        onKeyDown={(event) => {
          if (event.key === "ArrowDown") { event.preventDefault(); setActive(Math.min(active + 1, entries.length - 1)); }
          if (event.key === "ArrowUp") { event.preventDefault(); setActive(Math.max(active - 1, 0)); }
          if (event.key === "Enter") { event.preventDefault(); entries[active]?.act(); }
        }} />
      <ul className="palette" role="listbox" id={id} aria-label={t("palette.title")}>
        {entries.map((entry, i) => (
          <li key={entry.key} id={`${id}-${i}`} role="option" aria-selected={i === active} onPointerEnter={() => setActive(i)} onClick={entry.act}>
            {entry.icon ? <Icon name={entry.icon} /> : <KindIcon type={entry.type} />}<span className="line"><b>{entry.name}</b> <span className="muted sm">{entry.more}</span></span>
          </li>
        ))}
        {entries.length === 0 && <li role="option" aria-selected="false" aria-disabled="true" className="muted">{t("palette.none")}</li>}
      </ul>
    </Dialog>
  );
}

/** The commands of the palette that need no asset. */
export function useCommands() {
  const navigate = useNavigate();
  const to = (path: string) => () => void navigate({ to: path });
  return [
    { name: t("nav.home"), icon: "home" as const, act: to("/my-data") },
    { name: t("nav.explore"), icon: "compass" as const, act: to("/explore") },
    { name: t("nav.lineage"), icon: "lineage" as const, act: to("/lineage") },
    { name: t("nav.govern"), icon: "book" as const, act: to("/glossary") },
    { name: t("nav.quality"), icon: "check" as const, act: to("/data-quality") },
    { name: t("settings.people"), icon: "users" as const, act: to("/settings/members/users") },
    { name: t("settings.bots"), icon: "robot" as const, act: to("/settings/bots") },
    ...(host().me.isAdmin ? [{ name: t("settings.signOn"), icon: "key" as const, act: () => host().signOnSettings() }] : []),
    { name: t("account.own"), icon: "user" as const, act: () => host().account() },
    { name: t("account.out"), icon: "close" as const, act: () => host().signOut() },
  ];
}
