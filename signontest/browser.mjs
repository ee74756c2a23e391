// browser.mjs: headless Chromium for tests that are written elsewhere. Takes one
// command a line as JSON on standard input, answers each with one line on
// standard output (in any order; "id" tells which), ends when its input does.
//
//   {"id": 1, "do": "open", "page": "a", "profile": "alice"}
//   {"id": 1, "ok": true, "value": ...}   or   {"id": 1, "ok": false, "error": "..."}
//
// A profile is a browser of its own: cookies, storage and cache apart from the
// others. What every page of a profile requests is recorded from the start.
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import { inspectStorage } from './storage.mjs';

const require = createRequire(import.meta.url);
const axePath = require.resolve('axe-core/axe.min.js');
const PATIENCE = Number(process.env.BROWSER_PATIENCE ?? 20000);

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  args: ['--no-sandbox', '--disable-background-networking', '--disable-component-update'],
});
const profiles = new Map();
const pages = new Map();

async function profileOf(name) {
  if (!profiles.has(name)) {
    profiles.set(name, newProfile());
  }
  return profiles.get(name);
}

async function newProfile() {
  const context = await browser.newContext({ ignoreHTTPSErrors: true, reducedMotion: 'reduce' });
  context.setDefaultTimeout(PATIENCE);
  const record = { requests: [], addresses: [], console: [], pending: [] };
  context.on('request', (request) => {
    record.pending.push(request.allHeaders().catch(() => ({})).then((headers) => {
      record.requests.push({
        method: request.method(), url: request.url(), type: request.resourceType(), referer: headers.referer ?? '',
      });
    }));
  });
  context.on('response', (response) => {
    record.pending.push(response.headersArray().catch(() => []).then((headers) => {
      record.addresses.push({
        url: response.url(),
        status: response.status(),
        location: headers.find(({ name }) => name.toLowerCase() === 'location')?.value ?? '',
        setCookie: headers.filter(({ name }) => name.toLowerCase() === 'set-cookie').flatMap(({ value }) => value.split('\n')),
      });
    }));
  });
  context.on('console', (message) => {
    record.console.push(`${message.type()}: ${message.text()}`);
  });
  context.on('weberror', (error) => record.console.push(`exception: ${error.error()}`));
  return { context, record };
}

/** What a command points at: by role and name as people see it, by label, or by selector. */
function target(page, { role, name, label, selector, frame }) {
  const root = frame ? page.frameLocator(frame) : page;
  if (role) {
    return root.getByRole(role, name ? { name: new RegExp(name, 'i') } : {}).first();
  }
  return label ? root.getByLabel(new RegExp(label, 'i')).first() : root.locator(selector).first();
}

const commands = {
  async open({ page: name, profile }) {
    const page = await (await profileOf(profile)).context.newPage();
    pages.set(name, page);
  },
  async close({ page }) {
    await page.close();
  },
  /** Ends a profile with all its pages. */
  async forget({ profile }) {
    const found = profiles.get(profile);
    profiles.delete(profile);
    await (await found)?.context.close();
  },
  async goto({ page, url }) {
    const response = await page.goto(url);
    return { status: response?.status() ?? 0, url: page.url(), headers: await response?.allHeaders() ?? {} };
  },
  async reload({ page }) {
    const response = await page.reload();
    return { status: response?.status() ?? 0, url: page.url() };
  },
  async back({ page }) {
    await page.goBack();
    return { url: page.url() };
  },
  click: ({ page, ...where }) => target(page, where).click(),
  /** Clicks what opens a window, which is called newcomer from then on. */
  async popup({ page, newcomer, ...where }) {
    const [opened] = await Promise.all([page.waitForEvent('popup'), target(page, where).click()]);
    pages.set(newcomer, opened);
  },
  /** Keys go to what has the focus. */
  press: ({ page, key }) => page.keyboard.press(key),
  type: ({ page, text }) => page.keyboard.type(text),
  focus: ({ page, ...where }) => target(page, where).focus(),
  fill: ({ page, value, ...where }) => target(page, where).fill(value),
  waitFor: ({ page, patience, ...where }) => target(page, where).waitFor({ timeout: patience ?? PATIENCE }),
  count: ({ page, selector }) => page.locator(selector).count(),
  waitURL: async ({ page, url }) => {
    await page.waitForURL(new RegExp(url));
    return page.url();
  },
  waitText: ({ page, text }) => page.getByText(new RegExp(text, 'i')).filter({ visible: true }).first().waitFor(),
  text: ({ page }) => page.locator('body').innerText(),
  url: ({ page }) => page.url(),
  frames: ({ page }) => page.frames().map((frame) => frame.url()),
  evaluate: ({ page, script, argument }) => page.evaluate(`(${script})(${JSON.stringify(argument ?? null)})`),
  async cookies({ profile }) {
    return (await profileOf(profile)).context.cookies();
  },
  async setCookies({ profile, cookies }) {
    await (await profileOf(profile)).context.addCookies(cookies);
  },
  /** As if the browser had never been at an address. */
  async forgetCookies({ profile, url }) {
    await (await profileOf(profile)).context.clearCookies({ domain: new URL(url).hostname });
  },
  storage: ({ page }) => page.evaluate(inspectStorage),
  async history({ page }) {
    const session = await page.context().newCDPSession(page);
    const { entries } = await session.send('Page.getNavigationHistory');
    await session.detach();
    return entries.map(({ url, title }) => `${url} ${title}`);
  },
  async record({ profile }) {
    const { record } = await profileOf(profile);
    await Promise.all(record.pending.splice(0));
    const { requests, addresses: responses, console } = record;
    return { requests, responses, console };
  },
  /** How the page is looked at: light or dark, on a window of some size. */
  async look({ page, scheme, width, height }) {
    await page.emulateMedia({ colorScheme: scheme });
    await page.setViewportSize({ width, height });
  },
  screenshot: ({ page, path }) => page.screenshot({ path, fullPage: true }),
  /** Breaches of WCAG 2.2 A and AA and of good practice, one line each. */
  async axe({ page }) {
    await page.evaluate(await axeSource());
    const { violations } = await page.evaluate(() => globalThis.axe.run());
    return violations.map(({ id, impact, nodes }) => `${id} (${impact}): ${nodes.map(({ html }) => html).join(' | ')}`);
  },
};

let axe;
async function axeSource() {
  const { readFile } = await import('node:fs/promises');
  axe ??= readFile(axePath, 'utf8').then((source) => `${source};undefined`);
  return axe;
}

async function execute({ id, do: verb, page, ...rest }) {
  try {
    if (!commands[verb]) {
      throw new Error(`no command ${verb}`);
    }
    const found = verb === 'open' ? page : pages.get(page);
    if (page && !found) {
      throw new Error(`no page ${page}`);
    }
    const value = await commands[verb]({ page: found, ...rest });
    return { id, ok: true, value: value ?? null };
  } catch (error) {
    return { id, ok: false, error: String(error.message ?? error) };
  }
}

console.log('ready: chromium');
for await (const line of createInterface({ input: process.stdin })) {
  execute(JSON.parse(line)).then((answer) => console.log(JSON.stringify(answer)));
}
await browser.close();
