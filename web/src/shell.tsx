// The frame of every page: rail, top bar, and what keys do everywhere.
import { useEffect, useRef, useState, type ReactNode } from "react";
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { host } from "./host";
import { forgetRecent, useOnline } from "./hooks";
import { initials, nameOf } from "./parts/chips";
import { Icon, type IconName } from "./parts/icons";
import { Dialog, Menu } from "./parts/overlay";
import { Palette, SearchField, useCommands } from "./search";
import { redraw } from "./redraw";
import { applyTheme, theme, type Theme } from "./theme";
import { choose, language, t, type Language } from "./text";

const places: { to: string; name: "nav.home" | "nav.explore" | "nav.lineage" | "nav.govern" | "nav.quality"; icon: IconName; of: RegExp }[] = [
  { to: "/my-data", name: "nav.home", icon: "home", of: /^\/(my-data)?$/ },
  { to: "/explore", name: "nav.explore", icon: "compass", of: /^\/(explore|table|database|databaseSchema|topic|dashboard|chart|pipeline|mlmodel|container|searchIndex|storedProcedure|api\w*|metric|query|service|dashboardDataModel|directory|file|spreadsheet|worksheet)\b/ },
  { to: "/lineage", name: "nav.lineage", icon: "lineage", of: /^\/lineage/ },
  { to: "/glossary", name: "nav.govern", icon: "book", of: /^\/(glossary|tags|tag|domain|dataProduct)\b/ },
  { to: "/data-quality", name: "nav.quality", icon: "check", of: /^\/(data-quality|test-case)/ },
];

function Places({ onGo }: { onGo?: () => void }) {
  const { pathname } = useLocation();
  const settings = /^\/(settings|users)/.test(pathname);
  return (
    <>
      <ul>
        {places.map((place) => <li key={place.to}><Link to={place.to} onClick={onGo} aria-current={place.of.test(pathname) ? "page" : undefined}><span><Icon name={place.icon} /></span>{t(place.name)}</Link></li>)}
      </ul>
      <ul className="foot"><li><Link to="/settings" onClick={onGo} aria-current={settings ? "page" : undefined}><span><Icon name="settings" /></span>{t("nav.settings")}</Link></li></ul>
    </>
  );
}

function Leaf() {
  return <svg viewBox="0 0 32 32" aria-hidden="true" fill="none" stroke="currentColor" strokeWidth="1.9" strokeLinecap="round" strokeLinejoin="round"><path d="M16 25.5C13.5 28.4 4.6 26 4.4 17.6 4.3 11.3 11.4 8.2 16 2.6c4.6 5.6 11.7 8.7 11.6 15C27.4 26 18.5 28.4 16 25.5Z" /><path d="M16 30V9.5M16 21.5l-6-5.5M16 21.5l6-5.5M16 15.5l-3.3-3M16 15.5l3.3-3" /></svg>;
}

function Account() {
  const { me } = host();
  const navigate = useNavigate();
  const chosen = theme();
  const themes: [Theme, "account.light" | "account.dark" | "account.system"][] = [["light", "account.light"], ["dark", "account.dark"], ["system", "account.system"]];
  const tongues: [Language, string][] = [["en", "English"], ["de", "Deutsch"]];
  const name = nameOf(me);
  return (
    <Menu label={t("account.open", { name })} button={<span className="av l" aria-hidden="true">{initials(name)}</span>} choices={[
      `${name}${me.isAdmin ? ` · ${t("account.admin")}` : ""}`,
      { name: t("account.profile"), icon: "user", act: () => void navigate({ to: "/users/$fqn", params: { fqn: me.fullyQualifiedName ?? me.name } as never }) },
      { name: t("account.own"), icon: "key", act: () => host().account() },
      t("account.theme"), ...themes.map(([id, word]) => ({ name: t(word), chosen: chosen === id, act: () => { applyTheme(id); redraw(); } })),
      t("account.language"), ...tongues.map(([id, word]) => ({ name: word, chosen: language() === id, act: () => void choose(id).then(redraw) })),
      { name: t("account.out"), icon: "close", act: () => { forgetRecent(); host().signOut(); } },
    ]} />
  );
}

const goTo: Record<string, string> = { h: "/my-data", e: "/explore", l: "/lineage", g: "/glossary", q: "/data-quality", s: "/settings" };

export function Shell() {
  const [palette, setPalette] = useState(false);
  const [keys, setKeys] = useState(false);
  const [drawer, setDrawer] = useState(false);
  const navigate = useNavigate();
  const { pathname } = useLocation();
  const main = useRef<HTMLElement>(null);
  const commands = useCommands();
  const online = useOnline();
  const first = useRef(true);
  useEffect(() => {
    if (first.current) { first.current = false; return; }
    main.current?.focus({ preventScroll: true });
    scrollTo(0, 0);
  }, [pathname]);
  useEffect(() => {
    let after = "";
    const press = (event: KeyboardEvent) => {
      if (document.body.dataset.view !== "ui" || event.defaultPrevented) return;
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") { event.preventDefault(); setPalette(true); return; }
      const inField = event.target instanceof HTMLElement && event.target.closest("input, textarea, select, [contenteditable], dialog, [role=menu]");
      if (inField || event.ctrlKey || event.metaKey || event.altKey) return;
      const target = after === "g" ? goTo[event.key] : undefined;
      after = event.key;
      if (target) { event.preventDefault(); after = ""; void navigate({ to: target }); }
      if (event.key === "/") { event.preventDefault(); document.getElementById("search")?.focus(); }
      if (event.key === "?") setKeys(true);
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [navigate]);
  return (
    <>
      <div className="app">
        <nav className="rail" aria-label={t("nav.main")}><a className="skip" href="#main" onClick={(event) => { event.preventDefault(); main.current?.focus(); }}>{t("app.skip")}</a><Link className="brand" to="/my-data" aria-label={`Catalpa, ${t("nav.home")}`}><Leaf /></Link><Places /></nav>
        <header className="top">
          <button type="button" className="ib menu" aria-label={t("nav.menu")} onClick={() => setDrawer(true)}><Icon name="menu" /></button>
          <SearchField />
          <div className="tools"><Account /></div>
        </header>
        <main className="main" id="main" tabIndex={-1} ref={main}>
          {!online && <p className="note warn" role="status"><Icon name="warn" /><span>{t("state.offline")}</span></p>}
          <Outlet />
        </main>
      </div>
      {palette && <Palette onClose={() => setPalette(false)} commands={commands} />}
      {keys && <Keys onClose={() => setKeys(false)} />}
      {drawer && <Dialog title={t("nav.menu")} onClose={() => setDrawer(false)}><nav className="drawer" aria-label={t("nav.main")}><Places onGo={() => setDrawer(false)} /></nav></Dialog>}
    </>
  );
}

function Keys({ onClose }: { onClose: () => void }) {
  const list: [string, string][] = [["Ctrl K", t("keys.palette")], ["/", t("keys.search")], ["g h", t("keys.home")], ["g e", t("keys.explore")], ["g l", t("keys.lineage")], ["g g", t("keys.govern")], ["g s", t("keys.settings")], ["↓ ↑", t("keys.move")], ["Enter", t("keys.open")], ["e, F2", t("keys.edit")], ["Ctrl Enter", t("keys.save")], ["Esc", t("keys.close")]];
  return <Dialog title={t("keys.title")} onClose={onClose}><dl className="keys">{list.map(([key, word]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{word}</dd></div>)}</dl></Dialog>;
}

/** The head of a page that is about no single asset. */
export function PageHead({ title, lead, children }: { title: string; lead?: string; children?: ReactNode }) {
  return <header className="page-head"><div><h1>{title}</h1>{lead && <p className="soft">{lead}</p>}</div>{children && <div className="row push">{children}</div>}</header>;
}
