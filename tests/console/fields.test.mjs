// The table of fields: tried on somebody as it is filled in, and shown as a difference before it is saved.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { assertReachable, cutOff, person } from "./admin.mjs";
import { mirrored } from "./scene.mjs";

let scene;
let browser;
let fulcrum;
let path;

before(async () => {
  scene = await mirrored();
  ({ browser, fulcrum } = scene);
  path = `${scene.at}/fields`;
});

after(() => scene?.stop());

const effect = async (page) => {
  await page.locator("#effect:not(.stale)").waitFor();
  return (await page.locator("#effect").innerText()).replace(/\s+/g, " ");
};
const save = (page) => page.getByRole("button", { name: "Save", exact: true }).click();

test("a field is switched, tried on somebody as it happens, shown as a difference, and saved", async () => {
  const { page, context } = await person(browser, fulcrum);
  page.on("dialog", (dialog) => dialog.accept());
  await page.goto(path);
  await page.getByLabel(/^Work out Company/).check();
  assert.match(await effect(page), /settings? differs?.*Company: source: .* → derive from/);
  await page.getByLabel("Source path of Title").fill("opportunities.headlin");
  assert.match(await effect(page), /no opportunities\.headlin; nearest: opportunities\.headline/);
  await save(page);
  await page.locator(".near button", { hasText: "opportunities.headline" }).click();
  assert.equal(await page.getByLabel("Source path of Title").inputValue(), "opportunities.headline");
  await save(page);
  await page.getByRole("heading", { name: "Save these changes?" }).waitFor();
  await assertReachable(page, "the differences");
  await page.getByRole("button", { name: "Save as version 1" }).click();
  await page.getByText("The fields are saved, as version 1.").waitFor();
  assert.ok(!/@|headlin/.test(page.url()), "no address tells of anybody");
  await context.close();
});

test("on a usual screen and on a narrower one no list of the table cuts off its choices", async () => {
  for (const width of [1280, 1000]) {
    const { page, context } = await person(browser, fulcrum, { viewport: { width, height: 800 } });
    await page.goto(path);
    assert.deepEqual(await cutOff(page), [], `${width} px wide`);
    await context.close();
  }
});
