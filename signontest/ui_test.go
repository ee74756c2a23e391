//go:build signon

package signontest

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const uiPassword = "Own-choice-of-the-1st-admin"

// startUI is Catalpa with the sample catalog, and its first administrator in the user
// interface.
func startUI(t *testing.T) (*catalpa, *page) {
	t.Helper()
	c := reserve(t)
	c.options = []string{"--sample"}
	c.start(settings{})
	tab := newProfile(t, "admin").tab()
	tab.open(c.base + "/signin")
	tab.enter("admin@open-metadata.org", c.command("admin", "reset-password"))
	tab.shows("Choose your own password")
	tab.fill("New password", uiPassword)
	tab.fill("Repeat it", uiPassword)
	tab.press("Set password")
	tab.ui("home")
	return c, tab
}

// ui waits for the user interface.
func (p *page) ui(what string) {
	p.t.Helper()
	if err := p.try("waitFor", order{"selector": "#ui .app:visible"}, nil); err != nil {
		p.t.Fatalf("%s: the user interface is not there (make build embeds it): %v", what, err)
	}
}

// key presses a key on what has the focus.
func (p *page) key(name string) { p.t.Helper(); p.do("press", order{"key": name}, nil) }

// focused is the accessible name, or else the text, of what has the focus.
func (p *page) focused() string {
	p.t.Helper()
	var name string
	p.evaluate(`() => { const at = document.activeElement; return at?.getAttribute("aria-label") ?? at?.textContent ?? ""; }`, nil, &name)
	return name
}

const orders = "shop_postgres.shop.sales.orders"

// TestUIPages: every page shows what it is about, axe finds nothing, nothing lies beyond
// the edge, in light and dark, wide and narrow; and a page that is loaded anew by its
// address shows the same.
func TestUIPages(t *testing.T) {
	t.Parallel()
	c, tab := startUI(t)
	for _, page := range []struct{ path, shows string }{
		{"/my-data", "Changed lately"},
		{"/explore?search=order&type=table", "Type"},
		{"/table/" + orders, "Number of the order"},
		{"/table/" + orders + "/lineage?as=list", "Downstream, Step 1"},
		{"/table/" + orders + "/activity", "Write to those who know this"},
		{"/table/" + orders + "/versions/0.1", "Version 0.1"},
		{"/service/databaseServices/shop_postgres", "shop"},
		{"/database/shop_postgres.shop", "sales"},
		{"/lineage", "Search for an asset"},
		{"/glossary", "Words that gardeners, shop and analysts agreed on"},
		{"/glossary/NurseryTerms.Order", "What one customer buys at one time"},
		{"/tags/PII", "PII"},
		{"/domain/Sales", "Everything about orders"},
		{"/data-quality", "Data quality"},
		{"/settings", "Who may do what"},
		{"/settings/members/users", "Maren Holt"},
		{"/settings/members/teams/Analysts", "Build the marts"},
		{"/settings/access/roles", "Data Consumer"},
		{"/settings/access/policies/OrganizationPolicy", "OrganizationPolicy-Owner-Rule"},
		{"/settings/why?user=maren-holt", "Allowed"},
		{"/settings/bots", "ingestion-bot"},
		{"/settings/services", "Warehouse"},
		{"/settings/audit-logs", "user login"},
		{"/settings/om-health", "All well"},
		{"/users/maren-holt", "Maren Holt"},
		{"/table/no.such.table", "There is no table no.such.table"},
		{"/no/such/page/here", "There is no page at this address"},
	} {
		if v := tab.open(c.base + page.path); v.Status != http.StatusOK {
			t.Errorf("%s is answered %d", page.path, v.Status)
		}
		tab.ui(page.path)
		tab.shows(page.shows)
		tab.judge("ui" + strings.NewReplacer("/", "-", "?", "-", "=", "-", "&", "-").Replace(page.path))
	}
	wantNoWrongs(t, tab)
}

// wantNoWrongs reports what the page complained about: a breach of its policy, or a fault.
func wantNoWrongs(t *testing.T, tab *page) {
	t.Helper()
	for _, line := range tab.profile.traffic().Console {
		if strings.Contains(line, "exception:") || strings.Contains(line, "Content Security Policy") {
			t.Errorf("the browser says: %s", line)
		}
	}
}

// TestUIByKeyboard: keys alone carry a person from the search to a description that is
// changed, and the change is in the catalog.
func TestUIByKeyboard(t *testing.T) {
	t.Parallel()
	c, tab := startUI(t)
	tab.key("/")
	if got := tab.focused(); got != "Search the catalog" {
		t.Fatalf("/ leads to %q", got)
	}
	tab.do("type", order{"text": "sales orders"}, nil)
	tab.do("waitFor", order{"selector": "[role=option]:has-text('" + orders + "')"}, nil)
	tab.key("Enter")
	tab.at("/explore[?]search=sales")
	tab.do("waitFor", order{"selector": ".hit h2 a"}, nil)
	tab.open(c.base + "/table/" + orders)
	tab.do("waitFor", order{"selector": "[role=row][aria-rowindex='2']"}, nil)
	tab.do("focus", order{"selector": "[role=row][aria-rowindex='2']"}, nil)
	tab.key("ArrowDown")
	tab.do("waitFor", order{"selector": "[role=row][aria-rowindex='3']:focus"}, nil)
	tab.key("e")
	tab.do("waitFor", order{"selector": "textarea:focus"}, nil)
	if got := tab.focused(); got != "Description of customer_id" {
		t.Errorf("e edits %q", got)
	}
	tab.do("type", order{"text": " By keys alone."}, nil)
	tab.key("Control+Enter")
	tab.do("waitFor", order{"selector": "[role=row][aria-rowindex='3']:focus:has-text('Who ordered. By keys alone.')"}, nil)
	got := c.get("/api/v1/tables/name/"+orders+"?fields=columns", c.command("bot", "token", "ingestion-bot"))
	if !strings.Contains(string(got.Body), "Who ordered. By keys alone.") {
		t.Errorf("the catalog holds %.600s", got.Body)
	}
	tab.key("Escape")
	tab.key("Control+k")
	tab.shows("Go to")
	tab.do("type", order{"text": "dim_customer"}, nil)
	tab.do("waitFor", order{"selector": "dialog [role=option][aria-selected=true]:has-text('dim_customer')"}, nil)
	tab.key("Enter")
	tab.at("/table/.*dim_customer")
	tab.do("waitFor", order{"selector": "h1:has-text('dim_customer')"}, nil)
	wantNoWrongs(t, tab)
}

// TestUIExplore: facets narrow, their counts are those of the results, the address holds
// the view, and the preview follows.
func TestUIExplore(t *testing.T) {
	t.Parallel()
	c, tab := startUI(t)
	tab.open(c.base + "/explore?search=order")
	tab.shows("[0-9]+ results")
	tab.do("waitFor", order{"selector": ".facet label:has-text('Table')"}, nil)
	var count string
	tab.evaluate(`() => [...document.querySelectorAll(".facet label")].find((one) => one.textContent.startsWith("Table")).querySelector(".n").textContent`, nil, &count)
	tab.do("click", order{"label": "^Table"}, nil)
	tab.shows("^" + count + " results")
	tab.at("type=table")
	tab.do("click", order{"selector": ".hit .path"}, nil)
	tab.at("preview=")
	tab.do("waitFor", order{"selector": ".peek .collist li"}, nil)
	tab.reload()
	tab.ui("explore")
	tab.shows("^" + count + " results")
	tab.do("waitFor", order{"selector": ".peek .collist li"}, nil)
	tab.press("^Remove table")
	tab.shows("[0-9]+ results")
	wantNoWrongs(t, tab)
}

// TestUIBotsAndDrafts: a token is made, works, is shown once and is nowhere afterwards; a
// text that was begun outlives the page.
func TestUIBotsAndDrafts(t *testing.T) {
	t.Parallel()
	c, tab := startUI(t)
	tab.open(c.base + "/settings/bots")
	tab.ui("bots")
	tab.do("click", order{"selector": "tr:has-text('ingestion-bot') button:has-text('Make token')"}, nil)
	tab.do("click", order{"selector": "dialog button[type=submit]"}, nil)
	tab.shows("You will not see this token again")
	var token string
	tab.evaluate(`() => document.querySelector("dialog input[readonly]").value`, nil, &token)
	if got := c.get("/api/v1/tables?limit=1", token); got.Status != http.StatusOK {
		t.Errorf("the token that was made is answered %d", got.Status)
	}
	tab.press("I have stored it")
	for place, content := range tab.kept() {
		if jwt.MatchString(content) {
			t.Errorf("T35: a token is in %s", place)
		}
	}
	tab.open(c.base + "/table/" + orders)
	tab.shows("One row per order")
	tab.press("^Edit Description of orders$")
	tab.fill("^Description of orders$", "A draft that must not be lost")
	tab.reload()
	tab.ui("the table")
	tab.shows("Draft kept")
	tab.press("^Edit Description of orders$")
	tab.press("^Save$")
	tab.shows("A draft that must not be lost")
	tab.do("waitFor", order{"selector": ".side:not(:has-text('Draft kept'))"}, nil)
	wantNoWrongs(t, tab)
}

// TestUISession: a page that is loaded anew finds its session; one whose session was ended
// asks to sign in and comes back to where it was.
func TestUISession(t *testing.T) {
	t.Parallel()
	c, tab := startUI(t)
	tab.open(c.base + "/glossary/NurseryTerms.Order")
	tab.ui("the term")
	tab.shows("What one customer buys")
	if held := tab.profile.cookies(); len(held) != 1 || !held[0].HTTPOnly {
		t.Errorf("the browser holds the cookies %+v, want one that scripts do not see", held)
	}
	again := tab.profile.tab()
	again.open(c.base + "/domain/Sales")
	again.ui("another tab")
	again.press("^Account of ")
	again.do("click", order{"role": "menuitem", "name": "^Sign out$"}, nil)
	again.shows("You are signed out")
	tab.shows("You are signed out")
	tab.enter("admin@open-metadata.org", uiPassword)
	tab.ui("after the sign-in")
	tab.at("/glossary/NurseryTerms.Order$")
	tab.shows("What one customer buys")
	fresh := newProfile(t, "other").tab()
	fresh.open(c.base + fmt.Sprintf("/table/%s?column=status", orders))
	fresh.enter("admin@open-metadata.org", uiPassword)
	fresh.ui("a link")
	fresh.at("/table/" + orders + "[?]column=status$")
	fresh.do("waitFor", order{"selector": ".linked:has-text('status')"}, nil)
	wantNoWrongs(t, tab)
}

// TestUIFirstLoad: what the sign-in and the first search load stays small.
func TestUIFirstLoad(t *testing.T) {
	t.Parallel()
	c, _ := startUI(t)
	fresh := newProfile(t, "fresh").tab()
	fresh.open(c.base + "/explore")
	fresh.enter("admin@open-metadata.org", uiPassword)
	fresh.ui("explore")
	fresh.do("waitFor", order{"selector": ".hit"}, nil)
	var loaded []struct {
		Name string
		Size int
	}
	fresh.evaluate(`() => performance.getEntriesByType("resource").map((one) => ({ Name: one.name, Size: one.encodedBodySize }))`, nil, &loaded)
	sizes, files := map[string]int{}, map[string]int{}
	for _, one := range loaded {
		for _, kind := range []string{".js", ".css"} {
			if strings.HasSuffix(one.Name, kind) {
				sizes[kind] += one.Size
				files[kind]++
			}
		}
	}
	if sizes[".js"] == 0 || sizes[".js"] > 220_000 || sizes[".css"] == 0 || sizes[".css"] > 20_000 || files[".js"]+files[".css"] > 12 {
		t.Errorf("%d scripts of %d bytes and %d styles of %d bytes are loaded, want at most 220,000 and 20,000 bytes in 12 files: %v", files[".js"], sizes[".js"], files[".css"], sizes[".css"], loaded)
	}
}

// TestUIAnnounceAndLink: an announcement stands on the page of its asset and at the start,
// and a link of lineage that is drawn by hand is in the catalog, and gone when it is cut.
func TestUIAnnounceAndLink(t *testing.T) {
	t.Parallel()
	c, tab := startUI(t)
	tab.open(c.base + "/table/" + orders)
	tab.press("^More$")
	tab.do("click", order{"role": "menuitem", "name": "^Announce something$"}, nil)
	tab.fill("What everybody should read", "Closed on Monday")
	tab.press("^Announce$")
	tab.do("waitFor", order{"selector": ".head .note:has-text('Closed on Monday')"}, nil)
	tab.judge("ui-announcement")
	tab.open(c.base + "/my-data")
	tab.do("waitFor", order{"selector": ".note:has-text('Closed on Monday')"}, nil)

	tab.open(c.base + "/table/" + orders + "/activity")
	tab.fill("Write to those who know this", "Is this filled at night, too?")
	tab.press("^Send$")
	tab.do("waitFor", order{"selector": "article:has-text('Is this filled at night, too?')"}, nil)

	edges := func() string {
		return string(c.get("/api/v1/lineage/table/name/"+orders, c.command("bot", "token", "ingestion-bot")).Body)
	}
	tab.open(c.base + "/lineage/table/" + orders + "?as=graph")
	tab.do("click", order{"selector": ".lin-node.focus"}, nil)
	tab.press("^Add what comes next$")
	tab.do("type", order{"text": "dim_date"}, nil)
	tab.do("click", order{"selector": "dialog [role=option]:has-text('core.dim_date')"}, nil)
	tab.do("waitFor", order{"selector": ".lin-node:has-text('dim_date')"}, nil)
	if !strings.Contains(edges(), "dim_date") {
		t.Error("the link that was drawn is not in the catalog")
	}
	tab.judge("ui-lineage-edited")
	tab.do("click", order{"selector": ".lin-node.focus"}, nil)
	tab.press("^Remove the link to dim_date$")
	tab.do("waitFor", order{"selector": ".lineage:not(:has(.lin-node:has-text('dim_date')))"}, nil)
	if strings.Contains(edges(), "dim_date") {
		t.Error("the link that was cut is still in the catalog")
	}
	wantNoWrongs(t, tab)
}
