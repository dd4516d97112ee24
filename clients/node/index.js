// Starts or connects to the emulator of runs-conformance, and scripts it by its control routes.

import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { ACTS, FAULTS } from "./words.js";

const CALL_TIMEOUT_MS = 30_000;
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 5_000;
const SHOWN_OUTPUT = 2_000;

/** An error of the emulator or of its control routes. */
export class EmulatorError extends Error {
  name = "EmulatorError";
}

/** A running emulator. The methods named after the words of a scenario script its next runs and requests. */
export class Emulator {
  #origin;
  #token;
  #key;
  #child;

  constructor(origin, { apiKey = "sk-emulator", token, key, child } = {}) {
    this.#origin = origin;
    this.#token = token;
    this.#key = key;
    this.#child = child;
    this.apiKey = apiKey;
  }

  get baseURL() {
    return `${this.#origin}/v1`;
  }

  get controlURL() {
    return `${this.#origin}/_emulator`;
  }

  session(apiKey) {
    return new Emulator(this.#origin, { apiKey, token: this.#token, key: apiKey });
  }

  async apply(scenario) {
    await this.#call("POST", "/scenario", scenario);
  }

  async script(...turns) {
    await this.#call("POST", "/script", turns);
  }

  async faults(...faults) {
    await this.#call("POST", "/faults", faults);
  }

  async advance(seconds) {
    await this.#call("POST", "/clock", { advance: seconds });
  }

  async reset() {
    await this.#call("POST", "/reset");
  }

  requests() {
    return this.#call("GET", "/requests");
  }

  state() {
    return this.#call("GET", "/state");
  }

  unused() {
    return this.#call("GET", "/unused");
  }

  async assertUsed() {
    const unused = await this.unused();
    if (unused.length > 0) {
      throw new EmulatorError(`the script or faults were never used: ${JSON.stringify(unused)}`);
    }
  }

  async stop() {
    if (this.#child) await stopProcess(this.#child);
  }

  async #call(method, path, body) {
    const url = new URL(this.controlURL + path);
    if (this.#key !== undefined) url.searchParams.set("key", this.#key);
    const headers = { "content-type": "application/json" };
    if (this.#token !== undefined) headers.authorization = `Bearer ${this.#token}`;
    let response, text;
    try {
      response = await fetch(url, {
        method,
        headers,
        body: body === undefined ? undefined : JSON.stringify(body),
        redirect: "error",
        signal: AbortSignal.timeout(CALL_TIMEOUT_MS),
      });
      text = await response.text();
    } catch (error) {
      const reason = error.cause?.code ?? error.cause?.message ?? error.message;
      throw new EmulatorError(`no response from the emulator at ${this.#origin}: ${reason}`);
    }
    let document;
    try {
      document = JSON.parse(text);
    } catch {
      throw new EmulatorError(`${this.controlURL} does not respond like an emulator (HTTP ${response.status})`);
    }
    if (!response.ok) {
      const error = document?.error;
      throw new EmulatorError(typeof error === "string" ? error : `${method} ${path} got HTTP ${response.status}`);
    }
    return document;
  }
}

for (const [words, add] of [
  [ACTS, "script"],
  [FAULTS, "faults"],
]) {
  for (const word of words) {
    const name = word.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
    Emulator.prototype[name] = function (args = {}) {
      return this[add]({ [word]: args });
    };
  }
}

/** Starts `runs-conformance serve` on a free port; it stops with `stop()` or with this process. */
export async function startEmulator(options = {}) {
  const { command = defaultCommand(), apiKey, keys, env, timeoutMs = START_TIMEOUT_MS, ...rest } = options;
  const [program, ...leading] = command;
  const child = spawn(program, [...leading, "serve", "--port", "0", "--json", "--watch-stdin", ...flags(rest)], {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...env, ...(keys && { RUNS_EMULATOR_KEYS: keys.join(",") }) },
  });
  child.stdin.on("error", () => {});
  const urls = await readUrls(child, program, timeoutMs);
  // Neither the process nor its pipes keep a finished test runner alive.
  for (const handle of [child, child.stdin, child.stdout, child.stderr]) handle.unref();
  const token = env?.RUNS_EMULATOR_CONTROL_TOKEN ?? process.env.RUNS_EMULATOR_CONTROL_TOKEN;
  return new Emulator(new URL(urls.url).origin, { apiKey: apiKey ?? keys?.[0], token: token || undefined, child });
}

/** Connects to a running emulator by its origin or base URL. */
export async function connectEmulator(url, { apiKey, token, key } = {}) {
  const emulator = new Emulator(new URL(url).origin, { apiKey: apiKey ?? key, token, key });
  await emulator.state();
  return emulator;
}

function defaultCommand() {
  const given = process.env.RUNS_CONFORMANCE_COMMAND;
  if (!given) return ["runs-conformance"];
  return given.startsWith("[") ? JSON.parse(given) : given.split(" ").filter(Boolean);
}

const FLAGS = {
  scenario: "--scenario",
  stepMs: "--step-ms",
  expiresS: "--expires-s",
  edition: "--edition",
  failingModel: "--failing-model",
  mutants: "--mutant",
  variants: "--variant",
  checkFiles: "--check-files",
  maxObjects: "--max-objects",
  store: "--store",
  log: "--log",
};

function flags(options) {
  const result = [];
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(FLAGS, name)) {
      throw new EmulatorError(`there is no option ${name}; there are ${Object.keys(FLAGS).join(", ")}`);
    }
    if (value === undefined || value === false) continue;
    if (value === true) result.push(FLAGS[name]);
    else for (const one of Array.isArray(value) ? value : [value]) result.push(`${FLAGS[name]}=${one}`);
  }
  return result;
}

function readUrls(child, program, timeoutMs) {
  return new Promise((resolve, reject) => {
    let output = "";
    child.stderr.on("data", (data) => {
      output = (output + data).slice(-SHOWN_OUTPUT);
    });
    const fail = (reason) => {
      clearTimeout(timer);
      child.kill();
      reject(new EmulatorError(output.trim() ? `${reason}: ${output.trim()}` : reason));
    };
    const timer = setTimeout(() => fail(`${program} did not start in ${timeoutMs} ms`), timeoutMs);
    child.once("error", (error) => fail(`cannot run ${program} (${error.code ?? error.message})`));
    child.once("close", (code) => fail(`${program} ended with ${code}`));
    const lines = createInterface({ input: child.stdout });
    lines.once("line", (line) => {
      lines.close();
      child.stdout.resume();
      try {
        const urls = JSON.parse(line);
        clearTimeout(timer);
        child.removeAllListeners("close");
        resolve(urls);
      } catch {
        fail(`${program} printed no URLs but ${JSON.stringify(line.slice(0, SHOWN_OUTPUT))}`);
      }
    });
  });
}

function stopProcess(child) {
  return new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) {
      resolve();
      return;
    }
    const timer = setTimeout(() => child.kill("SIGKILL"), STOP_TIMEOUT_MS);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    child.ref();
    child.kill("SIGTERM");
    child.stdin.end();
  });
}
