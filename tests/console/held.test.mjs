// A write that is held: whom it is about and what it does, and what sending or cancelling it comes to (X4).

import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { barriers, person } from "./admin.mjs";
import { ask } from "./programs.mjs";
import { mirrored } from "./scene.mjs";

let scene;
let browser;
let fulcrum;
let at;
let applicants;
let reason;
const held = [];

before(async () => {
  scene = await mirrored();
  ({ browser, fulcrum, at } = scene);
  ({ applicants } = await ask(fulcrum, "inbound"));
  const reasons = await ask(fulcrum, "call", "listArchiveReasons");
  reason = reasons.data.find((one) => one.type === "non-hired" && one.status === "active");
  for (const applicant of applicants.slice(0, 3)) {
    const one = await ask(fulcrum, "write", "archive", applicant.opportunityId, reason.id, "--hold", "2h");
    assert.equal(one.state, "OPERATION_STATE_HELD");
    held.push(one);
  }
});

after(() => scene?.stop());

const heldOf = async (page, name) => {
  await page.goto(`${at}/operations?show=held`);
  const row = page.getByRole("row").filter({ hasText: name });
  await row.getByRole("link", { name: "Send now" }).click();
  await page.getByRole("heading", { name: "Send now" }).waitFor();
};

test("what is held says what cancelling does to whom, and does it", async () => {
  const { page, context, complaints } = await person(browser, fulcrum);
  const { name, stageText } = applicants[0];
  await heldOf(page, name);
  assert.deepEqual(await barriers(page), []);
  await page.getByText(`for ${name}, who is in “${stageText}”.`).waitFor();
  await page.getByText(`for ${name}, who stays in “${stageText}”.`).waitFor();
  // Without the tick the browser itself does not send it.
  await page.getByRole("button", { name: "Send now" }).click();
  await page.locator("[name=sure]:invalid").waitFor();
  await page.getByText("unless it is cancelled before").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("status").getByText("Cancelled. Lever is not told").waitFor();
  await page.getByText("cancelled", { exact: true }).waitFor();
  await page.getByRole("link", { name: "all of this person" }).click();
  await page.getByText(`about ${name}`).waitFor();
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("the list of writes follows what is written, and leaves alone what is ticked", async () => {
  const { page, context, complaints } = await person(browser, fulcrum);
  const { name } = applicants[3];
  await page.goto(`${at}/operations`);
  const row = page.getByRole("row").filter({ hasText: name });
  assert.equal(await row.count(), 0);
  const { id } = await ask(fulcrum, "write", "archive", applicants[3].opportunityId, reason.id, "--hold", "2h");
  await row.getByText("held").first().waitFor();
  await page.goto(`${at}/operations?show=held`);
  const box = row.getByRole("checkbox");
  await box.check();
  // Whoever moves on to something else still has what was ticked.
  await page.getByRole("link", { name: "All connections" }).focus();
  await ask(fulcrum, "write", "archive", applicants[4].opportunityId, reason.id, "--hold", "2h");
  await page.waitForResponse((answer) => answer.url().endsWith("?show=held"));
  assert.ok(await box.isChecked());
  await box.uncheck();
  await page.getByRole("link", { name: "All connections" }).focus();
  await page.getByRole("row").filter({ hasText: applicants[4].name }).first().waitFor();
  await ask(fulcrum, "op", "cancel", id);
  await row.waitFor({ state: "detached" });
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("the page of a write follows what others do about it", async () => {
  const { page, context, complaints } = await person(browser, fulcrum);
  const { name, postingText } = applicants[2];
  await heldOf(page, name);
  await page.getByText(`for ${postingText}`).first().waitFor();
  const { id } = held.at(-1);
  await ask(fulcrum, "op", "release", id);
  await page.getByText("succeeded", { exact: true }).waitFor();
  await page.getByRole("status").getByText("This write: succeeded").waitFor();
  await page.getByText(/^PUT \/opportunities\/.+\/archived$/).waitFor();
  assert.equal(await page.getByRole("button", { name: "Cancel" }).count(), 0);
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("what is held is sent after a tick, without JavaScript too", async () => {
  const { page, context } = await person(browser, fulcrum, { javaScriptEnabled: false });
  const { name } = applicants[1];
  await heldOf(page, name);
  await page.getByLabel("I want that to happen now").check();
  await page.getByRole("button", { name: "Send now" }).click();
  await page.getByRole("status").getByText("Released. Lever is told at once").waitFor();
  while (!(await page.getByText("succeeded", { exact: true }).count())) await page.reload();
  await page.getByText(/^PUT \/opportunities\/.+\/archived$/).waitFor();
  await context.close();
});
