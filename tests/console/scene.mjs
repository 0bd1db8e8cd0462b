// What most stories begin with: a browser, a Lever, and a service that has mirrored it.

import { connect, openBrowser, person, synced } from "./admin.mjs";
import { startFulcrum, startLever } from "./programs.mjs";

/**
 * Starts all three and mirrors the account: `at` is the address of its pages. `key` is made known to Lever and used in
 * place of its own; `http` is where the service listens. `stop` ends whatever is in the scene by then.
 */
export const mirrored = async ({ opportunities, key, http } = {}) => {
  const scene = {};
  scene.stop = () => Promise.all([scene.browser?.close(), scene.fulcrum?.stop(), scene.lever?.stop()]);
  const keep = (name, start) => start.then((started) => (scene[name] = started));
  try {
    await Promise.all([
      keep("browser", openBrowser()),
      keep("lever", startLever(opportunities)),
      keep("fulcrum", startFulcrum({}, { http })),
    ]);
    if (key) await scene.lever.control("keys", { secret: key, confidential: true });
    const { page, context } = await person(scene.browser, scene.fulcrum);
    scene.connection = await connect(page, scene.lever, { key: key ?? scene.lever.key });
    await synced(page, scene.connection);
    await context.close();
    scene.at = `/console/connections/${scene.connection}`;
    return scene;
  } catch (error) {
    await scene.stop();
    throw error;
  }
};
