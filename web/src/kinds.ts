// The entity types as the user interface knows them: what they are called in addresses
// and in the API, and which family they belong to.

export type Family = "store" | "stream" | "file" | "flow" | "view" | "gov" | "org";

export interface Kind {
  /** The type's name on the wire, which is also the first part of its page's address. */
  type: string;
  /** Its collection below /api/v1. */
  plural: string;
  family: Family;
  icon: string;
  /** Whether it is an asset, with owners, domain, tags and lineage. */
  asset: boolean;
  /** The first part of its page's address where that is not the type. */
  path?: string;
}

const asset = (type: string, plural: string, family: Family, icon: string): Kind => ({ type, plural, family, icon, asset: true });
const other = (type: string, plural: string, family: Family, icon: string, path?: string): Kind => ({ type, plural, family, icon, asset: false, ...(path ? { path } : {}) });
const service = (name: string, family: Family, icon: string): Kind =>
  other(`${name}Service`, `services/${name}Services`, family, icon, `service/${name}Services`);

export const kinds: Kind[] = [
  asset("table", "tables", "store", "table"),
  asset("database", "databases", "store", "database"),
  asset("databaseSchema", "databaseSchemas", "store", "schema"),
  asset("storedProcedure", "storedProcedures", "store", "braces"),
  asset("searchIndex", "searchIndexes", "store", "list"),
  asset("topic", "topics", "stream", "broadcast"),
  asset("apiCollection", "apiCollections", "stream", "api"),
  asset("apiEndpoint", "apiEndpoints", "stream", "api"),
  asset("container", "containers", "file", "bucket"),
  asset("directory", "drives/directories", "file", "folder"),
  asset("file", "drives/files", "file", "file"),
  asset("spreadsheet", "drives/spreadsheets", "file", "file"),
  asset("worksheet", "drives/worksheets", "file", "file"),
  asset("pipeline", "pipelines", "flow", "route"),
  asset("dashboard", "dashboards", "view", "dashboard"),
  asset("chart", "charts", "view", "chart"),
  asset("dashboardDataModel", "dashboard/datamodels", "view", "line"),
  asset("metric", "metrics", "view", "line"),
  asset("mlmodel", "mlmodels", "view", "cube"),
  asset("query", "queries", "flow", "history"),
  other("glossary", "glossaries", "gov", "book", "glossary"),
  other("glossaryTerm", "glossaryTerms", "gov", "book", "glossary"),
  other("classification", "classifications", "gov", "tag", "tags"),
  other("tag", "tags", "gov", "tag", "tag"),
  other("domain", "domains", "gov", "hexagon", "domain"),
  asset("dataProduct", "dataProducts", "gov", "package"),
  other("testCase", "dataQuality/testCases", "gov", "check", "test-case"),
  other("user", "users", "org", "user", "users"),
  other("team", "teams", "org", "users", "settings/members/teams"),
  service("database", "store", "server"),
  service("messaging", "stream", "broadcast"),
  service("api", "stream", "api"),
  service("storage", "file", "bucket"),
  service("drive", "file", "folder"),
  service("pipeline", "flow", "route"),
  service("dashboard", "view", "dashboard"),
  service("mlmodel", "view", "cube"),
  service("search", "store", "list"),
  service("metadata", "org", "server"),
];

const byType = new Map(kinds.map((kind) => [kind.type, kind]));

/** The kind of a type; one that is not known here is shown plainly. */
export function kindOf(type: string | undefined): Kind {
  return byType.get(type ?? "") ?? { type: type ?? "", plural: `${type}s`, family: "org", icon: "file", asset: false };
}

/** The kind of a service by what addresses call it, e.g. databaseServices. */
export function serviceKind(category: string): Kind {
  return kinds.find((kind) => kind.path === `service/${category}`) ?? kindOf(category.replace(/s$/, ""));
}

/** The address of an entity's page. */
export function pageOf(type: string | undefined, fqn: string | undefined): string {
  const kind = kindOf(type);
  return `/${kind.path ?? kind.type}/${encodeURIComponent(fqn ?? "")}`;
}

/** Cuts a fully qualified name at its dots; parts in quotes may hold dots, and quotes twice. */
export function partsOf(fqn: string): string[] {
  return fqn.match(/(?:"(?:[^"]|"")*"|[^."])+/g) ?? [];
}

/** A name without the quotes that its dots made necessary. */
export function unquoted(part: string): string {
  return part.startsWith('"') && part.endsWith('"') && part.length > 1 ? part.slice(1, -1).replaceAll('""', '"') : part;
}
