// Pictures of the main pages, light and dark: `just screenshots`. They are of the simulator's made-up people.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { connect, openBrowser, person, synced, testKey } from "./admin.mjs";
import { startFulcrum, startLever } from "./programs.mjs";

const PAGES = {
  overview: "",
  stages: "/stages",
  fields: "/fields",
  applicants: "/applicants",
};

const folder = process.argv[2];
await mkdir(folder, { recursive: true });
const [browser, lever, fulcrum] = await Promise.all([openBrowser(), startLever(150), startFulcrum()]);
try {
  const admin = await person(browser, fulcrum);
  const connection = await connect(admin.page, lever);
  await testKey(admin.page);
  await synced(admin.page, connection);
  for (const colorScheme of ["light", "dark"]) {
    const { page, context } = await person(browser, fulcrum, { colorScheme, deviceScaleFactor: 1 });
    for (const [name, path] of Object.entries(PAGES)) {
      const answer = await page.goto(`/console/connections/${connection}${path}`);
      if (!answer.ok()) throw new Error(`${path}: ${answer.status()}`);
      await page.screenshot({ path: join(folder, `${name}-${colorScheme}.png`) });
    }
    await context.close();
  }
} finally {
  await Promise.all([browser.close(), fulcrum.stop(), lever.stop()]);
}
