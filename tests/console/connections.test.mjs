// An account from its first import to its end: its bars and their end, users by name, the card, leaving, and coming back.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { assertReachable, connectPaused, openBrowser, person } from "./admin.mjs";
import { startFulcrum, startLever } from "./programs.mjs";

let browser;
let lever;
let fulcrum;
let page;
let context;
let complaints;
let at;

before(async () => {
  // So slow that somebody can watch it, on a busy machine too.
  const pace = { FULCRUM__LEVER__REQUESTS_PER_SECOND: "25", FULCRUM__LEVER__BURST: "10" };
  [browser, lever, fulcrum] = await Promise.all([openBrowser(), startLever(40), startFulcrum(pace)]);
  ({ page, context, complaints } = await person(browser, fulcrum));
  // What a browser would show outside of the page.
  await page.addInitScript(() => {
    window.shown = [];
    window.Notification = class {
      static permission = "granted";
      static requestPermission = async () => "granted";
      constructor(title, { body }) {
        window.shown.push(`${title}: ${body}`);
      }
    };
  });
});

after(async () => {
  await context?.close();
  await Promise.all([browser?.close(), fulcrum?.stop(), lever?.stop()]);
});

const press = (name) => page.getByRole("button", { name }).first().click();

test("a first import is watched, left, returned to, and tells its end", async () => {
  const setup = await connectPaused(page, lever);
  at = setup.replace(/\/setup$/, "");
  await page.goto(`${setup}/start`);
  await press("Start the first import");
  await page.waitForURL(new RegExp(`${at}$`));
  await page.locator("[data-import=running]").waitFor();
  await page.getByRole("progressbar", { name: "First import" }).waitFor();
  await page.getByRole("columnheader", { name: "Could not be read" }).waitFor();
  // It follows what is read, without being loaded again.
  const before = await page.locator("#streams").innerText();
  await page.evaluate(() => {
    window.sameAsBefore = true;
  });
  await page.waitForFunction((before) => document.getElementById("streams").innerText !== before, before);
  assert.equal(await page.evaluate(() => window.sameAsBefore), true);
  await assertReachable(page, "a first import");
  await page.goto("/console");
  await page.locator(".badge", { hasText: /initial import/i }).waitFor();
  await page.goto(at);
  assert.match(await page.title(), /^Importing · /);
  await press("Tell me when it is done");
  await page.getByText("You will be told when it is done").waitFor();
  await page.reload();
  await page.getByText("You will be told when it is done").waitFor();
  await page.locator("[data-import=complete]").waitFor({ timeout: 60_000 });
  await page.getByText("The first import is complete. Next:").waitFor();
  await page.waitForFunction(() => window.shown.length > 0);
  assert.deepEqual(await page.evaluate(() => window.shown), ["The first import is complete: Globex"]);
  assert.match(await page.title(), /^Import complete · /);
});

test("a user is linked by name, tested, and unlinked", async () => {
  await page.goto(`${at}/users`);
  const name = (await page.locator("tbody tr").filter({ hasText: "by e-mail" }).first().locator("td").nth(1).innerText()).split("\n")[0];
  await page.getByText("Link a user by hand").click();
  const form = page.locator("details", { hasText: "Link a user by hand" });
  await form.getByLabel("E-mail address in the product").fill("someone@product.example");
  await form.getByLabel("Lever user, by name or e-mail").fill("a");
  await press("Find");
  const choices = page.getByRole("radio");
  assert.ok((await choices.count()) > 1, "several have an a");
  await page.getByLabel("Lever user, by name or e-mail").fill(name);
  await press("Find");
  await page.getByRole("radio", { name }).first().check();
  await page.getByRole("button", { name: "Link", exact: true }).click();
  await page.getByText(`someone@product.example is linked to ${name}`).waitFor();

  const row = page.getByRole("row").filter({ hasText: "someone@product.example" });
  await row.getByText("by hand").waitFor();
  await row.getByRole("button", { name: /Test.*someone@product\.example/ }).click();
  await page.getByRole("status").filter({ hasText: "who is linked to this address" }).waitFor();
  await assertReachable(page, "the users with a test");
  await row.getByRole("button", { name: "Remove the link" }).click();
  await page.getByText("The link is removed").waitFor();
  await press("Read users now");
  await page.getByRole("status").getByText("users are read now").waitFor();
  await page.getByText("Test under whose name").click();
  const test = page.locator("details", { hasText: "Test under whose name" });
  await test.getByLabel("E-mail address in the product").fill("someone@product.example");
  await test.getByRole("button", { name: "Test", exact: true }).click();
  await page.getByText("No Lever user has this e-mail.").waitFor();
  assert.ok(!page.url().includes("someone"), "nobody is named in an address");
  // Ids of Lever's are for programs.
  assert.doesNotMatch(await page.locator("main").innerText(), /[0-9a-f]{8}-[0-9a-f]{4}-/);
});

test("the buttons of a card pause, resume and sync, and its reader stays with the cards", async () => {
  await page.goto("/console");
  await press("Pause Globex");
  await page.getByRole("status").filter({ hasText: "Globex is paused" }).waitFor();
  await page.locator(".badge", { hasText: "Paused" }).waitFor();
  await press("Resume Globex");
  await page.getByRole("status").filter({ hasText: "Globex is read again" }).waitFor();
  await press("Sync now Globex");
  await page.getByRole("status").filter({ hasText: "Globex is read now" }).waitFor();
  assert.equal(new URL(page.url()).pathname, "/console");
  await assertReachable(page, "the cards");
});

test("an account is disconnected knowing what goes, and comes back with its mirror", async () => {
  await page.getByRole("link", { name: "Disconnect Globex" }).click();
  await page.getByText("Stays for 14 days").waitFor();
  await assertReachable(page, "disconnecting");
  await page.getByLabel("Type the name").fill("Globex");
  await press("Disconnect");
  await page.getByText("Globex is disconnected.").waitFor();
  await assertReachable(page, "the cards of a disconnected account");

  // Somebody who connects anew is asked whether this one is meant.
  await page.goto("/console/connect");
  await page.locator("[name=display_name]").fill("Globex");
  await page.locator("[name=region]").selectOption("other");
  await page.locator("[name=base_url]").fill(lever.baseUrl);
  await page.locator("[name=api_key]").fill(lever.key);
  await press("Test and continue");
  await page.getByText("Say whether this is an account that was disconnected").first().waitFor();
  await assertReachable(page, "the question whether an account was connected before");
  await page.getByRole("radio", { name: "Reconnect Globex" }).check();
  await page.locator("[name=api_key]").fill(lever.key);
  await press("Test and continue");
  await page.getByText("The account is connected again").waitFor();
  assert.equal(new URL(page.url()).pathname, at);
  const serious = complaints.filter((text) => !/status of 422/.test(text));
  assert.deepEqual(serious, []);
});

test("a list of permissions is shorter for a key that only reads, and for jobs alone", async () => {
  await page.goto("/console/connect");
  await page.locator("[name=display_name]").fill("Umbrella");
  await page.getByText("The permissions to tick").click();
  await page.getByRole("button", { name: "Jobs only" }).click();
  await page.getByLabel("Postings: To read, 3 permissions", { exact: true }).waitFor();
  await page.getByRole("button", { name: "Read only" }).click();
  await page.getByText("All of the usual list in one").click();
  await page.getByLabel("To read, 55 permissions", { exact: true }).waitFor();
  assert.equal(await page.getByLabel("To write").count(), 0);
  assert.equal(await page.locator("[name=display_name]").inputValue(), "Umbrella", "what was filled in stays");
  await assertReachable(page, "a shorter list");
});
