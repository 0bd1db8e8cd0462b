// A connect link: scopes before anything else, and one use, however often and by however many it is opened.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { assertReachable, openBrowser, person } from "./admin.mjs";
import { startFulcrum, startLever } from "./programs.mjs";

let browser;
let lever;
let fulcrum;

before(async () => {
  [browser, lever, fulcrum] = await Promise.all([openBrowser(), startLever(20), startFulcrum()]);
});

after(async () => {
  await Promise.all([browser?.close(), fulcrum?.stop(), lever?.stop()]);
});

const makeLink = async (page, name) => {
  await page.goto("/console");
  await page.getByRole("link", { name: "Connect links" }).click();
  await page.locator("[name=display_name]").fill(name);
  await page.locator("[name=region]").first().selectOption("other");
  await page.locator("[name=base_url]").first().fill(lever.baseUrl);
  await page.getByRole("button", { name: "Make a link" }).first().click();
  const made = await page.locator("#made").inputValue();
  return made.startsWith("/") ? fulcrum.origin + made : made;
};

test("a link that two people have open connects once, and says so to the second", async () => {
  const admin = await person(browser, fulcrum);
  const link = await makeLink(admin.page, "Customer of the link");
  await admin.page.goto("/console/links");
  assert.equal(await admin.page.locator("#made").count(), 0, "the link is shown once");

  const [one, other] = [await person(browser, fulcrum), await person(browser, fulcrum)];
  for (const { page } of [one, other]) {
    await page.goto(link);
    await assertReachable(page, "the page of a link");
  }
  const order = await one.page.evaluate(() => {
    const key = document.querySelector("[name=api_key]");
    const reads = document.querySelector(".scopes");
    return reads.compareDocumentPosition(key) & Node.DOCUMENT_POSITION_FOLLOWING;
  });
  assert.ok(order, "what is read comes before what is asked for");

  const give = async ({ page }, key) => {
    await page.locator("[name=api_key]").fill(key);
    await page.getByRole("button", { name: "Test and connect" }).click();
  };
  await give(one, "not-a-key-of-this-account");
  await one.page.getByRole("alert").waitFor();
  await give(one, lever.key);
  await one.page.getByRole("heading", { name: "Lever is connected" }).waitFor();
  await give(other, lever.key);
  await other.page.getByText(/does not work again|was used/).first().waitFor();

  await admin.page.goto("/console");
  assert.equal(await admin.page.getByRole("link", { name: "Customer of the link" }).count(), 1);
  for (const { context, complaints } of [one, other]) {
    const serious = complaints.filter((text) => !/status of 4\d\d/.test(text));
    assert.deepEqual(serious, []);
    await context.close();
  }
  await admin.context.close();
});

test("a link that was taken back leads nowhere", async () => {
  const admin = await person(browser, fulcrum);
  const link = await makeLink(admin.page, "Nobody");
  await admin.page.getByRole("button", { name: /^Revoke/ }).first().click();
  const guest = await person(browser, fulcrum);
  await guest.page.goto(link);
  await guest.page.getByRole("heading", { name: "This link was taken back" }).waitFor();
  assert.equal(await guest.page.locator("[name=api_key]").count(), 0);
  await guest.context.close();
  await admin.context.close();
});
