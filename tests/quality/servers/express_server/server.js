// An assistants server with Express, written from the reference pages.
const express = require('express');

const app = express();
app.use(express.json());

const assistants = new Map();
const threads = new Map();
const messages = [];
const runs = [];
const steps = [];
let counter = 0;

const newId = (prefix) => `${prefix}_${String(++counter).padStart(12, '0')}`;
const now = () => Math.floor(Date.now() / 1000);
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const fail = (res, status, message, type = 'invalid_request_error', param = null, code = null) =>
  res.status(status).json({ error: { message, type, param, code } });

app.use('/v1', (req, res, next) => {
  if (!req.headers.authorization) return fail(res, 401, 'You did not provide an API key.');
  next();
});

function paginate(req, items) {
  const limit = parseInt(req.query.limit) || 20;
  let rows = items;
  if (req.query.after) {
    rows = rows.slice(rows.findIndex((row) => row.id === req.query.after) + 1);
  }
  if (req.query.before) {
    rows = rows.slice(0, rows.findIndex((row) => row.id === req.query.before));
  }
  const data = rows.slice(0, limit);
  return {
    object: 'list',
    data,
    first_id: data.length ? data[0].id : null,
    last_id: data.length ? data[data.length - 1].id : null,
    has_more: rows.length > data.length,
  };
}

// Assistants

app.get('/v1/assistants', (req, res) => res.json(paginate(req, [...assistants.values()])));

app.post('/v1/assistants', (req, res) => {
  if (!req.body.model) return fail(res, 400, "Missing required parameter: 'model'.", 'invalid_request_error', 'model');
  const assistant = {
    id: newId('asst'),
    object: 'assistant',
    created_at: Date.now(),
    name: null,
    description: null,
    instructions: null,
    tools: [],
    tool_resources: {},
    metadata: {},
    temperature: 1,
    top_p: 1,
    response_format: 'auto',
    ...req.body,
  };
  assistants.set(assistant.id, assistant);
  res.json(assistant);
});

app.get('/v1/assistants/:assistantId', (req, res) => {
  const assistant = assistants.get(req.params.assistantId);
  if (!assistant) return fail(res, 404, `No assistant found with id '${req.params.assistantId}'.`);
  res.json(assistant);
});

app.post('/v1/assistants/:assistantId', (req, res) => {
  const assistant = assistants.get(req.params.assistantId);
  if (!assistant) return fail(res, 404, `No assistant found with id '${req.params.assistantId}'.`);
  res.json(Object.assign(assistant, req.body));
});

app.delete('/v1/assistants/:assistantId', (req, res) => {
  const deleted = assistants.delete(req.params.assistantId);
  res.json({ id: req.params.assistantId, object: 'assistant.deleted', deleted });
});

// Threads

function addMessage(threadId, body, extra = {}) {
  const parts = typeof body.content === 'string' ? [{ type: 'text', text: body.content }] : body.content;
  const message = {
    id: newId('msg'),
    object: 'thread.message',
    created_at: now(),
    thread_id: threadId,
    status: 'completed',
    incomplete_details: null,
    completed_at: now(),
    incomplete_at: null,
    role: body.role,
    content: parts.map((part) =>
      part.type === 'text' ? { type: 'text', text: { value: part.text, annotations: [] } } : part
    ),
    assistant_id: null,
    run_id: null,
    attachments: body.attachments || [],
    metadata: body.metadata || {},
    ...extra,
  };
  messages.push(message);
  return message;
}

function addThread(body) {
  const thread = {
    id: newId('thread'),
    object: 'thread',
    created_at: now(),
    metadata: body.metadata || {},
    tool_resources: body.tool_resources || {},
  };
  threads.set(thread.id, thread);
  for (const message of body.messages || []) addMessage(thread.id, message);
  return thread;
}

app.post('/v1/threads', (req, res) => res.json(addThread(req.body || {})));

app.get('/v1/threads/:threadId', (req, res) => {
  const thread = threads.get(req.params.threadId);
  if (!thread) return fail(res, 404, `No thread found with id '${req.params.threadId}'.`);
  res.json(thread);
});

app.post('/v1/threads/:threadId', (req, res) => {
  const thread = threads.get(req.params.threadId);
  if (!thread) return fail(res, 404, `No thread found with id '${req.params.threadId}'.`);
  res.json(Object.assign(thread, req.body));
});

app.delete('/v1/threads/:threadId', (req, res) => {
  threads.delete(req.params.threadId);
  res.json({ id: req.params.threadId, object: 'thread.deleted', deleted: true });
});

// Messages

app.get('/v1/threads/:threadId/messages', (req, res) => {
  let rows = messages.filter((message) => message.thread_id === req.params.threadId);
  if (req.query.run_id) rows = rows.filter((message) => message.run_id === req.query.run_id);
  res.json(paginate(req, rows));
});

app.post('/v1/threads/:threadId/messages', (req, res) => {
  if (!threads.has(req.params.threadId)) return fail(res, 404, `No thread found with id '${req.params.threadId}'.`);
  if (!['user', 'assistant'].includes(req.body.role)) {
    return fail(res, 400, "Invalid value for 'role'.", 'invalid_request_error', 'role', 'invalid_value');
  }
  if (!req.body.content) {
    return fail(res, 400, "Missing required parameter: 'content'.", 'invalid_request_error', 'content');
  }
  const active = activeRun(req.params.threadId);
  if (active) return fail(res, 400, `Can't add messages to ${req.params.threadId} while a run ${active.id} is active.`);
  res.json(addMessage(req.params.threadId, req.body));
});

const findMessage = (req) => messages.find((message) => message.id === req.params.messageId);

app.get('/v1/threads/:threadId/messages/:messageId', (req, res) => {
  const message = findMessage(req);
  if (!message) return fail(res, 404, `No message found with id '${req.params.messageId}'.`);
  res.json(message);
});

app.post('/v1/threads/:threadId/messages/:messageId', (req, res) => {
  const message = findMessage(req);
  if (!message) return fail(res, 404, `No message found with id '${req.params.messageId}'.`);
  res.json(Object.assign(message, req.body));
});

app.delete('/v1/threads/:threadId/messages/:messageId', (req, res) => {
  const message = findMessage(req);
  if (!message) return fail(res, 404, `No message found with id '${req.params.messageId}'.`);
  messages.splice(messages.indexOf(message), 1);
  res.json({ id: message.id, object: 'thread.message.deleted', deleted: true });
});

// Runs

const ACTIVE = ['queued', 'in_progress', 'requires_action', 'cancelling'];
const activeRun = (threadId) => runs.find((run) => run.thread_id === threadId && ACTIVE.includes(run.status));
const findRun = (req) => runs.find((run) => run.id === req.params.runId);

function addRun(threadId, assistant, body) {
  const run = {
    id: newId('run'),
    object: 'thread.run',
    created_at: now(),
    thread_id: threadId,
    status: 'queued',
    required_action: null,
    last_error: null,
    expires_at: now() + 600,
    started_at: null,
    cancelled_at: null,
    failed_at: null,
    completed_at: null,
    incomplete_details: null,
    usage: null,
    max_prompt_tokens: null,
    max_completion_tokens: null,
    truncation_strategy: { type: 'auto', last_messages: null },
    tool_choice: 'auto',
    parallel_tool_calls: true,
    ...body,
    model: body.model || assistant.model,
    instructions: body.instructions || assistant.instructions || '',
    tools: body.tools || assistant.tools,
    metadata: body.metadata || {},
    temperature: body.temperature || assistant.temperature || 1,
    top_p: body.top_p || assistant.top_p || 1,
    response_format: body.response_format || assistant.response_format || 'auto',
  };
  if (body.additional_instructions) run.instructions += `\n${body.additional_instructions}`;
  for (const message of body.additional_messages || []) addMessage(threadId, message);
  delete run.additional_instructions;
  delete run.additional_messages;
  delete run.stream;
  runs.push(run);
  return run;
}

function chooseTool(run) {
  const functions = run.tools.filter((tool) => tool.type === 'function').map((tool) => tool.function);
  if (!functions.length || run.tool_choice === 'none') return null;
  if (run.tool_choice && run.tool_choice.function) {
    return functions.find((fn) => fn.name === run.tool_choice.function.name) || null;
  }
  if (run.tool_choice === 'required') return functions[0];
  const last = messages.filter((message) => message.thread_id === run.thread_id && message.role === 'user').pop();
  return functions.find((fn) => last && JSON.stringify(last.content).includes(fn.name)) || null;
}

async function execute(run, emit = () => {}, resumed = false) {
  if (!resumed) emit('thread.run.created', run);
  emit('thread.run.queued', run);
  await sleep(20);
  run.status = 'in_progress';
  run.started_at = Date.now() / 1000;
  emit('thread.run.in_progress', run);
  await sleep(60);
  const fn = resumed ? null : chooseTool(run);
  if (fn) {
    const call = { id: newId('call'), type: 'function', function: { name: fn.name, arguments: '{}' } };
    const step = addStep(run, 'tool_calls', {
      type: 'tool_calls',
      tool_calls: [{ ...call, function: { ...call.function, output: null } }],
    });
    emit('thread.run.step.created', step);
    run.status = 'requires_action';
    run.required_action = { type: 'submit_tool_outputs', submit_tool_outputs: { tool_calls: [call] } };
    emit('thread.run.requires_action', run);
    return;
  }
  const text = 'Sure, this is what I found.';
  const message = addMessage(
    run.thread_id,
    { role: 'assistant', content: [] },
    { assistant_id: run.assistant_id, run_id: run.id, status: 'in_progress', completed_at: null }
  );
  const step = addStep(run, 'message_creation', {
    type: 'message_creation',
    message_creation: { message_id: message.id },
  });
  emit('thread.run.step.created', step);
  emit('thread.message.created', message);
  emit('thread.message.in_progress', message);
  for (const value of text.match(/\S+\s*/g)) {
    emit('thread.message.delta', {
      id: message.id,
      object: 'thread.message.delta',
      delta: { content: [{ index: 0, type: 'text', text: { value, annotations: [] } }] },
    });
  }
  message.content = [{ type: 'text', text: { value: text, annotations: [] } }];
  message.status = 'completed';
  message.completed_at = now();
  emit('thread.message.completed', message);
  const usage = { prompt_tokens: 12, completion_tokens: 7, total_tokens: 19 };
  Object.assign(step, { status: 'completed', completed_at: now(), usage });
  emit('thread.run.step.completed', step);
  Object.assign(run, { status: 'completed', completed_at: Date.now() / 1000, usage });
  emit('thread.run.completed', run);
}

function addStep(run, type, details) {
  const step = {
    id: newId('step'),
    object: 'thread.run.step',
    created_at: now(),
    assistant_id: run.assistant_id,
    thread_id: run.thread_id,
    run_id: run.id,
    type,
    status: 'in_progress',
    step_details: details,
    last_error: null,
    expired_at: null,
    cancelled_at: null,
    failed_at: null,
    completed_at: null,
    metadata: {},
    usage: null,
  };
  steps.push(step);
  return step;
}

async function respond(req, res, run, resumed = false) {
  if (!req.body.stream) {
    res.json(run);
    execute(run, undefined, resumed);
    return;
  }
  res.setHeader('Content-Type', 'text/event-stream');
  const emit = (event, data) => res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
  await execute(run, emit, resumed);
  res.end('data: [DONE]\n\n');
}

app.get('/v1/threads/:threadId/runs', (req, res) => {
  res.json(paginate(req, runs.filter((run) => run.thread_id === req.params.threadId)));
});

app.post('/v1/threads/:threadId/runs', async (req, res) => {
  const thread = threads.get(req.params.threadId);
  if (!thread) return fail(res, 404, `No thread found with id '${req.params.threadId}'.`);
  const assistant = assistants.get(req.body.assistant_id);
  if (!assistant) return fail(res, 404, `No assistant found with id '${req.body.assistant_id}'.`);
  const active = activeRun(thread.id);
  if (active) return fail(res, 400, `Thread ${thread.id} already has an active run ${active.id}.`);
  await respond(req, res, addRun(thread.id, assistant, req.body));
});

app.post('/v1/threads/runs', async (req, res) => {
  const assistant = assistants.get(req.body.assistant_id);
  if (!assistant) return fail(res, 404, `No assistant found with id '${req.body.assistant_id}'.`);
  const thread = addThread(req.body.thread || {});
  const { thread: _, ...settings } = req.body;
  await respond(req, res, addRun(thread.id, assistant, settings));
});

app.get('/v1/threads/:threadId/runs/:runId', (req, res) => {
  const run = findRun(req);
  if (!run) return fail(res, 404, `No run found with id '${req.params.runId}'.`);
  res.json(run);
});

app.post('/v1/threads/:threadId/runs/:runId', (req, res) => {
  const run = findRun(req);
  if (!run) return fail(res, 404, `No run found with id '${req.params.runId}'.`);
  res.json(Object.assign(run, req.body));
});

app.post('/v1/threads/:threadId/runs/:runId/cancel', (req, res) => {
  const run = findRun(req);
  if (!run) return fail(res, 404, `No run found with id '${req.params.runId}'.`);
  if (!ACTIVE.includes(run.status)) return fail(res, 400, `Cannot cancel run with status '${run.status}'.`);
  run.status = 'cancelled';
  run.cancelled_at = Date.now() / 1000;
  res.json(run);
});

app.post('/v1/threads/:threadId/runs/:runId/submit_tool_outputs', async (req, res) => {
  const run = findRun(req);
  if (!run) return fail(res, 404, `No run found with id '${req.params.runId}'.`);
  if (run.status !== 'requires_action') {
    return fail(res, 400, `Runs in status "${run.status}" do not accept tool outputs.`);
  }
  const step = steps.filter((candidate) => candidate.run_id === run.id).pop();
  for (const output of req.body.tool_outputs) {
    const call = step.step_details.tool_calls.find((candidate) => candidate.id === output.tool_call_id);
    if (call) call.function.output = output.output;
  }
  step.status = 'completed';
  step.completed_at = now();
  run.required_action = null;
  run.status = 'queued';
  await respond(req, res, run, true);
});

app.get('/v1/threads/:threadId/runs/:runId/steps', (req, res) => {
  res.json(paginate(req, steps.filter((step) => step.run_id === req.params.runId)));
});

app.get('/v1/threads/:threadId/runs/:runId/steps/:stepId', (req, res) => {
  const step = steps.find((candidate) => candidate.id === req.params.stepId);
  if (!step) return fail(res, 404, `No run step found with id '${req.params.stepId}'.`);
  res.json(step);
});

const server = app.listen(process.env.PORT || 0, '127.0.0.1', () =>
  console.log(`http://127.0.0.1:${server.address().port}/v1`)
);
