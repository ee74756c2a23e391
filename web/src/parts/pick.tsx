// Picking entities by search: tags, terms, owners, domains.
import { useId, useState } from "react";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api, query } from "../api";
import { t } from "../text";
import { useLate } from "../hooks";
import { nameOf } from "./chips";
import { KindIcon } from "./icons";

export interface Found { id: string; entityType: string; name: string; displayName?: string; fullyQualifiedName: string; description?: string }

/** A field that finds entities in an index, and a list to choose from. */
export function Picker({ index, label, placeholder, onPick, filter }: { index: string; label: string; placeholder: string; onPick: (found: Found) => void; filter?: (found: Found) => boolean }) {
  const [text, setText] = useState("");
  const [active, setActive] = useState(0);
  const late = useLate(text, 120);
  const id = useId();
  const { data = [] } = useQuery({
    queryKey: ["pick", index, late], placeholderData: keepPreviousData,
    queryFn: ({ signal }) => api(`/search/query${query({ q: late ? `${late}*` : "*", index, size: 8, from: 0 })}`, { signal }).then((answer) => answer.hits.hits.map((hit: any) => hit._source as Found)),
  });
  const list = (data as Found[]).filter(filter ?? (() => true));
  return (
    <div className="picker">
      <input className="in" role="combobox" aria-label={label} aria-expanded="true" aria-controls={id} aria-autocomplete="list" aria-activedescendant={list[active] ? `${id}-${active}` : undefined} autoFocus placeholder={placeholder} value={text}
        onChange={(event) => { setText(event.target.value); setActive(0); }}
        onKeyDown={(event) => {
          const found = list[active];
          if (event.key === "ArrowDown") { event.preventDefault(); setActive(Math.min(active + 1, list.length - 1)); }
          if (event.key === "ArrowUp") { event.preventDefault(); setActive(Math.max(active - 1, 0)); }
          if (event.key === "Enter" && found) { event.preventDefault(); onPick(found); }
        }} />
      <ul role="listbox" id={id} aria-label={label}>
        {list.map((found, i) => (
          <li key={found.id} id={`${id}-${i}`} role="option" aria-selected={i === active} onPointerEnter={() => setActive(i)} onClick={() => onPick(found)}>
            <KindIcon type={found.entityType} /><span><b>{nameOf(found)}</b> <span className="muted sm">{found.fullyQualifiedName}</span></span>
          </li>
        ))}
      </ul>
      <p className="vh" role="status">{t("search.count", { count: list.length })}</p>
    </div>
  );
}
