// A key that loses a permission: what the console says, and how it is mended (F-52, X14).

import { after, before, test } from "node:test";

import { connect, openBrowser, person, synced, testKey } from "./admin.mjs";
import { startFulcrum, startLever } from "./programs.mjs";

const NOTES = "find all opportunity notes";

let browser;
let lever;
let fulcrum;

before(async () => {
  [browser, lever, fulcrum] = await Promise.all([openBrowser(), startLever(30), startFulcrum()]);
});

after(async () => {
  await Promise.all([browser?.close(), fulcrum?.stop(), lever?.stop()]);
});

test("a key that loses a permission is seen in the issues, and gone from them with a better key", async () => {
  const { page, context } = await person(browser, fulcrum);
  await lever.control("keys", { secret: "made-for-this-story", confidential: true });
  const connection = await connect(page, lever, { key: "made-for-this-story" });
  await synced(page, connection);
  await lever.control("keys", { secret: "made-for-this-story", without: [NOTES], confidential: true });
  await page.goto(`/console/connections/${connection}/permissions`);
  await testKey(page);
  await page.getByRole("row").filter({ hasText: NOTES }).getByText("Missing").waitFor();
  await page.goto(`/console/connections/${connection}/issues`);
  const issue = page.getByRole("heading", { name: `the key lacks “${NOTES}”` });
  while (!(await issue.count())) await page.reload();

  await page.goto(`/console/connections/${connection}/settings`);
  await page.getByLabel("API key").fill(lever.key);
  await page.getByRole("button", { name: "Replace" }).click();
  await page.waitForURL(/\/permissions$/);
  await testKey(page);
  await page.getByText("Nothing that was tested is missing.").waitFor();
  await page.goto(`/console/connections/${connection}/issues`);
  while (await issue.count()) await page.reload();
  await page.getByRole("link", { name: "Resolved" }).click();
  await issue.waitFor();
  await context.close();
});
