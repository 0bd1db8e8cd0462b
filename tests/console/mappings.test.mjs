// The mappings: stages dragged by pointer and by keys, filled in without scripts, saved by two people at once; fields
// tried on somebody before they are saved.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { assertReachable, connect, openBrowser, person, synced, weight } from "./admin.mjs";
import { startFulcrum, startLever } from "./programs.mjs";

let browser;
let lever;
let fulcrum;
let connection;

before(async () => {
  [browser, lever, fulcrum] = await Promise.all([openBrowser(), startLever(), startFulcrum()]);
  const admin = await person(browser, fulcrum);
  connection = await connect(admin.page, lever);
  await synced(admin.page, connection);
  await admin.context.close();
});

after(async () => {
  await Promise.all([browser?.close(), fulcrum?.stop(), lever?.stop()]);
});

const at = (path) => `/console/connections/${connection}/${path}`;

/** Somebody at the board, who leaves it without being asked. */
const atBoard = async (options) => {
  const admin = await person(browser, fulcrum, options);
  admin.page.on("dialog", (dialog) => dialog.accept());
  await admin.page.goto(at("stages"));
  return admin;
};
const grip = (page, text) => page.locator(".grip", { hasText: new RegExp(`^${text}$`) });
const card = (page, text) => page.locator("[data-stage]").filter({ has: grip(page, text) });
const groupOf = (page, text) => card(page, text).locator("select").inputValue();
const columnOf = (page, text) =>
  card(page, text).evaluate((one) => one.closest("[data-group]").dataset.group);
const spoken = (page) => page.locator("#spoken").textContent();
const effect = async (page) => {
  await page.locator("#effect:not(.stale)").waitFor();
  return (await page.locator("#effect").innerText()).replace(/\s+/g, " ");
};
const save = (page) => page.getByRole("button", { name: "Save", exact: true }).click();
/** Both ends are brought to the middle of the window, away from the bar with the buttons. */
const drag = async (page, text, group) => {
  const column = page.locator(`[data-group=${group}]`);
  await grip(page, text).evaluate((one) => one.scrollIntoView({ block: "center" }));
  const from = await grip(page, text).boundingBox();
  await page.mouse.move(from.x + 20, from.y + 8);
  await page.mouse.down();
  await page.mouse.move(from.x + 40, from.y + 30, { steps: 3 });
  await column.evaluate((one) => one.scrollIntoView({ block: "center" }));
  const to = await column.boundingBox();
  await page.mouse.move(to.x + to.width / 2, to.y + to.height / 2, { steps: 5 });
  await page.mouse.up();
};

test("cards are dragged with the mouse, one or several, and every step can be taken back", async () => {
  const { page, context, complaints } = await atBoard();
  await drag(page, "New applicant", "ASSESSMENT");
  assert.deepEqual(
    [await groupOf(page, "New applicant"), await columnOf(page, "New applicant")],
    ["ASSESSMENT", "ASSESSMENT"],
  );
  assert.match(await effect(page), /[1-9]\d* change their group New applicant → Assessment: \d/);
  await page.keyboard.press("Control+z");
  assert.equal(await columnOf(page, "New applicant"), "NEW_APPLICANT");
  assert.match(await effect(page), /Nothing: this is what is saved/);

  const home = await groupOf(page, "HM Screen");
  await grip(page, "HM Screen").click();
  await grip(page, "HM Review").click({ modifiers: ["Control"] });
  assert.equal(await spoken(page), "2 selected.");
  await drag(page, "HM Review", "HOLD");
  assert.deepEqual([await columnOf(page, "HM Screen"), await columnOf(page, "HM Review")], ["HOLD", "HOLD"]);
  await page.getByRole("button", { name: "Undo" }).click();
  assert.equal(await columnOf(page, "HM Screen"), home);
  assert.ok(await page.getByRole("button", { name: "Undo" }).isDisabled());
  assert.deepEqual(complaints, []);
  await context.close();
});

test("keys alone pick a card up, carry it, drop it or let it be, and say so", async () => {
  const { page, context } = await atBoard();
  const home = await columnOf(page, "HM Review");
  await grip(page, "HM Review").focus();
  await page.keyboard.press("Space");
  assert.match(await spoken(page), /^HM Review picked up/);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Escape");
  assert.equal(await spoken(page), "Cancelled: nothing moved.");
  assert.equal(await columnOf(page, "HM Review"), home);

  await page.keyboard.press("Enter");
  for (let step = 0; step < 20; step += 1) await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  assert.equal(await columnOf(page, "HM Review"), "HOLD", "the last column ends the way");
  assert.equal(await spoken(page), "HM Review moved to On hold.");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "HM Review", "the focus goes along");
  await page.keyboard.press("Control+z");
  assert.equal(await columnOf(page, "HM Review"), home);
  await context.close();
});

test("every sure suggestion is taken at once, and the board stays as it was until it is saved", async () => {
  const { page, context } = await atBoard();
  await page.getByRole("button", { name: /Accept all suggestions/ }).click();
  assert.match(await spoken(page), /accepted/);
  assert.ok(await page.getByRole("button", { name: /Accept all suggestions/ }).isHidden());
  await page.getByRole("button", { name: "Undo" }).click();
  assert.ok(await page.getByRole("button", { name: /Accept all suggestions/ }).isVisible(), "one step back");
  await page.goto(at("stages"));
  assert.match(await page.locator(".head").innerText(), /Version 0/);
  await context.close();
});

test("without scripts the board is a form", async () => {
  const { page, context, complaints } = await atBoard({ javaScriptEnabled: false });
  assert.equal(await page.locator(".grip").count(), 0);
  await page.getByLabel("Group of On-site interview").selectOption("FINAL_INTERVIEW");
  await page.getByLabel("SLA days of On-site interview").fill("4");
  await page.getByRole("button", { name: "Preview", exact: true }).and(page.locator(".savebar button")).click();
  assert.match(await page.locator("#effect").innerText(), /On-site \/ final/);
  await page.getByRole("button", { name: /^Save$/ }).click();
  assert.match(await page.getByRole("status").first().innerText(), /saved, as version 1/);
  assert.equal(await page.getByLabel("Group of On-site interview").inputValue(), "FINAL_INTERVIEW");
  assert.deepEqual(complaints, []);
  await context.close();
});

test("two admins who save: the second sees theirs beside his, and overwrites", async () => {
  const [ada, grace] = [await atBoard(), await atBoard()];
  await ada.page.getByLabel("SLA days of Review", { exact: true }).fill("1");
  await save(ada.page);
  await ada.page.getByText(/saved, as version/).waitFor();
  await grace.page.getByLabel("SLA days of Offer", { exact: true }).first().fill("9");
  await save(grace.page);
  await grace.page.getByRole("heading", { name: "Somebody else saved first" }).waitFor();
  assert.match(await grace.page.locator("tr", { hasText: "Group REVIEW" }).innerText(), /them/);
  assert.match(await grace.page.locator("tr", { hasText: "Group OFFER" }).innerText(), /SLA 9 d.*you/s);
  await assertReachable(grace.page, "the conflict");
  await grace.page.getByRole("button", { name: "Overwrite with mine" }).click();
  await grace.page.getByText(/saved, as version/).waitFor();
  assert.equal(await grace.page.locator('[name="group_days.OFFER"]').inputValue(), "9");
  assert.notEqual(await grace.page.locator('[name="group_days.REVIEW"]').inputValue(), "1");
  await Promise.all([ada.context.close(), grace.context.close()]);
});

test("a field is switched, tried on somebody as it happens, shown as a difference, and saved", async () => {
  const { page, context } = await person(browser, fulcrum);
  page.on("dialog", (dialog) => dialog.accept());
  await page.goto(at("fields"));
  await page.getByLabel(/^Work out Company/).check();
  assert.match(await effect(page), /1 setting differs/);
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

const PATHS = ["stages", "stages/versions", "stages/versions/0", "fields", "fields/versions", "fields/versions/0"];

test("axe finds nothing on the pages of the mappings, light, dark and on a phone, and they are light", async () => {
  const phone = { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true };
  for (const options of [{ colorScheme: "light" }, { colorScheme: "dark" }, phone]) {
    const { page, context, complaints } = await person(browser, fulcrum, options);
    for (const path of PATHS) {
      const bytes = await weight(page, at(path));
      assert.ok(bytes > 0 && bytes <= 100_000, `${path} takes ${bytes} bytes`);
      await assertReachable(page, path);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(wide <= 0, `${path} is ${wide} px wider than the screen`);
    }
    assert.deepEqual(complaints, []);
    await context.close();
  }
});
