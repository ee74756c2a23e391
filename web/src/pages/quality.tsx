// Data quality: what is tested, and what failed.
import { Link, useParams } from "@tanstack/react-router";
import { useQuery } from "@tanstack/react-query";
import { api, query } from "../api";
import { useEntity, useList, type Entity } from "../data";
import { useTitle } from "../hooks";
import { kindOf, pageOf } from "../kinds";
import { nameOf, Status } from "../parts/chips";
import { Empty, Failed, Loading } from "../parts/states";
import { PageHead } from "../shell";
import { exactly, t, when } from "../text";
import { aboutOf } from "./about";
import { Line } from "./tabs";

/** The state of a test as an icon and a word. */
function Result({ status }: { status: string | undefined }) {
  switch (status) {
    case "Success": return <Status state="ok">{t("quality.success")}</Status>;
    case "Failed": return <Status state="bad">{t("quality.failed")}</Status>;
    case "Aborted": return <Status state="warn">{t("quality.aborted")}</Status>;
  }
  return <Status state="none">{t("quality.queued")}</Status>;
}

export function Tests({ tests, assets }: { tests: Entity[]; assets?: boolean }) {
  return (
    <table className="table panel"><thead><tr><th scope="col">{t("quality.test")}</th><th scope="col">{t("quality.status")}</th>{assets && <th scope="col">{t("quality.asset")}</th>}<th scope="col">{t("quality.when")}</th></tr></thead>
      <tbody>{tests.map((one) => {
        const about = aboutOf(one.entityLink);
        return <tr key={one.id}><th scope="row"><Link to={pageOf("testCase", one.fullyQualifiedName)}>{nameOf(one)}</Link>{about.column && <> <code className="muted">{about.column}</code></>}</th><td><Result status={one.testCaseResult?.testCaseStatus} /></td>{assets && <td><Link to={pageOf(about.type, about.fqn)}>{about.fqn}</Link></td>}<td title={exactly(one.testCaseResult?.timestamp)}>{when(one.testCaseResult?.timestamp)}</td></tr>;
      })}</tbody></table>
  );
}

export default function Quality() {
  useTitle(t("quality.title"));
  const { data, error, refetch } = useList("dataQuality/testCases", { limit: 100, fields: "testCaseResult,testDefinition", includeAllTests: "true" });
  if (error) return <Failed error={error} again={() => void refetch()} />;
  const failed = data?.data.filter((one) => one.testCaseResult?.testCaseStatus === "Failed").length ?? 0;
  const sorted = data ? [...data.data].sort((a, b) => Number(b.testCaseResult?.testCaseStatus === "Failed") - Number(a.testCaseResult?.testCaseStatus === "Failed")) : [];
  return (
    <>
      <PageHead title={t("quality.title")} {...(data ? { lead: t("quality.sum", { total: data.paging.total, failed }) } : {})} />
      {!data ? <Loading /> : sorted.length === 0 ? <Empty title={t("quality.none")} help={t("quality.noneHelp")} /> : <Tests tests={sorted} assets />}
    </>
  );
}

export function TestCase() {
  const { fqn } = useParams({ strict: false }) as { fqn: string };
  const kind = kindOf("testCase");
  const { data: test, error } = useEntity({ ...kind }, fqn);
  const results = useQuery({ queryKey: ["results", fqn], queryFn: ({ signal }) => api(`/dataQuality/testCases/testCaseResults/${encodeURIComponent(fqn)}${query({ startTs: Date.now() - 90 * 86_400_000, endTs: Date.now() })}`, { signal }) });
  useTitle(test ? nameOf(test) : t("quality.title"));
  if (error) return <Failed error={error} type="testCase" name={fqn} />;
  if (!test) return <Loading />;
  const about = aboutOf(test.entityLink);
  const list: any[] = results.data?.data ?? [];
  const points = list.flatMap((one) => { const value = Number(one.testResultValue?.[0]?.value); return Number.isFinite(value) && one.testResultValue?.length ? [{ x: one.timestamp, y: value }] : []; }).sort((a, b) => a.x - b.x);
  return (
    <>
      <PageHead title={nameOf(test)} lead={test.description ?? ""}><Link className="b" to={pageOf(about.type, about.fqn)}>{about.fqn.split(".").at(-1)}</Link></PageHead>
      {points.length > 1 && <Line title={list[0].testResultValue[0].name} points={points} />}
      {list.length === 0 ? <Empty title={t("quality.queued")} /> : <table className="table panel"><thead><tr><th scope="col">{t("quality.when")}</th><th scope="col">{t("quality.status")}</th><th scope="col">{t("columns.description")}</th></tr></thead><tbody>{list.map((one) => <tr key={one.timestamp}><th scope="row">{exactly(one.timestamp)}</th><td><Result status={one.testCaseStatus} /></td><td>{one.result}</td></tr>)}</tbody></table>}
    </>
  );
}
