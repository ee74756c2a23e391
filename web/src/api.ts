// Calls of the server's API, with the token of the page.
import { host } from "./host";

/** A refusal, in the server's own words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly code = "",
    readonly hint = "",
    readonly request = "",
  ) {
    super(message);
  }
}

export interface Options {
  method?: string;
  body?: unknown;
  patch?: Operation[];
  signal?: AbortSignal;
  /** Text instead of JSON is wanted. */
  text?: boolean;
}

/** One step of a JSON Patch (RFC 6902). */
export interface Operation {
  op: "add" | "remove" | "replace" | "test";
  path: string;
  value?: unknown;
}

const patience = 30_000;

async function send(path: string, options: Options): Promise<Response> {
  const { method = options.patch ? "PATCH" : options.body === undefined ? "GET" : "POST", body, patch, signal } = options;
  const headers: Record<string, string> = { Accept: options.text ? "*/*" : "application/json", Authorization: `Bearer ${host().token()}` };
  if (patch) headers["Content-Type"] = "application/json-patch+json";
  else if (body !== undefined) headers["Content-Type"] = typeof body === "string" ? "text/plain" : "application/json";
  const limit = AbortSignal.timeout(patience);
  try {
    return await fetch(`/api/v1${path}`, {
      method, headers, credentials: "omit", cache: "no-store", redirect: "error",
      body: patch ? JSON.stringify(patch) : body === undefined ? undefined : typeof body === "string" ? body : JSON.stringify(body),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "NETWORK");
  }
}

/** Calls the API below /api/v1. A token that ran out is renewed once. */
export async function api<T = any>(path: string, options: Options = {}): Promise<T> {
  let response = await send(path, options);
  if (response.status === 401) {
    try {
      await host().renew();
    } catch {
      host().signInAgain();
      throw new ApiError(401, "SIGNED-OUT");
    }
    response = await send(path, options);
  }
  if (!response.ok) {
    const answer = await response.json().catch(() => ({}));
    throw new ApiError(response.status, answer.message ?? "", answer.errorCode ?? "", answer.hint ?? "", answer.requestId ?? response.headers.get("X-Request-Id") ?? "");
  }
  if (options.text) return (await response.text()) as T;
  const text = await response.text();
  return (text ? JSON.parse(text) : undefined) as T;
}

/** A query string without what is empty. */
export function query(params: Record<string, string | number | boolean | undefined>): string {
  const out = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) if (value !== undefined && value !== "") out.set(name, String(value));
  return out.size > 0 ? `?${out}` : "";
}
