// A person at a browser, and what they do on every page.

import { createRequire } from "node:module";
import { readFile } from "node:fs/promises";
import assert from "node:assert/strict";

import { chromium } from "playwright-core";

const AXE = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// A browser of its own is never fetched: Debian's is used.
const CHROMIUM = process.env.FULCRUM_CHROMIUM ?? "/usr/bin/chromium";

// Nothing but the console is asked for, and as root there is no sandbox to be had.
const SWITCHES = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export const openBrowser = () => chromium.launch({ executablePath: CHROMIUM, args: SWITCHES });

/** A person with a browser window of their own; whatever a page complains about is kept. */
export const person = async (browser, fulcrum, options = {}) => {
  const context = await browser.newContext({
    baseURL: fulcrum.origin,
    locale: "en-GB",
    timezoneId: "Europe/Berlin",
    viewport: { width: 1280, height: 800 },
    ...options,
  });
  context.setDefaultTimeout(20_000);
  const page = await context.newPage();
  const complaints = [];
  page.on("pageerror", (error) => complaints.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("request", (request) => {
    if (!request.url().startsWith(fulcrum.origin)) complaints.push(`asks elsewhere: ${request.url()}`);
  });
  return { context, page, complaints };
};

/** Fills in the form of a new connection and sends it; its first import begins at once. */
export const connect = async (page, lever, { name = "Acme Recruiting", key = lever.key } = {}) => {
  await fillConnection(page, lever, { name, key });
  await page.getByRole("button", { name: "Test and start" }).click();
  await page.waitForURL(/\/connections\/[^/]+\/permissions$/);
  return page.url().match(/\/connections\/([^/]+)\//)[1];
};

/** Connects an account that is still to be set up, with a key for some permissions only or for all; gives where that goes on. */
export const connectPaused = async (page, lever, { name = "Globex", only, form = "" } = {}) => {
  const key = `made-for-${name.toLowerCase()}-${Date.now()}`;
  await lever.control("keys", only ? { secret: key, only } : { secret: key, confidential: true });
  await fillConnection(page, lever, { name, key, form });
  await page.getByRole("button", { name: "Test and continue" }).click();
  await page.locator("nav[aria-label=Steps], [name=again]").first().waitFor();
  const again = page.getByLabel("Connect it all the same");
  if (await again.count()) {
    // Another connection has this account: that a second one is meant is said by a tick.
    await page.getByText("This Lever account is connected already").first().waitFor();
    await again.check();
    await page.locator("[name=api_key]").fill(key);
    await page.getByRole("button", { name: "Test and continue" }).click();
  }
  await page.waitForURL(/\/setup\/test$/);
  return new URL(page.url()).pathname.replace(/\/test$/, "");
};

/** Has the key tested on a page that can do so, and waits for what comes of it. */
export const testKey = async (page) => {
  await page.getByRole("button", { name: /^Test (the key|it again)$/ }).click();
  await page.getByText("Lever has answered.").waitFor();
};

const fillConnection = async (page, lever, { name, key, form = "" }) => {
  await page.goto(`/console/connect${form}`);
  await page.locator("[name=display_name]").fill(name);
  await page.locator("[name=region]").selectOption("other");
  await page.locator("[name=base_url]").fill(lever.baseUrl);
  await page.locator("[name=api_key]").fill(key);
};

/** Watches the overview until it says by itself that the mirror is complete. */
export const synced = async (page, connection) => {
  await page.goto(`/console/connections/${connection}`);
  await page.locator(".head .badge", { hasText: /^synced$/i }).waitFor({ timeout: 60_000 });
};

/** The lists on a page that cut off one of their choices, each by what it is called. */
export const cutOff = (page) =>
  page.locator("main select:visible").evaluateAll((all) =>
    all.filter((one) => {
      const free = one.cloneNode(true);
      free.style.cssText = "position: absolute; width: auto; min-width: 0; max-width: none; flex: none;";
      one.after(free);
      const wanted = free.offsetWidth;
      free.remove();
      return wanted > one.offsetWidth;
    }).map((one) => one.getAttribute("aria-label") ?? one.name),
  );

/** The name of the field that has the focus. */
export const focused = (page) => page.evaluate(() => document.activeElement.name);

const EVERYTHING = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];

/** What axe finds against WCAG 2.2 A and AA and its best practices, or against some rules alone, in words. */
export const barriers = async (page, runOnly = EVERYTHING) => {
  // Evaluated by the debugger, which the page's policy for scripts does not touch.
  await page.evaluate(AXE);
  const found = await page.evaluate((runOnly) => axe.run(document, { runOnly }), runOnly);
  return found.violations.flatMap(({ id, help, nodes }) =>
    nodes.map((node) => `${id}: ${help}: ${node.html.slice(0, 160)}`),
  );
};

export const assertReachable = async (page, what) => {
  const found = await barriers(page);
  assert.deepEqual(found, [], `${what} has barriers`);
};

/** The bytes of a page and its assets, as they travel. */
export const weight = async (page, path) => {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.setCacheDisabled", { cacheDisabled: true });
  let bytes = 0;
  session.on("Network.loadingFinished", (event) => (bytes += event.encodedDataLength));
  await page.goto(path, { waitUntil: "load" });
  await session.detach();
  return bytes;
};
