// A page that is open while the service is gone says so, once, until it is back.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { barriers, person } from "./admin.mjs";
import { freeAddress, startFulcrum } from "./programs.mjs";
import { mirrored } from "./scene.mjs";

let scene;
let http;

before(async () => {
  http = await freeAddress();
  scene = await mirrored({ opportunities: 20, http });
});

after(() => scene?.stop());

test("an open overview says since when the service is gone, and stops saying it when it is back", async () => {
  const { page, context } = await person(scene.browser, scene.fulcrum);
  await page.goto(scene.at);
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

  await scene.fulcrum.kill();
  const notice = page.getByRole("status").filter({ hasText: "Not connected since" });
  await notice.waitFor({ timeout: 30_000 });
  assert.match(await notice.innerText(), /^Not connected since \d\d:\d\d: this page shows what was known then\./);
  assert.equal(await page.locator("#streams").innerText(), records, "what was known is still there");
  assert.deepEqual(await barriers(page), []);
  // However often the browser tries again, it is said once.
  const before = tries;
  while (tries < before + 3) await page.waitForEvent("requestfailed");
  assert.equal(await page.evaluate(() => window.said), 1);

  scene.fulcrum = await startFulcrum({}, { http, home: scene.fulcrum.home });
  await notice.waitFor({ state: "detached", timeout: 60_000 });
  assert.equal(await page.evaluate(() => window.sameAsBefore), true, "the page goes on by itself");
  await context.close();
});

test("without scripts a page says nothing of the kind", async () => {
  const { page, context } = await person(scene.browser, scene.fulcrum, { javaScriptEnabled: false });
  await page.goto(scene.at);
  assert.equal(await page.getByText("Not connected").count(), 0);
  await context.close();
});
