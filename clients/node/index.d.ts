import type { Act, Fault, Operation, WordMethods } from "./words.js";

export type * from "./words.js";

/** What one run does: an act, or several in order. */
export type Turn = Act | Act[];

/** The content of a scenario file. */
export interface Scenario {
  script?: Turn[];
  faults?: Fault[];
  /** Seconds by which the clock moves ahead. */
  advance?: number;
}

/** A request that the emulator received, without its credentials. */
export interface ReceivedRequest {
  method: string;
  path: string;
  query: string;
  operation: Operation | null;
  headers: Record<string, string>;
  body: unknown;
}

/** The time, the pending script and faults, and the number of stored objects. */
export interface State {
  now: number;
  script: Turn[];
  faults: object[];
  objects: { assistants: number; threads: number; messages: number; runs: number; files: number; vector_stores: number };
}

export interface StartOptions {
  /** The program and its first arguments. Default: `RUNS_CONFORMANCE_COMMAND` (a JSON array, or words), or `runs-conformance`. */
  command?: string[];
  /** Environment variables besides those of this process. */
  env?: Record<string, string>;
  /** Milliseconds to wait for the start. Default: 30,000. */
  timeoutMs?: number;
  /** The key that `apiKey` shows. Default: the first of `keys`, or `sk-emulator`. */
  apiKey?: string;
  /** The only accepted API keys. Default: almost every key is accepted. */
  keys?: string[];
  /** A scenario file, YAML or JSON. */
  scenario?: string;
  /** Milliseconds between two actions of a run. */
  stepMs?: number;
  /** Seconds until a run expires. */
  expiresS?: number;
  edition?: string;
  failingModel?: string;
  mutants?: string[];
  variants?: string[];
  /** Whether ids of files and vector stores that do not exist are refused. */
  checkFiles?: boolean;
  /** The most objects of each kind to keep. */
  maxObjects?: number;
  /** An SQLite file that keeps the objects. */
  store?: string;
  /** A file to which a line is appended for each request. */
  log?: string;
}

export interface ConnectOptions {
  /** The key that `apiKey` shows. Default: `key`, or `sk-emulator`. */
  apiKey?: string;
  /** The token of the control routes, if the server has one. */
  token?: string;
  /** Limits all calls to requests with this API key, so that parallel tests do not meet. */
  key?: string;
}

/** An error of the emulator or of its control routes. */
export class EmulatorError extends Error {}

/** A running emulator. The methods named after the words of a scenario script its next runs and requests. */
export interface Emulator extends WordMethods {}

export class Emulator {
  private constructor();
  /** The base URL for the client under test. */
  readonly baseURL: string;
  /** The URL of the control routes. */
  readonly controlURL: string;
  /** An API key for the client under test. */
  readonly apiKey: string;
  /** The same emulator, limited to requests with this API key. */
  session(apiKey: string): Emulator;
  /** Queues the script and the faults of a scenario and advances the clock; changes nothing if it is invalid. */
  apply(scenario: Scenario): Promise<void>;
  /** Queues turns for the next runs. */
  script(...turns: Turn[]): Promise<void>;
  /** Injects faults into the next requests. */
  faults(...faults: Fault[]): Promise<void>;
  /** Moves the clock ahead; that of a session only for its own requests. */
  advance(seconds: number): Promise<void>;
  /** Discards the script, the faults and the received requests; the stored objects remain. */
  reset(): Promise<void>;
  /** The received requests, oldest first. */
  requests(): Promise<ReceivedRequest[]>;
  state(): Promise<State>;
  /** The turns that no run has taken, and the faults that no request has met. */
  unused(): Promise<Array<Turn | Fault>>;
  /** Fails if any turn or fault was never used; call it at the end of a test. */
  assertUsed(): Promise<void>;
  /** Stops the emulator, if `startEmulator` started it. */
  stop(): Promise<void>;
}

/** Starts `runs-conformance serve` on a free port; it stops with `stop()` or with this process. */
export function startEmulator(options?: StartOptions): Promise<Emulator>;

/** Connects to a running emulator by its origin or base URL. */
export function connectEmulator(url: string, options?: ConnectOptions): Promise<Emulator>;
