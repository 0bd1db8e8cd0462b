// Somebody at the customer connects an account by a link: with a key, in two windows at once, and by consent.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { connectPaused, openBrowser, person, synced, testKey } from "./admin.mjs";
import { ask, freeAddress, startFulcrum, startLever } from "./programs.mjs";

let browser;
let lever;
let fulcrum;
let admin;

before(async () => {
  [browser, lever] = await Promise.all([openBrowser(), startLever(30)]);
  // Lever has to be told where to send people back before the service runs.
  const http = await freeAddress();
  const settings = {
    FULCRUM__SERVER__PUBLIC_URL: `http://${http}`,
    FULCRUM__LEVER__OAUTH_CLIENT_ID: "fulcrum-simulator-client",
    FULCRUM__LEVER__OAUTH_CLIENT_SECRET: "fulcrum-simulator-client-secret",
    FULCRUM__LEVER__OAUTH_URL: new URL(lever.baseUrl).origin,
  };
  fulcrum = await startFulcrum(settings, { http });
  admin = await person(browser, fulcrum);
});

after(async () => {
  await Promise.all([browser?.close(), fulcrum?.stop(), lever?.stop()]);
});

/** Makes a link for another account; gives its address. */
const linkFor = async (name) => {
  const { page } = admin;
  await page.goto("/console/links");
  await page.locator("[name=display_name]").fill(name);
  await page.locator("[name=region]").selectOption("other");
  await page.locator("[name=base_url]").fill(lever.baseUrl);
  await page.getByRole("button", { name: "Make a link" }).first().click();
  return page.getByLabel("Address", { exact: true }).inputValue();
};

/** The connection that an account of that name has, which must be one. */
const connectionOf = async (name) => {
  await admin.page.goto("/console");
  const cards = admin.page.getByRole("link", { name, exact: true });
  assert.equal(await cards.count(), 1, `${name} is connected once`);
  return (await cards.getAttribute("href")).split("/").at(-1);
};

/** Ends a connection, so that its account can be connected by another link. */
const leave = (connection) => ask(fulcrum, "disconnect", connection, "--purge-now", "--yes");

test("a link that two people open and use at once connects one account", async () => {
  const address = await linkFor("Initech");
  const guests = await Promise.all([person(browser, fulcrum), person(browser, fulcrum)]);
  for (const { page } of guests) {
    await page.goto(address);
    await page.getByLabel("API key").fill(lever.key);
  }
  await Promise.all(guests.map(({ page }) => page.getByRole("button", { name: "Test and connect" }).click()));
  for (const { page, context, complaints } of guests) {
    await page.getByRole("heading", { name: "Lever is connected" }).waitFor();
    assert.deepEqual(complaints, []);
    await context.close();
  }
  const connection = await connectionOf("Initech");
  await synced(admin.page, connection);
  // Another link connects no account twice, and says nothing of where it is.
  const second = await linkFor("Hooli");
  const { page, context } = await person(browser, fulcrum);
  await page.goto(second);
  await page.getByLabel("API key").fill(lever.key);
  await page.getByRole("button", { name: "Test and connect" }).click();
  await page.getByRole("alert").filter({ hasText: "This Lever account is connected already" }).waitFor();
  assert.equal(await page.getByText("Initech").count(), 0);
  await context.close();
  await leave(connection);
});

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with" : "without";
  test(`consent at Lever connects an account, ${how} JavaScript`, async () => {
    const name = `Umbrella ${how}`;
    const address = await linkFor(name);
    const guest = await person(browser, fulcrum, { javaScriptEnabled });
    await guest.page.goto(address);
    await guest.page.getByRole("link", { name: "Continue to Lever" }).click();
    await guest.page.getByRole("heading", { name: "Lever is connected" }).waitFor();
    assert.equal(guest.page.url(), address, "what Lever answered is in the address no more");
    await guest.context.close();
    await leave(await connectionOf(name));
  });
}

test("an account is set up step by step without JavaScript, and starts when that is said", async () => {
  const { page, context } = await person(browser, fulcrum, { javaScriptEnabled: false });
  const setup = await connectPaused(page, lever, { name: "Globex" });
  await testKey(page);
  await page.getByRole("link", { name: "Continue", exact: true }).click();
  await page.getByLabel("Offers").uncheck();
  await page.getByRole("button", { name: "Save and continue" }).click();
  await page.getByLabel("All there are").check();
  await page.getByRole("button", { name: "Save and continue" }).click();
  await page.getByLabel("Find a Lever user").fill("example.com");
  await page.getByRole("button", { name: "Find" }).click();
  await page.locator("[name=user]").first().check();
  // Somebody leaves, and comes back to what is kept.
  await page.goto("/console");
  await page.getByRole("link", { name: "Continue setting up" }).click();
  await page.goto(`${setup}/start`);
  await page.getByText("all opportunities").waitFor();
  await page.getByRole("button", { name: "Start the first import" }).click();
  await page.getByText("The first import was started.").waitFor();
  await synced(admin.page, await connectionOf("Globex"));
  await context.close();
});
