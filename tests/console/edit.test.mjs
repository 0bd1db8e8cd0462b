// A write that failed: it is changed, and sent in its place (product.md, screen 12).

import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { barriers, person } from "./admin.mjs";
import { ask } from "./programs.mjs";
import { mirrored } from "./scene.mjs";

const KEY = "made-for-this-story";

let scene;
let browser;
let fulcrum;
let at;

before(async () => {
  scene = await mirrored({ key: KEY });
  ({ browser, fulcrum, at } = scene);
  const { lever } = scene;
  const { applicants } = await ask(fulcrum, "inbound");
  const opportunities = applicants.map((one) => one.opportunityId);
  await lever.control("keys", { secret: KEY, without: ["create an opportunity note", "add opportunity tags"], confidential: true });
  await fails("note", opportunities[0], "Met her at the fare");
  await fails("tag", "add", opportunities[1], "Summer fair", "Callback");
  await lever.control("keys", { secret: KEY, confidential: true });
});

after(() => scene?.stop());

// The program tells by its exit, too, that a write failed.
const fails = async (...write) => {
  await assert.rejects(ask(fulcrum, "write", ...write), ({ stdout }) => JSON.parse(stdout).state === "OPERATION_STATE_FAILED");
};

const failed = async (page) => {
  await page.goto(`${at}/operations?show=failed`);
};

const done = async (page) => {
  while (!(await page.getByText("succeeded", { exact: true }).count())) await page.reload();
};

test("by keys alone a note is put right and sent, and the write before leads to it", async () => {
  const { page, context, complaints } = await person(browser, fulcrum);
  await failed(page);
  const row = page.getByRole("row").filter({ hasText: "Write a note" });
  await row.getByRole("link", { name: "Edit" }).focus();
  await page.keyboard.press("Enter");
  const text = page.getByLabel("Text of the note");
  await text.waitFor();
  assert.equal(await text.inputValue(), "Met her at the fare");
  assert.deepEqual(await barriers(page), []);
  await text.focus();
  await page.keyboard.press("Control+A");
  await page.keyboard.type("Met her at the fair");
  // Score, two boxes, and the button.
  for (let step = 0; step < 4; step += 1) await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("status").getByText("This is the new write.").waitFor();
  await done(page);
  await page.getByRole("link", { name: "the write that failed" }).click();
  await page.getByText("was sent in its place").waitFor();
  assert.deepEqual(await barriers(page), []);
  assert.deepEqual(complaints, []);
  await context.close();
});

test("on a phone without JavaScript tags are changed and sent", async () => {
  const { page, context } = await person(browser, fulcrum, {
    javaScriptEnabled: false,
    viewport: { width: 360, height: 740 },
    isMobile: true,
  });
  await failed(page);
  await page.getByRole("row").filter({ hasText: "Add the tags" }).getByRole("link", { name: "Edit" }).click();
  await page.getByLabel("Tags").fill("Summer fair\nCall back");
  await page.getByRole("button", { name: "Send as a new write" }).click();
  await page.getByRole("status").getByText("This is the new write.").waitFor();
  await page.getByRole("heading", { name: "Add the tags Summer fair, Call back" }).waitFor();
  await done(page);
  await context.close();
});
