// Starts what the browser talks to: the simulator and the service, each on a free port.

import { execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { promisify } from "node:util";

const BINARY = process.env.FULCRUM_BINARY;
if (!BINARY) throw new Error("FULCRUM_BINARY names no program: start the tests by tests/console/run.sh");

// A debug build on a busy machine opens its store within seconds.
const STARTS_WITHIN_MS = 60_000;

// Reads lines until one of them tells what is waited for, and goes on reading so that the program never waits for us.
const told = (process, stream, understand) =>
  new Promise((resolve, reject) => {
    const heard = [];
    const fail = (why) => reject(new Error(`${why}:\n${heard.join("\n")}`));
    const late = setTimeout(() => fail("it did not start in time"), STARTS_WITHIN_MS);
    process.once("exit", (code) => fail(`it ended with ${code}`));
    createInterface({ input: stream }).on("line", (line) => {
      heard.push(line);
      const value = understand(line);
      if (value === undefined) return;
      clearTimeout(late);
      resolve(value);
    });
  });

const end = async (process, signal = "SIGTERM") => {
  if (process.exitCode !== null || process.signalCode !== null) return;
  process.kill(signal);
  await once(process, "exit");
};

/** A Lever with a made-up account: its base URL, its key, and its control calls. */
export const startLever = async (opportunities = 60) => {
  const asked = ["sim", "--listen", "127.0.0.1:0", "--no-rate-limit", "--opportunities", String(opportunities)];
  const child = spawn(BINARY, asked, { stdio: ["ignore", "pipe", "inherit"] });
  const found = {};
  const lever = await told(child, child.stdout, (line) => {
    const [, name, value] = line.match(/^(base URL|key) +(\S+)$/) ?? [];
    if (name) found[name] = value;
    return found["base URL"] && found.key ? { baseUrl: found["base URL"], key: found.key } : undefined;
  });
  const control = async (path, body) => {
    const url = new URL(`/sim/${path}`, lever.baseUrl);
    const answer = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return answer.status === 204 ? undefined : answer.json();
  };
  return { ...lever, control, stop: () => end(child) };
};

/** An address with a port that is free just now, for what has to be known before the service runs, or after it was killed. */
export const freeAddress = () =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(`127.0.0.1:${port}`));
    });
  });

/** The service with an empty data directory, or that of one that was killed: where its console and its gRPC are. */
export const startFulcrum = async (settings = {}, { http = "127.0.0.1:0", home: killed } = {}) => {
  const home = killed ?? (await mkdtemp(join(tmpdir(), "fulcrum-console-")));
  const asked = ["serve", "--data", join(home, "data"), "--listen", "127.0.0.1:0", "--http-listen", http];
  const child = spawn(BINARY, asked, {
    stdio: ["ignore", "ignore", "pipe"],
    env: {
      ...process.env,
      FULCRUM__LOG__FORMAT: "json",
      // The simulator is not one of Lever's regions.
      FULCRUM__LEVER__ALLOW_BASE_URL: "true",
      FULCRUM__LEVER__REQUESTS_PER_SECOND: "1000",
      FULCRUM__LEVER__BURST: "1000",
      FULCRUM__PULL__OPPORTUNITIES_INTERVAL: "1s",
      ...settings,
    },
  });
  const serving = await told(child, child.stderr, (line) => {
    if (!line.includes('"serving"')) return undefined;
    return JSON.parse(line);
  });
  return {
    origin: `http://${serving.http}`,
    grpc: serving.grpc,
    home,
    kill: () => end(child, "SIGKILL"),
    stop: async () => {
      await end(child);
      await rm(home, { recursive: true, force: true });
    },
  };
};

/** What a command of the program answers in JSON, asked of a service as the product would. */
export const ask = async (fulcrum, ...command) => {
  const env = { ...process.env, FULCRUM_SERVER: `http://${fulcrum.grpc}` };
  const { stdout } = await promisify(execFile)(BINARY, [...command, "--json"], { env });
  return JSON.parse(stdout);
};
