// The inbound settings: nothing that was typed is lost to another button or to leaving, and what is wrong has the focus.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { assertReachable, focused, person } from "./admin.mjs";
import { mirrored } from "./scene.mjs";

let scene;
let browser;
let fulcrum;
let at;

before(async () => {
  scene = await mirrored();
  ({ browser, fulcrum, at } = scene);
});

after(() => scene?.stop());

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with scripts" : "without scripts";
  test(`an entry is saved, and what was typed above it is kept, ${how}`, async () => {
    const { page, context } = await person(browser, fulcrum, { javaScriptEnabled });
    await page.goto(`${at}/inbound`);
    const days = javaScriptEnabled ? "17" : "18";
    await page.locator("[name=cool_off_days]").fill(days);
    await page.locator("[name=name]").fill(`No fit ${how}`);
    await page.locator("[name=archive_reason_id]").selectOption({ index: 1 });
    await page.getByRole("button", { name: "Save the reason" }).click();
    await page.getByText("What else you changed here is not saved yet.").waitFor();
    assert.equal(await page.locator("[name=cool_off_days]").inputValue(), days);
    await page.getByRole("button", { name: "Save", exact: true }).click();
    await page.getByText("It is saved: who is asked again.").waitFor();
    assert.equal(await page.locator("[name=cool_off_days]").inputValue(), days);
    await context.close();
  });
}

test("whoever leaves with something unsaved is asked, and nobody else", async () => {
  const { page, context } = await person(browser, fulcrum);
  let asked = 0;
  page.on("dialog", (dialog) => {
    asked += 1;
    dialog.accept();
  });
  await page.goto(`${at}/inbound`);
  await page.goto(`${at}/sync`);
  assert.equal(asked, 0);
  await page.goto(`${at}/inbound`);
  await page.locator("[name=cool_off_days]").pressSequentially("1");
  await page.goto(`${at}/sync`);
  assert.equal(asked, 1);
  await context.close();
});

test("without scripts the first field that is wrong has the focus", async () => {
  const { page, context } = await person(browser, fulcrum, { javaScriptEnabled: false });
  await page.goto(`${at}/inbound`);
  await page.locator("[name=name]").fill("Half");
  await page.getByRole("button", { name: "Save the reason" }).click();
  await page.locator("[name=archive_reason_id]:focus").waitFor();
  await context.close();
});

test("a refusal leads to the first field that is wrong", async () => {
  const { page, context } = await person(browser, fulcrum);
  await page.goto(`${at}/inbound`);
  await page.locator("[name=name]").fill("Half");
  await page.getByRole("button", { name: "Save the reason" }).click();
  await page.getByText("Choose a reason.").first().waitFor();
  assert.equal(await focused(page), "archive_reason_id");
  await assertReachable(page, "a refused entry");
  await page.goto("/console/links");
  await page.locator("[name=display_name]").fill("Initech");
  await page.locator("#days").fill("99");
  await page.getByRole("button", { name: "Make a link" }).first().click();
  await page.getByText("Give a whole number from 1 to 30.").first().waitFor();
  assert.equal(await focused(page), "days");
  assert.equal(await page.locator("#days").inputValue(), "99");
  // Forms that mark nothing to have the focus of itself are led to as well.
  await page.goto(`${at}/fields`);
  await page.getByLabel("Or worked out as").selectOption({ index: 1 });
  await page.getByRole("button", { name: "Add", exact: true }).click();
  await page.getByText("Give the new field a name").first().waitFor();
  assert.equal(await focused(page), "new_label");
  await context.close();
});
