// The addresses. They are those of OpenMetadata's user interface, so that links go on working.
import { createBrowserHistory, createRootRoute, createRoute, createRouter, lazyRouteComponent, redirect, Link } from "@tanstack/react-router";
import { Shell } from "./shell";
import { Empty, Failed, Loading } from "./parts/states";
import { t } from "./text";

const root = createRootRoute({ component: Shell, notFoundComponent: NotFound });

function NotFound() {
  return <Empty page title={t("state.nopage")}><p className="acts"><Link className="b" to="/my-data">{t("state.home")}</Link></p></Empty>;
}

const page = (path: string, load: Parameters<typeof lazyRouteComponent>[0], name = "default") =>
  createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(load as never, name as never), validateSearch: (search: Record<string, unknown>) => search });

const asset = () => import("./pages/asset");
const govern = () => import("./pages/govern");
const settings = () => import("./pages/settings");

const assetTypes = [
  "table", "topic", "dashboard", "chart", "dashboardDataModel", "pipeline", "mlmodel", "container", "searchIndex", "storedProcedure", "database", "databaseSchema", "apiCollection", "apiEndpoint", "metric", "directory", "file",
  "spreadsheet", "worksheet", "query", "dataProduct",
];

const routes = root.addChildren([
  createRoute({ getParentRoute: () => root, path: "/", beforeLoad: () => { throw redirect({ to: "/my-data" }); } }),
  page("/my-data", () => import("./pages/home")),
  page("/explore", () => import("./pages/explore")),
  page("/explore/$tab", () => import("./pages/explore")),
  ...assetTypes.flatMap((type) => [page(`/${type}/$fqn`, asset), page(`/${type}/$fqn/$tab`, asset), page(`/${type}/$fqn/versions/$version`, () => import("./pages/versions"))]),
  page("/service/$category/$fqn", asset), page("/service/$category/$fqn/$tab", asset),
  page("/lineage", () => import("./pages/lineage")), page("/lineage/$type/$fqn", () => import("./pages/lineage")),
  page("/glossary", govern, "Glossaries"), page("/glossary/$fqn", govern, "Glossaries"), page("/glossary/$fqn/$tab", govern, "Glossaries"),
  page("/tags", govern, "Classifications"), page("/tags/$fqn", govern, "Classifications"), page("/tag/$fqn", govern, "Classifications"),
  page("/domain", govern, "Domains"), page("/domain/$fqn", govern, "Domains"), page("/domain/$fqn/$tab", govern, "Domains"),
  page("/data-quality", () => import("./pages/quality")), page("/data-quality/$tab", () => import("./pages/quality")), page("/test-case/$fqn", () => import("./pages/quality"), "TestCase"),
  page("/users/$fqn", settings, "Person"), page("/bots/$fqn", settings, "Bots"),
  page("/settings", settings, "Overview"), page("/settings/members/users", settings, "People"), page("/settings/members/teams", settings, "Teams"), page("/settings/members/teams/$fqn", settings, "Teams"),
  page("/settings/access/roles", settings, "Roles"), page("/settings/access/policies", settings, "Policies"), page("/settings/access/policies/$fqn", settings, "Policies"),
  page("/settings/bots", settings, "Bots"), page("/settings/services", settings, "Services"), page("/settings/audit-logs", settings, "Audit"), page("/settings/om-health", settings, "Health"), page("/settings/why", settings, "Why"),
  createRoute({ getParentRoute: () => root, path: "/settings/sign-in", component: () => null }), // shown by the page of signing in
  createRoute({ getParentRoute: () => root, path: "/account", component: () => null }),
]);

export const router = createRouter({
  routeTree: routes, history: createBrowserHistory(), defaultPendingComponent: () => <Loading />, defaultPendingMs: 300, defaultPreload: "intent",
  defaultErrorComponent: ({ error, reset }) => <Failed error={error} again={reset} />, scrollRestoration: false,
});
