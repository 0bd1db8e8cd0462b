// How long the page of a connection takes to show what was committed: `tests/console/run.sh live`. Figures, no test.
//
// One person after the other applies in Lever and is read by a form of another page, whose answer comes once the record
// is in the mirror. From that answer until the number of people has changed on the overview is what is told.

import { connect, openBrowser, person, synced } from "./admin.mjs";
import { startFulcrum, startLever } from "./programs.mjs";

const ROUNDS = 20;
const OPPORTUNITIES = "#streams tr:has(td:text-is('Opportunities')) [data-label=Records]";

const [browser, lever, fulcrum] = await Promise.all([
  openBrowser(),
  startLever(),
  // Nothing comes by itself.
  startFulcrum({ FULCRUM__PULL__OPPORTUNITIES_INTERVAL: "1h", FULCRUM__PULL__INBOUND_INTERVAL: "1h" }),
]);
try {
  const { page, context } = await person(browser, fulcrum);
  const connection = await connect(page, lever);
  await synced(page, connection);
  const other = await context.newPage();
  const took = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { id } = await lever.control("act", { do: "apply", applicant: { name: `Newcomer ${round}` } });
    await other.goto(`/console/connections/${connection}/sync`);
    await other.getByLabel("Lever's id of the opportunity").fill(id);
    const records = page.locator(OPPORTUNITIES);
    const before = await records.innerText();
    const shown = page
      .waitForFunction((before) => {
        const rows = [...document.querySelectorAll("#streams tr")];
        const row = rows.find((one) => one.cells[0]?.textContent === "Opportunities");
        return row?.querySelector("[data-label=Records]").textContent !== before && Date.now();
      }, before, { polling: 5 })
      .then((handle) => handle.jsonValue());
    const answered = other.waitForResponse((answer) => answer.request().method() === "POST").then(() => Date.now());
    await other.getByRole("button", { name: "Read now" }).click();
    took.push((await shown) - (await answered));
  }
  took.sort((one, next) => one - next);
  const at = (share) => took[Math.min(took.length - 1, Math.floor(share * took.length))];
  console.log(`${ROUNDS} records: median ${at(0.5)} ms, nine of ten within ${at(0.9)} ms, the slowest ${took.at(-1)} ms`);
} finally {
  await Promise.all([browser.close(), fulcrum.stop(), lever.stop()]);
}
