// The calls of an application with the official Node client; works with 4.60 and newer.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import OpenAI, { toFile } from "openai";

const client = new OpenAI({ maxRetries: 0 });
const package_ = createRequire(import.meta.url).resolve("openai").replace(/openai[\\/].*$/, "openai/package.json");
const isOld = Number(JSON.parse(readFileSync(package_, "utf8")).version.split(".")[0]) < 5;
const vectorStores = client.vectorStores ?? client.beta.vectorStores;
const { assistants, threads } = client.beta;
const { runs } = threads;
const fast = { pollIntervalMs: 10 };
// Version 5 moved the ids of parents from the positional arguments to the parameters.
const submit = (thread, run, tool_outputs) =>
  isOld
    ? runs.submitToolOutputsAndPoll(thread, run, { tool_outputs }, fast)
    : runs.submitToolOutputsAndPoll(run, { thread_id: thread, tool_outputs }, fast);
const cancel = (thread, run) => (isOld ? runs.cancel(thread, run) : runs.cancel(run, { thread_id: thread }));
const steps = (thread, run) => (isOld ? runs.steps.list(thread, run) : runs.steps.list(run, { thread_id: thread }));
const remove = (resource, id) => (isOld ? resource.del(id) : resource.delete(id));

const models = [];
for await (const model of client.models.list()) models.push(model.id);
assert.ok(models.includes("gpt-4o"));

const file = await client.files.create({ file: await toFile(Buffer.from("It rains."), "notes.txt"), purpose: "assistants" });
assert.equal(await (await client.files.content(file.id)).text(), "It rains.");
const store = await vectorStores.create({ name: "notes", file_ids: [file.id] });
const batch = await vectorStores.fileBatches.createAndPoll(store.id, { file_ids: [file.id] }, fast);
assert.equal(batch.status, "completed");

const tool = { type: "function", function: { name: "get_weather", parameters: { type: "object" } } };
const assistant = await assistants.create({
  model: "gpt-4o",
  tools: [tool, { type: "file_search" }],
  tool_resources: { file_search: { vector_store_ids: [store.id] } },
});
const thread = await threads.create({ messages: [{ role: "user", content: "Use get_weather." }] });
let run = await runs.createAndPoll(thread.id, { assistant_id: assistant.id }, fast);
assert.equal(run.status, "requires_action");
const calls = run.required_action.submit_tool_outputs.tool_calls;
run = await submit(thread.id, run.id, calls.map((call) => ({ tool_call_id: call.id, output: "rain" })));
assert.equal(run.status, "completed");
const messages = await threads.messages.list(thread.id, { limit: 1 });
assert.match(messages.data[0].content[0].text.value, /rain/);
assert.ok((await steps(thread.id, run.id)).data.length >= 2);

await threads.messages.create(thread.id, { role: "user", content: "Hello" });
let text = "";
const stream = runs.stream(thread.id, { assistant_id: assistant.id }).on("textDelta", (delta) => (text += delta.value));
await stream.done();
assert.equal(text, "You said: Hello.");
run = await runs.create(thread.id, { assistant_id: assistant.id, tool_choice: tool });
await cancel(thread.id, run.id);
const listed = [];
for await (const one of runs.list(thread.id, { limit: 1 })) listed.push(one.id);
assert.equal(listed.length, 3);
for (const [resource, id] of [[threads, thread.id], [assistants, assistant.id], [vectorStores, store.id], [client.files, file.id]]) {
  assert.ok((await remove(resource, id)).deleted);
}
