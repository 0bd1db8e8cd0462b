// What holds for every page: nobody is kept out of it, it is light, it asks nobody else, and it fits a phone.

import { after, before, test } from "node:test";
import assert from "node:assert/strict";

import { assertReachable, barriers, connect, connectPaused, openBrowser, person, synced, testKey, weight } from "./admin.mjs";
import { ask, startFulcrum, startLever } from "./programs.mjs";

const OF_A_CONNECTION = [
  "", "/applicants", "/applicants/sla", "/duplicates", "/find", "/issues", "/permissions", "/stages", "/stages/versions", "/stages/versions/0",
  "/fields", "/fields/versions", "/fields/versions/0",
  "/sync", "/sync/streams/opportunities", "/sync/quarantine", "/operations", "/calls", "/users", "/inbound", "/export", "/privacy", "/settings", "/settings/disconnect",
];
// Of an account without people, the pages that say so.
const OF_JOBS_ALONE = [
  "", "/applicants", "/duplicates", "/find", "/permissions", "/stages", "/fields", "/sync", "/users", "/inbound", "/export", "/settings",
];
// Applicants, streams and runs, writes, calls and users.
const AS_CARDS = /\/(connections\/[^/]+|applicants|sla|sync|operations|calls|users)$/;
// Over the wire, assets included.
const MOST_BYTES = 100_000;
// Wider than a phone, and with nothing to break it at: accounts, stages, people and tokens can be called so.
const LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft";

let browser;
let lever;
let fulcrum;
let paths;
let guestPaths;
let timed;

before(async () => {
  [browser, lever, fulcrum] = await Promise.all([openBrowser(), startLever(), startFulcrum()]);
  const admin = await person(browser, fulcrum);
  await lever.control("act", { do: "rename_stage", stage: "applicant-new", text: LONG });
  await lever.control("act", { do: "apply", applicant: { name: LONG } });
  const connection = await connect(admin.page, lever, { name: LONG });
  await testKey(admin.page);
  await synced(admin.page, connection);
  const failed = await failedWrite(connection);
  const setup = await connectPaused(admin.page, lever);
  await testKey(admin.page);
  const jobs = await jobsAlone(admin.page, lever);
  const link = await guestLink(admin.page, lever);
  await admin.context.close();
  const at = (path) => `/console/connections/${connection}${path}`;
  const steps = ["test", "scopes", "history", "acting", "start"].map((step) => `${setup}/${step}`);
  const ofWrite = [at(`/operations/${failed}`), at(`/operations/${failed}/edit`)];
  const ofJobs = OF_JOBS_ALONE.map((path) => `${jobs}${path}`);
  paths = [
    "/console", "/console/connect", "/console/connect?only=jobs", "/console/links", "/console/sign-in",
    ...OF_A_CONNECTION.map(at), ...ofWrite, ...steps, ...ofJobs,
  ];
  timed = ["", "/sync", "/operations", "/calls", "/stages/versions"].map(at);
  guestPaths = [link, "/connect/callback"];
});

/** The id of a write that Lever did not take. */
const failedWrite = async (connection) => {
  const { applicants } = await ask(fulcrum, "inbound", connection);
  await lever.control("keys", { secret: lever.key, without: ["create an opportunity note"], confidential: true });
  const refused = await ask(fulcrum, "write", "note", applicants[0].opportunityId, LONG, "-c", connection).catch((failure) => failure);
  await lever.control("keys", { secret: lever.key, confidential: true });
  return JSON.parse(refused.stdout).id;
};

/** The path of an account whose key reads postings alone, once these are here. */
const jobsAlone = async (page, lever) => {
  const only = ["find all postings", "find a posting", "find a posting application question form"];
  const setup = await connectPaused(page, lever, { name: "Roles", only, form: "?only=jobs" });
  await testKey(page);
  await page.getByText("Nothing that is needed is missing").waitFor();
  await page.goto(`${setup}/start`);
  await page.getByRole("button", { name: "Start the first import" }).click();
  await page.getByText("Jobs alone are mirrored").waitFor();
  return setup.replace(/\/setup$/, "");
};

/** The path of a link for another account, as the page that made it tells this once. */
const guestLink = async (page, lever) => {
  await page.goto("/console/links");
  await page.locator("[name=display_name]").fill("Initech");
  await page.locator("[name=region]").selectOption("other");
  await page.locator("[name=base_url]").fill(lever.baseUrl);
  await page.getByRole("button", { name: "Make a link" }).first().click();
  const address = await page.getByLabel("Address", { exact: true }).inputValue();
  return address.slice(address.indexOf("/connect/"));
};

after(async () => {
  await Promise.all([browser?.close(), fulcrum?.stop(), lever?.stop()]);
});

// What is wrong with any page, page by page, so that one run tells all of it.
const everyPage = async (options, faults) => {
  const admin = await person(browser, fulcrum, options);
  const found = {};
  for (const path of paths) {
    await admin.page.goto(path);
    const wrong = await faults(admin.page);
    if (wrong.length > 0) found[path] = wrong;
  }
  assert.deepEqual(found, {});
  assert.deepEqual(admin.complaints, []);
  await admin.context.close();
};

test("axe finds nothing on the page behind a connect link, also on a phone, and it asks nobody else", async () => {
  for (const options of [{}, { colorScheme: "dark" }, { viewport: { width: 360, height: 740 }, isMobile: true }]) {
    const guest = await person(browser, fulcrum, options);
    for (const path of guestPaths) {
      await guest.page.goto(path);
      await assertReachable(guest.page, "a page for guests");
      const wide = await guest.page.evaluate(
        () => document.documentElement.scrollWidth - document.documentElement.clientWidth,
      );
      assert.ok(wide <= 0, `a page for guests is ${wide} px too wide`);
    }
    assert.deepEqual(
      guest.complaints.filter((complaint) => !complaint.includes("403")),
      [],
    );
    await guest.context.close();
  }
});

for (const colorScheme of ["light", "dark"]) {
  test(`axe finds nothing on any page, ${colorScheme}`, () => everyPage({ colorScheme }, barriers));
}

const overflow = (page) =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement;
    return scrollWidth > clientWidth ? [`is ${scrollWidth} px wide on a screen of ${clientWidth}`] : [];
  });

// Tables that are scrolled sideways are hard to read on a phone: those are cards there that people look at every day.
const sideways = (page) =>
  page.locator(".scroll").evaluateAll((all) =>
    all.filter((one) => one.scrollWidth > one.clientWidth).map((one) => `${one.getAttribute("aria-label")} is scrolled sideways`),
  );

test("on a phone axe finds nothing, no page is wider than the screen, and tables are cards", () =>
  everyPage({ viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true }, async (page) => {
    // A bar that stays in sight half covers something wherever a page is, but at its end, where the bar has its place.
    await page.evaluate(() => window.scrollTo(0, document.documentElement.scrollHeight));
    return [
      ...(await barriers(page)),
      ...(await overflow(page)),
      ...(AS_CARDS.test(page.url()) ? await sideways(page) : []),
    ];
  }));

test("on a phone the board can be saved from wherever it is", async () => {
  const admin = await person(browser, fulcrum, { viewport: { width: 360, height: 740 }, isMobile: true, hasTouch: true });
  const { page } = admin;
  await page.goto(paths.find((path) => path.endsWith("/stages")));
  const save = page.getByRole("button", { name: "Save", exact: true });
  for (const share of [0, 0.4, 0.8]) {
    await page.evaluate((share) => window.scrollTo(0, share * document.querySelector("#mapping").scrollHeight), share);
    const box = await save.boundingBox();
    assert.ok(box.y > 0 && box.y + box.height <= 740, `at ${share} of the board Save is at ${box.y}`);
  }
  await admin.context.close();
});

test("every page is at most 100 kB over the wire, assets included", async () => {
  const admin = await person(browser, fulcrum);
  for (const path of paths) {
    const bytes = await weight(admin.page, path);
    assert.ok(bytes > 0 && bytes <= MOST_BYTES, `${path} takes ${bytes} bytes`);
  }
  await admin.context.close();
});

test("every page begins with a way past its menu", async () => {
  const admin = await person(browser, fulcrum);
  for (const path of paths) {
    await admin.page.goto(path);
    await admin.page.keyboard.press("Tab");
    const focused = await admin.page.evaluate(() => document.activeElement?.getAttribute("href"));
    assert.match(focused ?? "", /^#/, `${path}: the first stop leads into the page`);
  }
  await admin.context.close();
});

// What each time on a page says, and what it tells on hover.
const times = (page) =>
  page.locator("time").evaluateAll((all) => all.map((time) => [time.textContent, time.title, time.getAttribute("datetime")]));

test("times are in the zone of the viewer, in UTC without scripts, and exact on hover", async () => {
  for (const [options, zone] of [
    [{ timezoneId: "Asia/Tokyo" }, /GMT\+9$/],
    [{ timezoneId: "Asia/Tokyo", javaScriptEnabled: false }, / UTC$/],
  ]) {
    const admin = await person(browser, fulcrum, options);
    for (const path of timed) {
      await admin.page.goto(path);
      const found = await times(admin.page);
      assert.ok(found.length > 0, `${path} tells times`);
      for (const [text, title, exact] of found) {
        assert.match(text, zone, path);
        assert.match(title, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, path);
        assert.equal(title, exact, path);
      }
    }
    await admin.context.close();
  }
});

// Tables with less than 8 px between them and the box below.
const touching = (page) =>
  page.locator("main .scroll + :is(.panel, details, section)").evaluateAll((all) =>
    all.filter((one) => one.getBoundingClientRect().top - one.previousElementSibling.getBoundingClientRect().bottom < 8)
      .map((one) => `${one.previousElementSibling.getAttribute("aria-label")} touches what is below it`),
  );

test("no table touches the box below it", () => everyPage({}, touching));

// Elements that HTML does not have: a browser shows their text in one line, whatever they were meant to be.
const unknown = (page) =>
  page.locator("body *").evaluateAll((all) => all.filter((one) => one instanceof HTMLUnknownElement).map((one) => one.localName));

test("without scripts every page has its heading, and nothing that waits for one", async () => {
  const admin = await person(browser, fulcrum, { javaScriptEnabled: false });
  for (const path of paths) {
    const answer = await admin.page.goto(path);
    assert.ok(answer.status() < 400, `${path}: ${answer.status()}`);
    assert.equal(await admin.page.getByRole("heading", { level: 1 }).count(), 1, path);
    const idle = await admin.page.locator("form:not([method=post]):not([method=get])").count();
    assert.equal(idle, 0, `${path} has a form that sends nothing`);
    const odd = await unknown(admin.page);
    assert.deepEqual(odd, [], `${path} has elements that no browser knows`);
  }
  await admin.context.close();
});
