// Small hooks that pages share.
import { useEffect, useState } from "react";
import { host } from "./host";

/** A value once it has not changed for a while. */
export function useLate<T>(value: T, ms: number): T {
  const [late, setLate] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setLate(value), ms);
    return () => clearTimeout(timer);
  }, [value, ms]);
  return late;
}

/** Names the page in the window's title. */
export function useTitle(title: string): void {
  useEffect(() => {
    if (title) document.title = `${title} · Catalpa`;
  }, [title]);
}

/** Whether the browser says that there is a connection. */
export function useOnline(): boolean {
  const [online, setOnline] = useState(navigator.onLine);
  useEffect(() => {
    const change = () => setOnline(navigator.onLine);
    window.addEventListener("online", change);
    window.addEventListener("offline", change);
    return () => { window.removeEventListener("online", change); window.removeEventListener("offline", change); };
  }, []);
  return online;
}

const recentKey = () => `catalpa.recent.${host().me.id}`;

export interface Recent { type: string; fqn: string; name: string }

/** What was opened last, newest first; kept in this browser. */
export function recent(): Recent[] {
  try {
    const list = JSON.parse(localStorage.getItem(recentKey()) ?? "[]");
    return Array.isArray(list) ? list.filter((one) => typeof one?.fqn === "string" && typeof one?.type === "string") : [];
  } catch {
    return [];
  }
}

export function noteRecent(entry: Recent): void {
  localStorage.setItem(recentKey(), JSON.stringify([entry, ...recent().filter((one) => one.fqn !== entry.fqn || one.type !== entry.type)].slice(0, 12)));
}

/** Nobody else on this browser sees what somebody opened. */
export function forgetRecent(): void {
  localStorage.removeItem(recentKey());
}
