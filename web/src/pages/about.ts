// Links to entities, as the server writes them in texts: <#E::table::a.b.c::columns::d>.

/** The thing that a link names, and the column of it. */
export function aboutOf(link: string | undefined): { type: string; fqn: string; column?: string } {
  const parts = (link ?? "").replace(/^<#E::/, "").replace(/>$/, "").split("::");
  return { type: parts[0] ?? "", fqn: parts[1] ?? "", ...(parts[2] === "columns" && parts[3] ? { column: parts[3] } : {}) };
}
