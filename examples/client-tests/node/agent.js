// The agent under test: it answers function calls and returns the last message.

const getWeather = ({ city }) => `${city}: 4 degrees, rain`;

export async function answer(client, question) {
  const { assistants, threads } = client.beta;
  const tool = { type: "function", function: { name: "get_weather", parameters: { type: "object" } } };
  const assistant = await assistants.create({ model: "gpt-4o", tools: [tool] });
  const thread = await threads.create({ messages: [{ role: "user", content: question }] });
  const options = { pollIntervalMs: 10 };
  let run = await threads.runs.createAndPoll(thread.id, { assistant_id: assistant.id }, options);
  while (run.status === "requires_action") {
    const calls = run.required_action.submit_tool_outputs.tool_calls;
    const tool_outputs = calls.map((call) => ({
      tool_call_id: call.id,
      output: getWeather(JSON.parse(call.function.arguments)),
    }));
    run = await threads.runs.submitToolOutputsAndPoll(run.id, { thread_id: thread.id, tool_outputs }, options);
  }
  if (run.status !== "completed") throw new Error(`the run ended ${run.status}`);
  const messages = await threads.messages.list(thread.id, { limit: 1 });
  return messages.data[0].content.map((part) => part.text?.value ?? "").join("");
}
