// Small things that stand for others: tags, terms, tiers, owners, domains.
import { Link } from "@tanstack/react-router";
import { pageOf, partsOf, unquoted } from "../kinds";
import { t } from "../text";
import { Icon, type IconName } from "./icons";

export interface Ref {
  id: string;
  type: string;
  name?: string;
  displayName?: string;
  fullyQualifiedName?: string;
  inherited?: boolean;
  deleted?: boolean;
}

export interface TagLabel {
  tagFQN: string;
  name?: string;
  displayName?: string;
  description?: string;
  source?: string;
  labelType?: string;
  state?: string;
}

/** What people call it. */
export const nameOf = (ref: { displayName?: string; name?: string; fullyQualifiedName?: string } | undefined): string => ref?.displayName || ref?.name || ref?.fullyQualifiedName || "";

export const initials = (name: string): string => name.split(/[\s._@-]+/).filter(Boolean).slice(0, 2).map((part) => part[0]?.toUpperCase()).join("");

export const isTier = (tag: TagLabel): boolean => tag.tagFQN.startsWith("Tier.");
export const isTerm = (tag: TagLabel): boolean => tag.source === "Glossary";

export function TagChip({ tag }: { tag: TagLabel }) {
  if (isTier(tag)) return <TierChip fqn={tag.tagFQN} />;
  const parts = partsOf(tag.tagFQN).map(unquoted);
  const name = tag.displayName || parts.at(-1) || tag.tagFQN;
  const suggested = tag.state === "Suggested";
  if (isTerm(tag)) return <Link className="chip term" to={pageOf("glossaryTerm", tag.tagFQN)} title={tag.description}><Icon name="book" /><b>{name}</b></Link>;
  return <Link className={`chip ${suggested ? "hint" : ""}`} to={pageOf("tag", tag.tagFQN)} title={tag.description}><Icon name="tag" />{parts.length > 1 && `${parts[0]}. `}<b>{name}</b></Link>;
}

export function TagChips({ tags, limit = 3 }: { tags: TagLabel[]; limit?: number }) {
  const shown = tags.slice(0, limit);
  return <>{shown.map((tag) => <TagChip key={tag.tagFQN} tag={tag} />)}{tags.length > limit && <span className="chip" title={tags.slice(limit).map((tag) => tag.tagFQN).join(", ")}>+{tags.length - limit}</span>}</>;
}

export function TierChip({ fqn }: { fqn: string }) {
  const tier = fqn.replace(/^Tier\.Tier/, "");
  return <span className="chip tier"><span className={`bars t${tier}`} aria-hidden="true"><s /><s /><s /><s /><s /></span><b>{t("asset.tier")} {tier}</b></span>;
}

export function Owner({ owner, plain }: { owner: Ref; plain?: boolean }) {
  const name = nameOf(owner);
  const team = owner.type === "team";
  const inside = <><span className={`av ${team ? "team" : ""}`} aria-hidden="true">{initials(name)}</span>{name}</>;
  return plain ? <span className="who">{inside}</span> : <Link className="who quiet" to={pageOf(owner.type, owner.fullyQualifiedName ?? owner.name)}>{inside}</Link>;
}

export function Domain({ domain, plain }: { domain: Ref; plain?: boolean }) {
  const inside = <><Icon name="hexagon" small />{nameOf(domain)}</>;
  return plain ? <span className="who">{inside}</span> : <Link className="who quiet" to={pageOf("domain", domain.fullyQualifiedName ?? domain.name)}>{inside}</Link>;
}

/** State is an icon and a word, colour only helps. */
export function Status({ state, children }: { state: "ok" | "warn" | "bad" | "none"; children: string }) {
  const icon: IconName = { ok: "pass", warn: "warn", bad: "fail", none: "minus" }[state] as IconName;
  return <span className={`st ${state === "none" ? "muted" : `c-${state}`}`}><Icon name={icon} />{children}</span>;
}
