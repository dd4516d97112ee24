import assert from "node:assert/strict";
import { after, afterEach, before, test } from "node:test";
import { connectEmulator, EmulatorError, startEmulator } from "../index.js";

let emulator;

before(async () => {
  emulator = await startEmulator({ stepMs: 0 });
});
after(() => emulator.stop());
afterEach(() => emulator.reset());

async function send(method, path, body, key = "sk-emulator") {
  const response = await fetch(emulator.baseURL + path, {
    method,
    headers: { authorization: `Bearer ${key}`, "openai-beta": "assistants=v2", "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  return { status: response.status, body: await response.json() };
}

async function ask(key) {
  const assistant = await send("POST", "/assistants", { model: "gpt-4o", instructions: "Be brief." }, key);
  const run = await send("POST", "/threads/runs", { assistant_id: assistant.body.id }, key);
  const thread = `/threads/${run.body.thread_id}`;
  const ended = await send("GET", `${thread}/runs/${run.body.id}`, undefined, key);
  const messages = await send("GET", `${thread}/messages`, undefined, key);
  return { run: ended.body, text: messages.body.data[0]?.content[0].text.value };
}

test("scripts a run with several acts", async () => {
  await emulator.script([{ say: "Let me look." }, { run_code: "1 + 1" }, { say: "It rains." }]);
  const { run, text } = await ask();
  assert.deepEqual([run.status, text], ["completed", "It rains."]);
  await emulator.assertUsed();
});

test("has a method for each word", async () => {
  await emulator.say("One.");
  await emulator.fail("rate_limit_exceeded");
  await emulator.cutOff();
  await emulator.refuse({ http_status: 429, operation: "get_run", skip: 2 });
  assert.equal((await ask()).text, "One.");
  assert.equal((await ask()).run.last_error.code, "rate_limit_exceeded");
  assert.equal((await ask()).run.error.code, "rate_limit_exceeded");
  await emulator.assertUsed();
});

test("tells an unused script", async () => {
  await emulator.hang();
  await assert.rejects(emulator.assertUsed(), /never used.*hang/);
});

test("tells a misspelt word and changes nothing", async () => {
  await assert.rejects(emulator.apply({ script: [{ say: "A" }, { sya: "B" }] }), /did you mean say/);
  assert.deepEqual(await emulator.unused(), []);
});

test("sessions of two keys do not meet", async () => {
  const [one, two] = [emulator.session("sk-one"), emulator.session("sk-two")];
  await one.say("For one.");
  assert.equal((await ask(two.apiKey)).text, "You said nothing.");
  assert.equal((await ask(one.apiKey)).text, "For one.");
  const requests = await one.requests();
  assert.ok(requests.length >= 4);
  assert.ok(!JSON.stringify(requests).includes("sk-one"));
});

test("advances the clock", async () => {
  await emulator.hang();
  const run = (await ask()).run;
  await emulator.advance(3600);
  assert.equal((await send("GET", `/threads/${run.thread_id}/runs/${run.id}`)).body.status, "expired");
});

test("the clock of a session is its own", async () => {
  const [one, two] = [emulator.session("sk-four"), emulator.session("sk-five")];
  await one.hang();
  await two.hang();
  const runs = [(await ask(one.apiKey)).run, (await ask(two.apiKey)).run];
  await one.advance(3600);
  const states = await Promise.all(
    runs.map((run, index) =>
      send("GET", `/threads/${run.thread_id}/runs/${run.id}`, undefined, [one, two][index].apiKey),
    ),
  );
  assert.deepEqual(states.map((state) => state.body.status), ["expired", "in_progress"]);
});

test("connects to a running emulator", async () => {
  const connected = await connectEmulator(emulator.baseURL, { key: "sk-three" });
  assert.equal(connected.apiKey, "sk-three");
  await assert.rejects(connectEmulator("http://127.0.0.1:9"), EmulatorError);
});

test("tells why the emulator did not start", async () => {
  await assert.rejects(startEmulator({ mutants: ["no_such"] }), /there is no mutant 'no_such'/);
  await assert.rejects(startEmulator({ command: ["no-such-program"] }), /cannot run no-such-program \(ENOENT\)/);
  await assert.rejects(startEmulator({ steps: 1 }), /there is no option steps/);
});

test("the types know every member", async () => {
  const { readFile } = await import("node:fs/promises");
  const types = await readFile(new URL("../index.d.ts", import.meta.url), "utf8");
  for (const name of ["session", "apply", "script", "faults", "advance", "reset", "requests", "state", "unused", "assertUsed", "stop"]) {
    assert.match(types, new RegExp(`^  ${name}\\(`, "m"));
    assert.equal(typeof emulator[name], "function");
  }
});

test("passes flags, and stops", async () => {
  const other = await startEmulator({ checkFiles: true, maxObjects: 50, mutants: undefined });
  const resources = { code_interpreter: { file_ids: ["file-none"] } };
  const refused = await fetch(`${other.baseURL}/assistants`, {
    method: "POST",
    headers: { authorization: "Bearer sk-one", "openai-beta": "assistants=v2", "content-type": "application/json" },
    body: JSON.stringify({ model: "gpt-4o", tool_resources: resources }),
  });
  assert.equal(refused.status, 404);
  await other.stop();
  await other.stop();
  await assert.rejects(other.state(), /no response from the emulator/);
});
