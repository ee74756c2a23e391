// What pages read of the catalog, and how they change it.
import { useMutation, useQuery, useQueryClient, type UseQueryResult } from "@tanstack/react-query";
import { api, ApiError, query, type Operation } from "./api";
import type { Kind } from "./kinds";
import type { Ref, TagLabel } from "./parts/chips";

export interface Column {
  name: string;
  displayName?: string;
  dataType?: string;
  dataTypeDisplay?: string;
  description?: string;
  fullyQualifiedName?: string;
  constraint?: string;
  tags?: TagLabel[];
  children?: Column[];
  profile?: Record<string, any>;
}

/** An entity as answers hold it: what all types have, and the rest by name. */
export interface Entity {
  id: string;
  name: string;
  displayName?: string;
  fullyQualifiedName: string;
  description?: string;
  version: number;
  updatedAt?: number;
  updatedBy?: string;
  deleted?: boolean;
  owners?: Ref[];
  domains?: Ref[];
  tags?: TagLabel[];
  followers?: Ref[];
  dataProducts?: Ref[];
  votes?: { upVotes?: number; downVotes?: number; upVoters?: Ref[]; downVoters?: Ref[] };
  certification?: { tagLabel?: TagLabel };
  columns?: Column[];
  extension?: Record<string, unknown>;
  [member: string]: any;
}

/** What the page of a type asks for besides what every answer has. */
const fieldsOf: Record<string, string> = {
  table: "columns,owners,domains,tags,followers,extension,dataProducts,votes,certification,usageSummary,tableConstraints,schemaDefinition",
  topic: "owners,domains,tags,followers,extension,dataProducts,votes,certification",
  dashboard: "charts,dataModels,owners,domains,tags,followers,extension,dataProducts,votes,certification,usageSummary",
  chart: "dashboards,owners,domains,tags,followers,extension,dataProducts,votes,certification",
  dashboardDataModel: "owners,domains,tags,followers,extension,dataProducts,votes,certification",
  pipeline: "tasks,pipelineStatus,owners,domains,tags,followers,extension,dataProducts,votes,certification",
  container: "children,dataModel,parent,owners,domains,tags,followers,extension,dataProducts,votes,certification",
  searchIndex: "fields,owners,domains,tags,followers,extension,dataProducts,votes,certification",
  mlmodel: "owners,domains,tags,followers,extension,dataProducts,votes,certification",
  dataProduct: "owners,domains,tags,followers,extension,experts",
  query: "owners,tags,followers,votes,queryUsedIn,users",
  metric: "owners,domains,tags,followers,extension,dataProducts,votes,relatedMetrics",
  glossary: "owners,tags,reviewers,domains,termCount,votes", glossaryTerm: "owners,tags,reviewers,relatedTerms,children,domains,votes,usageCount",
  classification: "termCount,usageCount,owners", tag: "usageCount,owners", domain: "owners,experts,children,parent,tags",
  user: "teams,roles,personas,profile,owns,follows,domains", team: "owners,parents,children,users,defaultRoles,policies,userCount,owns,domains",
};

export function fieldsFor(kind: Kind): string {
  if (fieldsOf[kind.type]) return fieldsOf[kind.type]!;
  return kind.path?.startsWith("service/") ? "owners,domains,tags,followers,dataProducts,pipelines" : "owners,domains,tags,followers,extension,dataProducts,votes,certification";
}

export const entityKey = (kind: Kind, fqn: string) => ["entity", kind.type, fqn];

export function useEntity(kind: Kind, fqn: string, enabled = true): UseQueryResult<Entity> {
  return useQuery({
    queryKey: entityKey(kind, fqn), enabled: enabled && fqn !== "",
    queryFn: ({ signal }) => api<Entity>(`/${kind.plural}/name/${encodeURIComponent(fqn)}${query({ fields: fieldsFor(kind), include: "all" })}`, { signal }),
  });
}

export type Page<T> = { data: T[]; paging: { total: number; after?: string; before?: string } };

/** A list of a collection. */
export function useList<T = Entity>(plural: string, params: Record<string, string | number | undefined>, enabled = true): UseQueryResult<Page<T>> {
  return useQuery({ queryKey: ["list", plural, params], enabled, queryFn: ({ signal }) => api<Page<T>>(`/${plural}${query(params)}`, { signal }) });
}

/**
 * Changes an entity by a JSON Patch. The page shows it at once and takes it back when the
 * server refuses. The patch is tried on the version that is shown: who changed it meanwhile
 * is not overwritten unseen.
 */
export function usePatch(kind: Kind, fqn: string) {
  const client = useQueryClient();
  const key = entityKey(kind, fqn);
  return useMutation<Entity, Error, { id: string; patch: Operation[]; shown?: (entity: Entity) => Entity }, { before: Entity | undefined }>({
    mutationFn: ({ id, patch }) => api<Entity>(`/${kind.plural}/${id}`, { patch }),
    onMutate: async ({ shown }) => {
      await client.cancelQueries({ queryKey: key });
      const before = client.getQueryData<Entity>(key);
      if (before && shown) client.setQueryData(key, shown(before));
      return { before };
    },
    onError: (_error, _change, context) => { if (context?.before) client.setQueryData(key, context.before); },
    onSettled: () => { void client.invalidateQueries({ queryKey: key }); void client.invalidateQueries({ queryKey: ["search"] }); },
  });
}

/** Whether the caller may do something to an entity: asked of the server, never guessed. */
export function useRights(kind: Kind, fqn: string): (operation: string) => boolean {
  const { data } = useQuery({
    queryKey: ["rights", kind.type, fqn], staleTime: 60_000, enabled: fqn !== "", retry: false,
    queryFn: ({ signal }) => api(`/permissions/${kind.type}/name/${encodeURIComponent(fqn)}`, { signal }).catch((error) => { if (error instanceof ApiError && error.status < 500) return null; throw error; }),
  });
  const list: { operation: string; access: string }[] = data?.permissions ?? [];
  const of = (name: string) => list.find((one) => one.operation === name)?.access;
  return (operation) => {
    const own = of(operation);
    if (own) return own === "allow" || own === "conditionalAllow";
    const all = of(operation.startsWith("View") ? "ViewAll" : operation.startsWith("Edit") ? "EditAll" : operation) ?? of("All");
    return all === "allow" || all === "conditionalAllow";
  };
}
