// What changed in a version, read like a sentence: one list by field.
import { Link, useParams } from "@tanstack/react-router";
import { useQuery } from "@tanstack/react-query";
import { api } from "../api";
import { useEntity, type Entity } from "../data";
import { useTitle } from "../hooks";
import { kindOf, pageOf } from "../kinds";
import { nameOf } from "../parts/chips";
import { Icon, KindIcon } from "../parts/icons";
import { Empty, Failed, Loading } from "../parts/states";
import { PageHead } from "../shell";
import { exactly, t, when } from "../text";
import { wordsOf } from "./words";

interface Change { name: string; oldValue?: unknown; newValue?: unknown }

const text = (value: unknown): string => {
  if (value === undefined || value === null) return "";
  let read = value;
  if (typeof value === "string" && /^[[{]/.test(value)) { try { read = JSON.parse(value); } catch { /* a text that looks like JSON */ } }
  if (Array.isArray(read)) return read.map((one) => one?.tagFQN ?? one?.displayName ?? one?.name ?? text(one)).join(", ");
  if (read !== null && typeof read === "object") return (read as any).tagFQN ?? (read as any).displayName ?? (read as any).name ?? JSON.stringify(read);
  return String(read);
};

function Diff({ before, after }: { before: string; after: string }) {
  return <p className="diff">{wordsOf(before, after).map((part, i) => part.kind === "old" ? <del key={i}>{part.text}</del> : part.kind === "new" ? <ins key={i}>{part.text}</ins> : part.text)}</p>;
}

export default function Versions() {
  const { fqn, version } = useParams({ strict: false }) as { fqn: string; version: string };
  const kind = kindOf(location.pathname.split("/")[1]);
  const { data: entity, error } = useEntity(kind, fqn);
  const history = useQuery({
    queryKey: ["versions", entity?.id], enabled: !!entity,
    queryFn: ({ signal }) => api<{ versions: string[] }>(`/${kind.plural}/${entity!.id}/versions`, { signal }).then((answer) => answer.versions.map((one) => (typeof one === "string" ? JSON.parse(one) : one) as Entity)),
  });
  const name = entity ? nameOf(entity) : fqn;
  useTitle(`${name}, ${t("versions.title")}`);
  if (error ?? history.error) return <Failed error={error ?? history.error} type={kind.type} name={fqn} />;
  if (!entity || !history.data) return <Loading />;
  const shown = history.data.find((one) => String(one.version) === version || one.version.toFixed(1) === version) ?? history.data[0]!;
  const changes = shown.changeDescription ?? {};
  const groups = [["versions.added", changes.fieldsAdded], ["versions.updated", changes.fieldsUpdated], ["versions.removed", changes.fieldsDeleted]] as const;
  const count = groups.reduce((sum, [, list]) => sum + (list?.length ?? 0), 0);
  return (
    <>
      <PageHead title={name} lead={t("versions.of", { version: shown.version.toFixed(1), who: shown.updatedBy ?? "", when: exactly(shown.updatedAt) })}><Link className="b" to={pageOf(kind.type, entity.fullyQualifiedName)}><Icon name="history" />{t("versions.back")}</Link></PageHead>
      <div className="two">
        <section className="stack-4" aria-label={t("versions.fields", { count })}>
          {count === 0 && <Empty title={t("versions.nochange")} />}
          {groups.flatMap(([word, list]) => ((list ?? []) as Change[]).map((change, i) => (
            <div key={word + change.name + i} className="panel"><header><KindIcon type={kind.type} /><h2>{t(word, { field: change.name })}</h2></header><div className="pad"><Diff before={text(change.oldValue)} after={text(change.newValue)} /></div></div>
          )))}
        </section>
        <nav className="side" aria-label={t("versions.title")}><h2>{t("versions.title")}</h2><ol className="version-list">{history.data.map((one) => <li key={one.version}><Link to={`/${kind.path ?? kind.type}/${encodeURIComponent(fqn)}/versions/${one.version}`} aria-current={one === shown ? "page" : undefined}><b className="num">{one.version.toFixed(1)}</b> <span className="muted sm">{one.updatedBy}, {when(one.updatedAt)}</span></Link></li>)}</ol></nav>
      </div>
    </>
  );
}
