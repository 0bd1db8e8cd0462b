// The board of stages: by pointer, by keys alone, without JavaScript, and with two admins who save at once.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { assertReachable, barriers, cutOff, person } from "./admin.mjs";
import { mirrored } from "./scene.mjs";

let scene;
let browser;
let fulcrum;
let path;

before(async () => {
  scene = await mirrored();
  ({ browser, fulcrum } = scene);
  path = `${scene.at}/stages`;
});

after(() => scene?.stop());

const atBoard = async (options) => {
  const admin = await person(browser, fulcrum, options);
  await admin.page.goto(path);
  if (options?.javaScriptEnabled !== false) await admin.page.locator("html.ready").waitFor();
  return admin;
};

const stageOf = (card) => card.getAttribute("data-stage");
const card = (page, stage) => page.locator(`[data-stage="${stage}"]`);
const unmapped = (page) => page.locator('[data-group="UNMAPPED"] [data-stage]');
const groupOf = (page, stage) => page.locator(`[data-group]:has([data-stage="${stage}"])`).getAttribute("data-group");
const groups = (page) =>
  page.locator("[data-group]").evaluateAll((all) => all.map((one) => one.dataset.group).filter((code) => code !== "UNMAPPED"));

const drag = async (page, stage, group) => {
  const from = await card(page, stage).locator(".grip").boundingBox();
  await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
  await page.mouse.down();
  await page.mouse.move(from.x + 40, from.y + 20, { steps: 3 });
  const head = page.locator(`[data-group="${group}"] h2`);
  // Clear of the bar with the buttons, which stays at the lower edge.
  await head.evaluate((one) => one.scrollIntoView({ block: "center" }));
  const to = await head.boundingBox();
  await page.mouse.move(to.x + 10, to.y + 5, { steps: 5 });
  await page.mouse.up();
};

const save = async (page) => {
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.getByRole("status").filter({ hasText: /saved/i }).first().waitFor();
};

const known = async (page) => {
  const all = await page.locator("[data-stage]").evaluateAll((cards) =>
    cards.map((one) => [one.dataset.stage, one.closest("[data-group]").dataset.group]),
  );
  return Object.fromEntries(all);
};

test("a card is dragged to a group, the effect is told before it is saved, and both are there again afterwards", async () => {
  const { page, context, complaints } = await atBoard();
  const [group] = await groups(page);
  const stage = await stageOf(unmapped(page).first());
  const asked = page.waitForResponse((answer) => answer.url().endsWith("/stages/effect"));
  await drag(page, stage, group);
  assert.equal(await groupOf(page, stage), group);
  assert.equal(await card(page, stage).locator("select").inputValue(), group);
  assert.equal((await asked).status(), 200);
  await page.locator("#effect:not(.stale)").waitFor();
  await card(page, stage).locator(".days input").fill("7");
  await save(page);
  await page.goto(path);
  assert.equal(await groupOf(page, stage), group);
  assert.equal(await card(page, stage).locator(".days input").inputValue(), "7");
  assert.deepEqual(complaints, []);
  await context.close();
});

test("several cards are selected, dragged together, and taken back together", async () => {
  const { page, context } = await atBoard();
  const group = (await groups(page)).at(1);
  const stages = [await stageOf(unmapped(page).nth(0)), await stageOf(unmapped(page).nth(1))];
  const before = await known(page);
  for (const stage of stages) await card(page, stage).locator(".grip").click({ modifiers: ["ControlOrMeta"] });
  await drag(page, stages[0], group);
  for (const stage of stages) assert.equal(await groupOf(page, stage), group);
  await page.getByRole("button", { name: "Undo" }).click();
  assert.deepEqual(await known(page), before);
  page.on("dialog", (dialog) => dialog.accept());
  await context.close();
});

test("with keys alone a card is picked up, moved, cancelled, dropped, taken back and saved", async () => {
  const { page, context } = await atBoard();
  const [group] = await groups(page);
  const stage = await stageOf(unmapped(page).first());
  const grip = card(page, stage).locator(".grip");
  const spoken = page.locator("#spoken");
  const press = (key) => page.keyboard.press(key);
  await grip.focus();
  await press("Enter");
  await spoken.filter({ hasText: /picked up/ }).waitFor({ state: "attached" });
  await press("ArrowRight");
  await press("Escape");
  assert.equal(await groupOf(page, stage), "UNMAPPED", "cancelled");
  for (const key of ["Enter", "ArrowRight", "Enter"]) await press(key);
  await spoken.filter({ hasText: /moved to/ }).waitFor({ state: "attached" });
  assert.equal(await groupOf(page, stage), group, "dropped");
  await press("Control+z");
  assert.equal(await groupOf(page, stage), "UNMAPPED", "taken back");
  await grip.focus();
  for (const key of [" ", "ArrowDown", " "]) await press(key);
  assert.equal(await groupOf(page, stage), group, "the space bar and the other arrows do as well");
  // To the button by the tabulator alone.
  for (let stops = 0; stops < 500; stops += 1) {
    await press("Tab");
    if (await page.evaluate(() => document.activeElement?.value === "save")) break;
  }
  await press("Enter");
  await page.getByRole("status").filter({ hasText: /saved/i }).first().waitFor();
  assert.equal(await groupOf(page, stage), group, "saved");
  await context.close();
});

test("all sure suggestions are taken at once, and taken back at once", async () => {
  const { page, context } = await atBoard();
  const accept = page.locator("#accept");
  const before = await known(page);
  const sure = await page.locator('[data-group="UNMAPPED"] [data-suggested]').evaluateAll((all) =>
    all.filter((one) => Number(one.dataset.confidence) >= 0.9).map((one) => [one.closest("[data-stage]").dataset.stage, one.dataset.suggested]),
  );
  assert.ok(sure.length > 0, "the account has stages with well-known names");
  await accept.click();
  const now = await known(page);
  for (const [stage, group] of sure) assert.equal(now[stage], group);
  await page.getByRole("button", { name: "Undo" }).click();
  assert.deepEqual(await known(page), before);
  await context.close();
});

test("without JavaScript a stage is placed by its list, previewed and saved", async () => {
  const { page, context } = await atBoard({ javaScriptEnabled: false });
  const group = (await groups(page)).at(-1);
  const stage = await stageOf(unmapped(page).first());
  const place = page.locator(`select[name="stage.${stage}"]`);
  await place.selectOption(group);
  await page.locator(".savebar").getByRole("button", { name: "Preview" }).click();
  assert.equal(await place.inputValue(), group, "what was filled in is still there");
  assert.equal(await groupOf(page, stage), group);
  await save(page);
  await page.goto(path);
  assert.equal(await groupOf(page, stage), group);
  await context.close();
});

test("of two admins who save, the second sees theirs beside hers, and overwrites or takes theirs", async () => {
  const [one, other] = [await atBoard(), await atBoard()];
  const days = (page) => page.locator("[data-group] .days input").first();
  await days(one.page).fill("11");
  await days(other.page).fill("12");
  await save(one.page);
  const saveOther = other.page.getByRole("button", { name: "Save", exact: true });
  await saveOther.click();
  const table = other.page.locator("table.compare");
  await table.waitFor();
  const row = table.getByRole("row").filter({ hasText: "11" }).filter({ hasText: "12" });
  assert.equal(await row.count(), 1, "theirs and mine side by side");
  await row.getByText("both").waitFor();
  await other.page.getByRole("button", { name: /overwrite/i }).click();
  await other.page.getByRole("status").filter({ hasText: /saved/i }).first().waitFor();
  await one.page.goto(path);
  assert.equal(await days(one.page).inputValue(), "12");

  await days(one.page).fill("13");
  await days(other.page).fill("14");
  await save(one.page);
  await saveOther.click();
  await table.waitFor();
  await other.page.getByRole("link", { name: /reload/i }).click();
  await other.page.locator("html.ready").waitFor();
  assert.equal(await days(other.page).inputValue(), "13");
  await one.context.close();
  await other.context.close();
});

// Controls that have the focus and are behind the bar all the same.
const behindTheBar = (page) =>
  page.locator("#mapping :is(select, input, summary, textarea):visible").evaluateAll((all) => {
    const bar = document.querySelector(".savebar");
    return all.filter((one) => {
      one.focus();
      return !bar.contains(one) && one.getBoundingClientRect().bottom > bar.getBoundingClientRect().top;
    }).map((one) => one.name ?? one.textContent);
  });

// Scrolls the page so that the bar half covers a control, which looks out above it, or below it at the edge of the window.
const halfCovered = (control, above) =>
  control.evaluate((one, above) => {
    const button = document.querySelector(".savebar button").getBoundingClientRect();
    const { top, bottom } = one.getBoundingClientRect();
    scrollBy({ top: above ? top - (button.top - 20) : bottom - (innerHeight + 2), behavior: "instant" });
  }, above);

test("the bar with the buttons leaves every control large enough to be hit, and hides none that has the focus", async () => {
  const size = { type: "rule", values: ["target-size"] };
  for (const viewport of [{ width: 1280, height: 800 }, { width: 1000, height: 700 }]) {
    const admin = await atBoard({ viewport });
    const { page } = admin;
    const group = page.locator(".board > .group:not(.unmapped)").first();
    await halfCovered(group.locator("summary"), true);
    assert.deepEqual(await barriers(page, size), [], `above the bar, ${viewport.width} px wide`);
    await halfCovered(group.locator("> .days input"), false);
    assert.deepEqual(await barriers(page, size), [], `below the bar, ${viewport.width} px wide`);
    assert.deepEqual(await behindTheBar(page), [], `${viewport.width} px wide`);
    // The bar is in sight, so that nothing moves below whoever goes through it.
    await page.evaluate(() => scrollTo(0, 0));
    await page.getByRole("button", { name: "Save", exact: true }).focus();
    for (let step = 0; step < 3; step += 1) await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => scrollY), 0, "the page stays where it is");
    await admin.context.close();
  }
});

test("on a usual screen no list cuts off its choices, and the fields of a new group stand in one line", async () => {
  const admin = await atBoard();
  const { page } = admin;
  assert.deepEqual(await cutOff(page), []);
  const inOneLine = page.locator(".panel > .row").first().locator("input, select, button");
  const edges = await inOneLine.evaluateAll((all) =>
    all.map((one) => {
      const { top, bottom } = one.getBoundingClientRect();
      return `${top} to ${bottom}`;
    }),
  );
  assert.equal(edges.length, 4);
  assert.deepEqual([...new Set(edges)], [edges[0]]);
  await admin.context.close();
});
