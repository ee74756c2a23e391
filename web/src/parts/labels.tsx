// Tags and terms, owners and domains of something, and how they are changed.
import { useState } from "react";
import { ApiError } from "../api";
import { t } from "../text";
import { nameOf, TagChip, type Ref, type TagLabel } from "./chips";
import { Icon } from "./icons";
import { Dialog } from "./overlay";
import { Picker, type Found } from "./pick";

function words(error: unknown): string {
  return t("edit.failed", { message: error instanceof ApiError ? [error.message, error.hint].filter(Boolean).join(" ") : String(error) });
}

/** A dialog that changes a list: what is in it can be taken out, more is found by search. */
function ListDialog<Item>({ title, index, placeholder, items, name, keyOf: key, make, save, onClose, single }: {
  title: string; index: string; placeholder: string; items: Item[]; name: (item: Item) => string; keyOf: (item: Item) => string; make: (found: Found) => Item; save: (items: Item[]) => Promise<unknown>; onClose: () => void; single?: boolean;
}) {
  const [list, setList] = useState(items);
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const store = async () => {
    setBusy(true);
    try {
      await save(list);
      onClose();
    } catch (failure) {
      setError(words(failure));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} onClose={onClose}>
      <div className="row wrap picked">
        {list.map((item) => <button key={key(item)} type="button" className="pill" aria-label={t("edit.remove", { name: name(item) })} onClick={() => setList(list.filter((one) => key(one) !== key(item)))}>{name(item)}<Icon name="close" /></button>)}
      </div>
      <Picker index={index} label={placeholder} placeholder={placeholder} filter={(found) => !list.some((item) => key(item) === key(make(found)))} onPick={(found) => setList(single ? [make(found)] : [...list, make(found)])} />
      {error && <p className="c-bad sm" role="alert">{error}</p>}
      <div className="row acts"><button type="button" className="b p" disabled={busy} onClick={() => void store()}>{t("edit.save")}</button><button type="button" className="b g" onClick={onClose}>{t("edit.cancel")}</button></div>
    </Dialog>
  );
}

export function TagsEdit({ name, tags, save, editable, children, index = "tag", small }: { name: string; tags: TagLabel[]; save: (tags: TagLabel[]) => Promise<unknown>; editable: boolean; children?: React.ReactNode; index?: string; small?: boolean }) {
  const [open, setOpen] = useState(false);
  return (
    <div className="tg editable">
      {tags.map((tag) => <TagChip key={tag.tagFQN} tag={tag} />)}{children}
      {editable && <button type="button" className="ib s" aria-label={t("asset.edit", { what: t("edit.tagsOf", { name }) })} onClick={() => setOpen(true)}><Icon name={small && tags.length === 0 ? "plus" : "pencil"} small /></button>}
      {open && <ListDialog<TagLabel> title={t("edit.tagsOf", { name })} index={index} placeholder={t("edit.addTag")} items={tags} name={(tag) => tag.tagFQN} keyOf={(tag) => tag.tagFQN}
        make={(found) => ({ tagFQN: found.fullyQualifiedName, source: found.entityType === "glossaryTerm" ? "Glossary" : "Classification", labelType: "Manual", state: "Confirmed" })} save={save} onClose={() => setOpen(false)} />}
    </div>
  );
}

const asRef = (found: Found): Ref => ({ id: found.id, type: found.entityType, name: found.name, fullyQualifiedName: found.fullyQualifiedName, ...(found.displayName ? { displayName: found.displayName } : {}) });

export function RefsEdit({ title, index, placeholder, refs, save, single, onClose }: { title: string; index: string; placeholder: string; refs: Ref[]; save: (refs: Ref[]) => Promise<unknown>; single?: boolean; onClose: () => void }) {
  return <ListDialog<Ref> title={title} index={index} placeholder={placeholder} items={refs} name={nameOf} keyOf={(ref) => ref.id} make={asRef} save={save} onClose={onClose} {...(single ? { single } : {})} />;
}
