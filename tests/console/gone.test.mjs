// A page that is open while the service is gone says so, once, until it is back.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { barriers, connect, openBrowser, person, synced } from "./admin.mjs";
import { freeAddress, startFulcrum, startLever } from "./programs.mjs";

let browser;
let lever;
let fulcrum;
let http;
let connection;

before(async () => {
  [browser, lever, http] = await Promise.all([openBrowser(), startLever(20), freeAddress()]);
  fulcrum = await startFulcrum({}, { http });
  const admin = await person(browser, fulcrum);
  connection = await connect(admin.page, lever);
  await synced(admin.page, connection);
  await admin.context.close();
});

after(async () => {
  await Promise.all([browser?.close(), fulcrum?.stop(), lever?.stop()]);
});

test("an open overview says since when the service is gone, and stops saying it when it is back", async () => {
  const { page, context } = await person(browser, fulcrum);
  await page.goto(`/console/connections/${connection}`);
  await page.getByRole("heading", { name: "Overview" }).waitFor();
  await page.evaluate(() => {
    window.sameAsBefore = true;
    window.said = 0;
    new MutationObserver(() => (window.said += 1)).observe(document.querySelector("main > [role=status]"), {
      childList: true,
      characterData: true,
      subtree: true,
    });
  });
  const records = await page.locator("#streams").innerText();
  let tries = 0;
  page.on("requestfailed", (request) => (tries += request.url().endsWith("/live") ? 1 : 0));

  await fulcrum.kill();
  const notice = page.getByRole("status").filter({ hasText: "Not connected since" });
  await notice.waitFor({ timeout: 30_000 });
  assert.match(await notice.innerText(), /^Not connected since \d\d:\d\d: this page shows what was known then\./);
  assert.equal(await page.locator("#streams").innerText(), records, "what was known is still there");
  assert.deepEqual(await barriers(page), []);
  // However often the browser tries again, it is said once.
  const before = tries;
  while (tries < before + 3) await page.waitForEvent("requestfailed");
  assert.equal(await page.evaluate(() => window.said), 1);

  fulcrum = await startFulcrum({}, { http, home: fulcrum.home });
  await notice.waitFor({ state: "detached", timeout: 60_000 });
  assert.equal(await page.evaluate(() => window.sameAsBefore), true, "the page goes on by itself");
  await context.close();
});

test("without scripts a page says nothing of the kind", async () => {
  const { page, context } = await person(browser, fulcrum, { javaScriptEnabled: false });
  await page.goto(`/console/connections/${connection}`);
  assert.equal(await page.getByText("Not connected").count(), 0);
  await context.close();
});
