// The whole way as one story: from an empty page to a mapped pipeline with applicants that are due, by clicks alone.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { focused, openBrowser, person, testKey } from "./admin.mjs";
import { startFulcrum, startLever } from "./programs.mjs";

let browser;
let lever;
let fulcrum;

before(async () => {
  [browser, lever, fulcrum] = await Promise.all([openBrowser(), startLever(80), startFulcrum()]);
});

after(async () => {
  await Promise.all([browser?.close(), fulcrum?.stop(), lever?.stop()]);
});

test("an admin who has never seen it goes from a key to a mapped pipeline", async () => {
  const { page, context, complaints } = await person(browser, fulcrum);
  const press = (name) => page.getByRole("button", { name }).click();
  const tab = (name) => page.getByRole("navigation").getByRole("link", { name, exact: true }).click();

  await page.goto("/");
  await page.getByText("Nothing is connected yet").waitFor();
  await page.getByRole("link", { name: "Connect Lever" }).first().click();

  // A slip first: what was filled in is still there, but for the key.
  await page.locator("[name=display_name]").fill("Hooli");
  await page.locator("[name=region]").selectOption("other");
  await page.locator("[name=base_url]").fill(lever.baseUrl);
  await page.locator("[name=api_key]").fill("a-key-with-a-slip-in-it");
  await press("Test and continue");
  await page.getByRole("alert").waitFor();
  assert.equal(await page.locator("[name=display_name]").inputValue(), "Hooli");
  assert.equal(await page.locator("[name=api_key]").inputValue(), "");
  assert.equal(await focused(page), "api_key", "what is wrong has the focus");
  await page.locator("[name=api_key]").fill(lever.key);
  await press("Test and continue");

  // What the key may do, what is mirrored, how far back, who acts, what it takes.
  await page.waitForURL(/\/setup\/test$/);
  await testKey(page);
  await page.getByText("Nothing that was tested is missing.").waitFor();
  await page.getByRole("link", { name: "Continue", exact: true }).click();
  await press("Save and continue");
  await page.getByLabel("All there are").check();
  await press("Save and continue");
  await press("Save and continue");
  await page.getByText("What the first import takes").waitFor();
  await press("Start the first import");

  // Seen as it happens: the page is not loaded again.
  await tab("Overview");
  await page.evaluate(() => { window.sameAsBefore = true; });
  await page.locator(".head .badge", { hasText: /^synced$/i }).waitFor({ timeout: 60_000 });
  assert.equal(await page.evaluate(() => window.sameAsBefore), true);
  const complete = page.getByText("The first import is complete. Next:");
  await complete.waitFor();

  // Lever's stages onto the product's, with days, and which of them are inbound.
  await tab("Stages");
  await page.locator("html.ready").waitFor();
  await page.locator("#accept").click();
  const group = page.locator("[data-group]:not([data-group=UNMAPPED])").first();
  await group.locator("> .days input").fill("1");
  await page.locator("#effect:not(.stale)").waitFor();
  await press("Save");
  await page.getByRole("status").filter({ hasText: /saved/i }).first().waitFor();
  assert.ok((await group.locator("[data-stage]").count()) > 0, "the suggestions are kept");
  await tab("Overview");
  assert.equal(await complete.count(), 0, "who has gone on is not told what comes next");

  await tab("Applicants");
  await page.getByRole("table").first().waitFor();
  assert.ok((await page.getByRole("row").count()) > 1, "somebody has applied");
  await tab("Issues");
  await page.getByText("Nothing is wrong").waitFor();
  const serious = complaints.filter((text) => !/status of 422/.test(text));
  assert.deepEqual(serious, []);
  await context.close();
});
