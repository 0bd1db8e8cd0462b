// What holds for every page: nobody is kept out of it, it is light, it asks nobody else, and it fits a phone.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { assertReachable, barriers, connect, connectPaused, openBrowser, person, synced, testKey, weight } from "./admin.mjs";
import { startFulcrum, startLever } from "./programs.mjs";

const OF_A_CONNECTION = [
  "", "/applicants", "/applicants/sla", "/duplicates", "/find", "/issues", "/permissions", "/stages", "/stages/versions", "/stages/versions/0",
  "/fields", "/fields/versions", "/fields/versions/0",
  "/sync", "/operations", "/calls", "/users", "/inbound", "/export", "/privacy", "/settings", "/settings/disconnect",
];
// Over the wire, assets included.
const MOST_BYTES = 100_000;

let browser;
let lever;
let fulcrum;
let paths;
let guestPaths;

before(async () => {
  [browser, lever, fulcrum] = await Promise.all([openBrowser(), startLever(), startFulcrum()]);
  const admin = await person(browser, fulcrum);
  const connection = await connect(admin.page, lever);
  await testKey(admin.page);
  await synced(admin.page, connection);
  const setup = await connectPaused(admin.page, lever);
  await testKey(admin.page);
  const link = await guestLink(admin.page, lever);
  await admin.context.close();
  const at = (path) => `/console/connections/${connection}${path}`;
  const steps = ["test", "scopes", "history", "acting", "start"].map((step) => `${setup}/${step}`);
  paths = ["/console", "/console/connect", "/console/links", "/console/sign-in", ...OF_A_CONNECTION.map(at), ...steps];
  guestPaths = [link, "/connect/callback"];
});

/** The path of a link for another account, as the page that made it tells this once. */
const guestLink = async (page, lever) => {
  await page.goto("/console/links");
  await page.locator("[name=display_name]").fill("Initech");
  await page.locator("[name=region]").selectOption("other");
  await page.locator("[name=base_url]").fill(lever.baseUrl);
  await page.getByRole("button", { name: "Make a link" }).first().click();
  const address = await page.getByLabel("Address", { exact: true }).inputValue();
  return address.slice(address.indexOf("/connect/"));
};

after(async () => {
  await Promise.all([browser?.close(), fulcrum?.stop(), lever?.stop()]);
});

// What is wrong with any page, page by page, so that one run tells all of it.
const everyPage = async (options, faults) => {
  const admin = await person(browser, fulcrum, options);
  const found = {};
  for (const path of paths) {
    await admin.page.goto(path);
    const wrong = await faults(admin.page);
    if (wrong.length > 0) found[path] = wrong;
  }
  assert.deepEqual(found, {});
  assert.deepEqual(admin.complaints, []);
  await admin.context.close();
};

test("axe finds nothing on the page behind a connect link, also on a phone, and it asks nobody else", async () => {
  for (const options of [{}, { colorScheme: "dark" }, { viewport: { width: 360, height: 740 }, isMobile: true }]) {
    const guest = await person(browser, fulcrum, options);
    for (const path of guestPaths) {
      await guest.page.goto(path);
      await assertReachable(guest.page, "a page for guests");
      const wide = await guest.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.ok(wide <= 0, `a page for guests is ${wide} px too wide`);
    }
    assert.deepEqual(
      guest.complaints.filter((complaint) => !complaint.includes("403")),
      [],
    );
    await guest.context.close();
  }
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing on any page, ${colorScheme}`, () => everyPage({ colorScheme }, barriers));
}

const overflow = (page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth ? [`is ${scrollWidth} px wide on a screen of ${clientWidth}`] : [];
  });

test("on a phone axe finds nothing, and no page is wider than the screen", () =>
  everyPage({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }, async (page) => [
    ...(await barriers(page)),
    ...(await overflow(page)),
  ]));

test("every page is at most 100 kB over the wire, assets included", async () => {
  const admin = await person(browser, fulcrum);
  for (const path of paths) {
    const bytes = await weight(admin.page, path);
    assert.ok(bytes > 0 && bytes <= MOST_BYTES, `${path} takes ${bytes} bytes`);
  }
  await admin.context.close();
});

test("every page begins with a way past its menu", async () => {
  const admin = await person(browser, fulcrum);
  for (const path of paths) {
    await admin.page.goto(path);
    await admin.page.keyboard.press("Tab");
    const focused = await admin.page.evaluate(() => document.activeElement?.getAttribute("href"));
    assert.match(focused ?? "", /^#/, `${path}: the first stop leads into the page`);
  }
  await admin.context.close();
});
