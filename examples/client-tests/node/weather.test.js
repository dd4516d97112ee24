import { fileURLToPath } from "node:url";
import OpenAI from "openai";
import { startEmulator } from "runs-conformance-emulator";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { answer } from "./agent.js";

const scenario = fileURLToPath(new URL("../scenario.json", import.meta.url));
let emulator;

beforeAll(async () => {
  emulator = await startEmulator({ scenario, stepMs: 1 });
});
afterEach(async () => {
  await emulator.assertUsed();
  await emulator.reset();
});
afterAll(() => emulator.stop());

test("the agent answers the call and survives 429", async () => {
  const client = new OpenAI({ apiKey: emulator.apiKey, baseURL: emulator.baseURL });
  expect(await answer(client, "What is the weather in Oslo?")).toBe("It rains in Oslo.");
  const submitted = (await emulator.requests()).filter((one) => one.operation === "submit_tool_outputs");
  expect(submitted.map((one) => one.body.tool_outputs[0].output)).toEqual(["Oslo: 4 degrees, rain"]);
});
