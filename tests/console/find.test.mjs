// Somebody is not where an operator looks for them: the page says why, leads to what repairs it, and reads who is new.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { assertReachable, person } from "./admin.mjs";
import { mirrored } from "./scene.mjs";

let scene;
let browser;
let lever;
let fulcrum;
let at;

before(async () => {
  scene = await mirrored();
  ({ browser, lever, fulcrum, at } = scene);
});

after(() => scene?.stop());

/** Looks for somebody, here or in Lever too, and waits for what is told. */
const look = async (page, who, button = "Find") => {
  await page.getByLabel("Who is missing").fill(who);
  await page.getByRole("button", { name: button, exact: true }).click();
  await page.locator("main h2").waitFor();
  assert.ok(!page.url().includes("@") && page.url().endsWith("/find"), "no address tells of anybody");
};

// Without JavaScript as with it.
for (const javaScriptEnabled of [true, false]) {
  test(`who is missing is looked for, found in Lever, and read, ${javaScriptEnabled ? "with" : "without"} scripts`, async () => {
    const { page, context, complaints } = await person(browser, fulcrum, { javaScriptEnabled });
    // Nothing comes by itself any more.
    await page.goto(`${at}/sync`);
    await page.getByRole("button", { name: /^Pause/ }).click();
    const address = `newcomer-${javaScriptEnabled}@example.com`;
    await lever.control("act", { do: "apply", applicant: { name: "Newcomer Example", email: address } });

    await page.goto(`${at}/applicants`);
    await page.getByRole("link", { name: "Find out why" }).click();
    await page.getByRole("heading", { name: "Find a person" }).waitFor();
    await page.getByRole("button", { name: "Find", exact: true }).click();
    await page.getByText("Say who is missing.").waitFor();

    await look(page, address);
    await page.getByRole("heading", { name: "Nobody is found" }).waitFor();
    await page.getByText("Reading is paused").waitFor();
    if (javaScriptEnabled) await assertReachable(page, "nobody");
    await look(page, address, "Look in Lever");
    await page.getByText("Lever has what is not here yet.").waitFor();
    if (javaScriptEnabled) await assertReachable(page, "somebody who is in Lever");

    // Paused, nobody is read: the page says so and keeps what was typed.
    await page.getByRole("button", { name: "Read it now" }).click();
    await page.getByRole("alert").waitFor();
    assert.equal(await page.getByLabel("Who is missing").inputValue(), address);

    await page.goto(`${at}/sync`);
    await page.getByRole("button", { name: /^Resume/ }).click();
    await page.goto(`${at}/find`);
    await look(page, address, "Look in Lever");
    const read = page.getByRole("button", { name: "Read it now" });
    // It may have come by itself meanwhile.
    if (await read.count()) await read.first().click();
    await page.getByRole("heading", { name: "Newcomer Example" }).first().waitFor();
    await page.getByText("among the applicants", { exact: true }).first().waitFor();
    await page.locator("summary", { hasText: "What is stored" }).first().click();
    await page.getByText("Files themselves are not kept").first().waitFor();
    if (javaScriptEnabled) await assertReachable(page, "somebody who is here");
    assert.deepEqual(complaints.filter((one) => !/409|422/.test(one)), []);
    await context.close();
  });
}
