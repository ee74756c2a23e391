// Announcements: what those who know an asset want everybody to read now.
import { useState } from "react";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api, query } from "../api";
import { host } from "../host";
import { t, when } from "../text";
import { Icon } from "./icons";
import { Markdown } from "./markdown";
import { Dialog } from "./overlay";

export interface Announcement { id: string; message: string; createdBy?: string; about?: string; announcement?: { description?: string; startTime: number; endTime: number } }

const key = (link: string | undefined) => ["feed", "announcements", link ?? ""];

/** Those that hold now: about one thing, or about anything. */
export function useAnnouncements(link?: string) {
  return useQuery({ queryKey: key(link), staleTime: 60_000, queryFn: ({ signal }) => api<{ data: Announcement[] }>(`/feed${query({ type: "Announcement", activeAnnouncement: true, limit: 5, entityLink: link })}`, { signal }).then((page) => page.data) });
}

/** One line each under the facts of an asset. */
export function Announcements({ link }: { link: string }) {
  const { data } = useAnnouncements(link);
  if (!data?.length) return null;
  return <ul className="stack announcements">{data.map((one) => <li key={one.id} className="note warn"><Icon name="warn" /><div><b>{one.message}</b>{one.announcement?.description && <Markdown text={one.announcement.description} inline />}<p className="soft xs">{t("announce.until", { who: one.createdBy ?? "", when: when(one.announcement?.endTime, 0) })}</p></div></li>)}</ul>;
}

const day = 86_400_000;
const local = (at: number) => new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 10);

/** A new one: its words, and the days on which it holds. */
export function Announce({ link, onClose }: { link: string; onClose: () => void }) {
  const client = useQueryClient();
  const [form, setForm] = useState({ title: "", text: "", from: local(Date.now()), to: local(Date.now() + 7 * day) });
  const start = () => new Date(`${form.from}T00:00`).getTime();
  const end = () => new Date(`${form.to}T00:00`).getTime() + day;
  const send = useMutation({
    mutationFn: () => api("/feed", { body: { from: host().me.name, message: form.title, about: link, type: "Announcement", announcementDetails: { description: form.text, startTime: start(), endTime: end() } } }),
    onSuccess: () => { void client.invalidateQueries({ queryKey: ["feed"] }); onClose(); },
  });
  const field = (name: keyof typeof form) => ({ value: form[name], onChange: (event: { target: { value: string } }) => setForm({ ...form, [name]: event.target.value }) });
  return (
    <Dialog title={t("announce.title")} onClose={onClose}>
      <form className="stack-4" onSubmit={(event) => { event.preventDefault(); send.mutate(); }}>
        <label className="field"><span className="lab">{t("announce.what")}</span><input className="in" required maxLength={200} {...field("title")} /></label>
        <label className="field"><span className="lab">{t("asset.description")}</span><textarea className="in" rows={3} maxLength={5000} {...field("text")} /></label>
        <div className="two-up"><label className="field"><span className="lab">{t("announce.from")}</span><input className="in" type="date" required {...field("from")} /></label><label className="field"><span className="lab">{t("announce.to")}</span><input className="in" type="date" required min={form.from} {...field("to")} /></label></div>
        {send.error && <p className="c-bad sm" role="alert">{t("edit.failed", { message: send.error.message })}</p>}
        <div className="row"><button type="submit" className="b p" disabled={send.isPending}>{t("announce.send")}</button><button type="button" className="b g" onClick={onClose}>{t("dialog.cancel")}</button></div>
      </form>
    </Dialog>
  );
}
