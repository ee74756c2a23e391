// Pictures of the main pages for the documentation, of the sample catalog.
// usage: shots.mjs BASE PASSWORD DIRECTORY
import { createRequire } from "node:module";
import { join } from "node:path";

const [base, oneTime, out] = process.argv.slice(2);
const { chromium } = createRequire(new URL("../signontest/package.json", import.meta.url))("playwright-core");
const orders = "shop_postgres.shop.sales.orders";
const pages = {
  home: "/my-data", explore: `/explore?search=order&preview=${orders}`, table: `/table/${orders}`, lineage: "/lineage/table/warehouse_snowflake.analytics.core.fact_order_line?depth=2",
  glossary: "/glossary/NurseryTerms.Order", why: "/settings/why?user=maren-holt&operation=EditTags",
};
const looks = [["", 1440, 900, "light"], ["-dark", 1440, 900, "dark"], ["-narrow", 390, 844, "light"]];

const browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
const page = await (await browser.newContext({ reducedMotion: "reduce", locale: "en-GB" })).newPage();
const own = "Own-choice-of-the-1st-admin";
await page.goto(`${base}/signin`);
await page.fill("#email", "admin@open-metadata.org");
await page.fill("#password", oneTime);
await page.click("#password-form [type=submit]");
await page.fill("#new-password", own);
await page.fill("#repeat-password", own);
await page.click("#newpassword-form [type=submit]");
await page.waitForSelector("#ui .app");
for (const [name, path] of Object.entries(pages)) {
  for (const [suffix, width, height, colorScheme] of looks) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize({ width, height });
    await page.goto(base + path);
    await page.waitForSelector("#ui .app");
    await page.waitForLoadState("networkidle");
    await page.waitForFunction(() => !document.querySelector("#ui [aria-busy=true]"));
    await page.screenshot({ path: join(out, `${name}${suffix}.png`) });
  }
}
await browser.close();
