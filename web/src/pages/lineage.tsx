// The page of lineage: of an asset, or a field to find one.
import { useNavigate, useParams } from "@tanstack/react-router";
import { useTitle } from "../hooks";
import { kindOf, pageOf } from "../kinds";
import { Picker } from "../parts/pick";
import { PageHead } from "../shell";
import { kindName, t } from "../text";
import Graph from "./graph";

export default function Lineage() {
  const { type, fqn } = useParams({ strict: false }) as { type?: string; fqn?: string };
  const navigate = useNavigate();
  useTitle(fqn ? `${fqn}, ${t("lineage.title")}` : t("lineage.title"));
  if (!type || !fqn) {
    return (
      <>
        <PageHead title={t("lineage.title")} lead={t("lineage.pick")} />
        <div className="narrow"><Picker index="dataAsset" label={t("search.label")} placeholder={t("search.placeholder")} filter={(found) => kindOf(found.entityType).asset} onPick={(found) => void navigate({ to: `/lineage/${found.entityType}/${encodeURIComponent(found.fullyQualifiedName)}` })} /></div>
      </>
    );
  }
  return <><PageHead title={t("lineage.of", { name: fqn.split(".").at(-1) ?? fqn })} lead={`${kindName(type)} ${fqn}`}><a className="b" href={pageOf(type, fqn)} onClick={(event) => { event.preventDefault(); void navigate({ to: pageOf(type, fqn) }); }}>{t("lineage.open")}</a></PageHead><Graph type={type} fqn={fqn} /></>;
}
