// Changes of one member of a document.
import type { Operation } from "./api";

/** Sets or takes away a member. */
export function setMember(entity: object, path: string, value: unknown): Operation[] {
  const parts = path.slice(1).split("/");
  let at: any = entity;
  for (const part of parts) at = at?.[part.replaceAll("~1", "/").replaceAll("~0", "~")];
  if (value === undefined || value === "") return at === undefined ? [] : [{ op: "remove", path }];
  return [{ op: at === undefined ? "add" : "replace", path, value }];
}
