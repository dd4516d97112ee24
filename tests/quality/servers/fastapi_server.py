"""An assistants server with FastAPI and models of pydantic, written from the reference pages."""

import asyncio
import json
import socket
import time
import uuid
from typing import Any, Literal

import uvicorn
from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, Field

app = FastAPI()
assistants: dict[str, "Assistant"] = {}
threads: dict[str, "Thread"] = {}
messages: dict[str, list["Message"]] = {}
runs: dict[str, list["Run"]] = {}
steps: dict[str, list["Step"]] = {}
tasks: set[asyncio.Task[None]] = set()


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid.uuid4().hex[:24]}"


def now() -> int:
    return int(time.time())


class FunctionDefinition(BaseModel):
    name: str = Field(pattern=r"^[a-zA-Z0-9_-]{1,64}$")
    description: str | None = None
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


class Tool(BaseModel):
    type: Literal["code_interpreter", "file_search", "function"]
    function: FunctionDefinition | None = None
    file_search: dict[str, Any] | None = None


class FunctionName(BaseModel):
    name: str


class NamedToolChoice(BaseModel):
    type: Literal["function", "code_interpreter", "file_search"]
    function: FunctionName | None = None


class TruncationStrategy(BaseModel):
    type: Literal["auto", "last_messages"]
    last_messages: int | None = Field(None, ge=1)


class ResponseFormat(BaseModel):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: dict[str, Any] | None = None


class ContentPart(BaseModel):
    type: Literal["text", "image_url", "image_file"]
    text: str | None = None
    image_url: dict[str, Any] | None = None
    image_file: dict[str, Any] | None = None


class CreateMessage(BaseModel):
    role: Literal["user", "assistant"]
    content: str | list[ContentPart]
    attachments: list[dict[str, Any]] | None = None
    metadata: dict[str, str] | None = None


class CreateThread(BaseModel):
    messages: list[CreateMessage] = []
    tool_resources: dict[str, Any] | None = None
    metadata: dict[str, str] | None = None


class ModifyThread(BaseModel):
    tool_resources: dict[str, Any] | None = None
    metadata: dict[str, str] | None = None


class Metadata(BaseModel):
    metadata: dict[str, str] | None = None


class CreateAssistant(BaseModel):
    model: str
    name: str | None = Field(None, max_length=256)
    description: str | None = Field(None, max_length=512)
    instructions: str | None = Field(None, max_length=256000)
    tools: list[Tool] = Field([], max_length=128)
    tool_resources: dict[str, Any] | None = None
    metadata: dict[str, str] | None = None
    temperature: float | None = Field(None, ge=0, le=2)
    top_p: float | None = Field(None, ge=0, le=1)
    response_format: Literal["auto"] | ResponseFormat | None = None
    reasoning_effort: str | None = None


class ModifyAssistant(CreateAssistant):
    model: str | None = None  # type: ignore[assignment]


class RunSettings(BaseModel):
    assistant_id: str
    model: str | None = None
    instructions: str | None = None
    tools: list[Tool] | None = Field(None, max_length=20)
    metadata: dict[str, str] | None = None
    temperature: float | None = Field(None, gt=0, lt=2)
    top_p: float | None = Field(None, gt=0, lt=1)
    stream: bool | None = False
    max_prompt_tokens: int | None = Field(None, gt=256)
    max_completion_tokens: int | None = Field(None, gt=256)
    truncation_strategy: TruncationStrategy | None = None
    tool_choice: Literal["none", "auto", "required"] | NamedToolChoice | None = None
    parallel_tool_calls: bool | None = True
    response_format: Literal["auto"] | ResponseFormat | None = None


class CreateRun(RunSettings):
    reasoning_effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    additional_instructions: str | None = None
    additional_messages: list[CreateMessage] | None = None


class CreateThreadAndRun(RunSettings):
    thread: CreateThread | None = None
    tool_resources: dict[str, Any] | None = None


class ToolOutput(BaseModel):
    tool_call_id: str
    output: str


class SubmitToolOutputs(BaseModel):
    tool_outputs: list[ToolOutput]
    stream: bool | None = False


class Assistant(BaseModel):
    id: str
    object: str = "assistant"
    created_at: int
    name: str | None = None
    description: str | None = None
    model: str
    instructions: str | None = None
    tools: list[Tool] = []
    tool_resources: dict[str, Any] | None = None
    metadata: dict[str, str] = {}
    temperature: float | None = 1.0
    top_p: float | None = 1.0
    response_format: Any = "auto"


class Thread(BaseModel):
    id: str
    object: str = "thread"
    created_at: int
    tool_resources: dict[str, Any] | None = None
    metadata: dict[str, str] = {}


class Message(BaseModel):
    id: str
    object: str = "thread.message"
    created_at: int
    thread_id: str
    status: str = "completed"
    incomplete_details: dict[str, str] | None = None
    completed_at: int | None = None
    incomplete_at: int | None = None
    role: str
    content: list[dict[str, Any]]
    assistant_id: str | None = None
    run_id: str | None = None
    attachments: list[dict[str, Any]] | None = []
    metadata: dict[str, str] = {}


class Run(BaseModel):
    id: str
    object: str = "thread.run"
    created_at: int
    thread_id: str
    assistant_id: str
    status: str = "queued"
    required_action: dict[str, Any] | None = None
    last_error: dict[str, str] | None = None
    expires_at: int | None = None
    started_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    incomplete_details: dict[str, str] | None = None
    model: str
    instructions: str | None = None
    tools: list[Tool] = []
    metadata: dict[str, str] = {}
    usage: dict[str, int] | None = None
    temperature: float | None = 1.0
    top_p: float | None = 1.0
    max_prompt_tokens: int | None = None
    max_completion_tokens: int | None = None
    truncation_strategy: TruncationStrategy = TruncationStrategy(type="auto")
    tool_choice: Any = "auto"
    parallel_tool_calls: bool = True
    response_format: Any = "auto"


class Step(BaseModel):
    id: str
    object: str = "thread.run.step"
    created_at: int
    assistant_id: str
    thread_id: str
    run_id: str
    type: str
    status: str = "in_progress"
    step_details: dict[str, Any]
    last_error: dict[str, str] | None = None
    expired_at: int | None = None
    cancelled_at: int | None = None
    failed_at: int | None = None
    completed_at: int | None = None
    metadata: dict[str, str] = {}
    usage: dict[str, int] | None = None


def find_assistant(assistant_id: str) -> Assistant:
    if assistant_id not in assistants:
        raise HTTPException(404, "Assistant not found")
    return assistants[assistant_id]


def find_thread(thread_id: str) -> Thread:
    if thread_id not in threads:
        raise HTTPException(404, "Thread not found")
    return threads[thread_id]


def find_run(thread_id: str, run_id: str) -> Run:
    find_thread(thread_id)
    for run in runs[thread_id]:
        if run.id == run_id:
            return run
    raise HTTPException(404, "Run not found")


def page(items: list[Any], limit: int, order: str, after: str | None) -> dict[str, Any]:
    ordered = list(items) if order == "asc" else list(reversed(items))
    if after:
        ids = [item.id for item in ordered]
        if after in ids:
            ordered = ordered[ids.index(after) + 1 :]
    data = ordered[:limit]
    return {
        "object": "list",
        "data": data,
        "first_id": data[0].id if data else None,
        "last_id": data[-1].id if data else None,
        "has_more": len(data) == limit,
    }


@app.get("/v1/assistants")
def list_assistants(limit: int = 20, order: str = "desc", after: str | None = None) -> Any:
    return page(list(assistants.values()), limit, order, after)


@app.post("/v1/assistants", response_model_exclude_none=True)
def create_assistant(body: CreateAssistant) -> Assistant:
    values = body.model_dump(exclude_none=True, exclude={"reasoning_effort"})
    assistant = Assistant(id=new_id("asst"), created_at=now(), **values)
    assistants[assistant.id] = assistant
    return assistant


@app.get("/v1/assistants/{assistant_id}", response_model_exclude_none=True)
def get_assistant(assistant_id: str) -> Assistant:
    return find_assistant(assistant_id)


@app.post("/v1/assistants/{assistant_id}", response_model_exclude_none=True)
def modify_assistant(assistant_id: str, body: ModifyAssistant) -> Assistant:
    assistant = find_assistant(assistant_id)
    updated = assistant.model_copy(update=body.model_dump(exclude_unset=True, exclude={"reasoning_effort"}))
    assistants[assistant_id] = updated
    return updated


@app.delete("/v1/assistants/{assistant_id}")
def delete_assistant(assistant_id: str) -> Any:
    find_assistant(assistant_id)
    del assistants[assistant_id]
    return {"id": assistant_id, "object": "assistant.deleted", "deleted": True}


def make_message(thread_id: str, body: CreateMessage) -> Message:
    if isinstance(body.content, str):
        content = [{"type": "text", "text": {"value": body.content, "annotations": []}}]
    else:
        content = []
        for part in body.content:
            if part.type == "text":
                content.append({"type": "text", "text": {"value": part.text, "annotations": []}})
            else:
                content.append(part.model_dump(exclude_none=True))
    message = Message(
        id=new_id("msg"),
        created_at=now(),
        thread_id=thread_id,
        completed_at=now(),
        role=body.role,
        content=content,
        attachments=body.attachments or [],
        metadata=body.metadata or {},
    )
    messages[thread_id].append(message)
    return message


def make_thread(body: CreateThread) -> Thread:
    thread = Thread(
        id=new_id("thread"), created_at=now(), tool_resources=body.tool_resources, metadata=body.metadata or {}
    )
    threads[thread.id] = thread
    messages[thread.id] = []
    runs[thread.id] = []
    for message in body.messages:
        make_message(thread.id, message)
    return thread


@app.post("/v1/threads", response_model_exclude_none=True)
def create_thread(body: CreateThread) -> Thread:
    return make_thread(body)


def tool_to_call(run: Run) -> Tool | None:
    functions = [tool for tool in run.tools if tool.type == "function" and tool.function]
    if not functions or run.tool_choice == "none":
        return None
    if isinstance(run.tool_choice, NamedToolChoice):
        for tool in functions:
            if run.tool_choice.function and tool.function and tool.function.name == run.tool_choice.function.name:
                return tool
        return None
    if run.tool_choice == "required":
        return functions[0]
    users = [m for m in messages[run.thread_id] if m.role == "user"]
    text = json.dumps(users[-1].content) if users else ""
    for tool in functions:
        if tool.function and tool.function.name in text:
            return tool
    return None


async def work(run: Run, queue: "asyncio.Queue[tuple[str, Any] | None] | None" = None, resumed: bool = False) -> None:
    async def emit(event: str, data: Any) -> None:
        if queue:
            await queue.put((event, data.model_dump(exclude_none=True) if isinstance(data, BaseModel) else data))

    if not resumed:
        await emit("thread.run.created", run)
    await asyncio.sleep(0.02)
    if run.status == "queued":
        run.status = "in_progress"
        run.started_at = now()
    await emit("thread.run.in_progress", run)
    await asyncio.sleep(0.05)
    tool = None if resumed else tool_to_call(run)
    if run.status != "in_progress":
        await finish(queue)
        return
    if tool and tool.function:
        call = {
            "id": new_id("call"),
            "type": "function",
            "function": {"name": tool.function.name, "arguments": "{}"},
        }
        run.status = "requires_action"
        run.required_action = {"type": "submit_tool_outputs", "submit_tool_outputs": {"tool_calls": [call]}}
        await emit("thread.run.requires_action", run)
        await finish(queue)
        return
    text = "Here is the answer to your question."
    message = Message(
        id=new_id("msg"),
        created_at=now(),
        thread_id=run.thread_id,
        status="in_progress",
        role="assistant",
        content=[],
        assistant_id=run.assistant_id,
        run_id=run.id,
    )
    step = Step(
        id=new_id("step"),
        created_at=now(),
        assistant_id=run.assistant_id,
        thread_id=run.thread_id,
        run_id=run.id,
        type="message_creation",
        step_details={"type": "message_creation", "message_creation": {"message_id": message.id}},
    )
    messages[run.thread_id].append(message)
    steps[run.id].append(step)
    await emit("thread.message.created", message)
    for index, word in enumerate(text.split(" ")):
        piece = word if index == 0 else " " + word
        delta = {
            "id": message.id,
            "object": "thread.message.delta",
            "delta": {"content": [{"index": 0, "type": "text", "text": {"value": piece}}]},
        }
        await emit("thread.message.delta", delta)
    message.content = [{"type": "text", "text": {"value": text, "annotations": []}}]
    message.status = "completed"
    message.completed_at = now()
    await emit("thread.message.completed", message)
    usage = {"prompt_tokens": 20, "completion_tokens": 8, "total_tokens": 28}
    step.status = "completed"
    step.completed_at = now()
    step.usage = usage
    run.status = "completed"
    run.completed_at = now()
    run.usage = usage
    await emit("thread.run.completed", run)
    await finish(queue)


async def finish(queue: "asyncio.Queue[tuple[str, Any] | None] | None") -> None:
    if queue:
        await queue.put(None)


def start(run: Run, stream: bool | None, resumed: bool = False) -> Any:
    queue: asyncio.Queue[tuple[str, Any] | None] | None = asyncio.Queue() if stream else None
    task = asyncio.create_task(work(run, queue, resumed))
    tasks.add(task)
    task.add_done_callback(tasks.discard)
    if queue is None:
        return run

    async def events() -> Any:
        while (item := await queue.get()) is not None:
            yield f"event: {item[0]}\ndata: {json.dumps(item[1])}\n\n"
        yield "event: done\ndata: [DONE]\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")


def make_run(thread_id: str, body: RunSettings) -> Run:
    assistant = find_assistant(body.assistant_id)
    run = Run(
        id=new_id("run"),
        created_at=now(),
        expires_at=now() + 600,
        thread_id=thread_id,
        assistant_id=assistant.id,
        model=body.model or assistant.model,
        instructions=body.instructions,
        tools=assistant.tools if body.tools is None else body.tools,
        metadata=body.metadata or {},
        temperature=assistant.temperature if body.temperature is None else body.temperature,
        top_p=assistant.top_p if body.top_p is None else body.top_p,
        max_prompt_tokens=body.max_prompt_tokens,
        max_completion_tokens=body.max_completion_tokens,
        truncation_strategy=body.truncation_strategy or TruncationStrategy(type="auto"),
        tool_choice=body.tool_choice or "auto",
        parallel_tool_calls=body.parallel_tool_calls is not False,
        response_format=body.response_format or "auto",
    )
    runs[thread_id].append(run)
    steps[run.id] = []
    return run


@app.post("/v1/threads/runs", response_model=Run, response_model_exclude_none=True)
async def create_thread_and_run(body: CreateThreadAndRun) -> Any:
    thread = make_thread(body.thread or CreateThread())
    return start(make_run(thread.id, body), body.stream)


@app.get("/v1/threads/{thread_id}", response_model_exclude_none=True)
def get_thread(thread_id: str) -> Thread:
    return find_thread(thread_id)


@app.post("/v1/threads/{thread_id}", response_model_exclude_none=True)
def modify_thread(thread_id: str, body: ModifyThread) -> Thread:
    thread = find_thread(thread_id)
    if body.metadata is not None:
        thread.metadata = body.metadata
    if body.tool_resources is not None:
        thread.tool_resources = body.tool_resources
    return thread


@app.delete("/v1/threads/{thread_id}")
def delete_thread(thread_id: str) -> Any:
    find_thread(thread_id)
    del threads[thread_id]
    return {"id": thread_id, "object": "thread.deleted", "deleted": True}


@app.get("/v1/threads/{thread_id}/messages")
def list_messages(
    thread_id: str, limit: int = 20, order: str = "desc", after: str | None = None, run_id: str | None = None
) -> Any:
    find_thread(thread_id)
    found = [m for m in messages[thread_id] if run_id is None or m.run_id == run_id]
    return page(found, limit, order, after)


@app.post("/v1/threads/{thread_id}/messages", response_model_exclude_none=True)
def create_message(thread_id: str, body: CreateMessage) -> Message:
    find_thread(thread_id)
    return make_message(thread_id, body)


@app.get("/v1/threads/{thread_id}/messages/{message_id}", response_model_exclude_none=True)
def get_message(thread_id: str, message_id: str) -> Message:
    find_thread(thread_id)
    for message in messages[thread_id]:
        if message.id == message_id:
            return message
    raise HTTPException(404, "Message not found")


@app.post("/v1/threads/{thread_id}/messages/{message_id}", response_model_exclude_none=True)
def modify_message(thread_id: str, message_id: str, body: Metadata) -> Message:
    message = get_message(thread_id, message_id)
    message.metadata = body.metadata or {}
    return message


@app.get("/v1/threads/{thread_id}/runs")
def list_runs(thread_id: str, limit: int = 20, order: str = "desc", after: str | None = None) -> Any:
    find_thread(thread_id)
    return page(runs[thread_id], limit, order, after)


@app.post("/v1/threads/{thread_id}/runs", response_model=Run, response_model_exclude_none=True)
async def create_run(thread_id: str, body: CreateRun) -> Any:
    find_thread(thread_id)
    run = make_run(thread_id, body)
    if body.additional_instructions:
        run.instructions = f"{run.instructions or ''}\n{body.additional_instructions}"
    return start(run, body.stream)


@app.get("/v1/threads/{thread_id}/runs/{run_id}", response_model_exclude_none=True)
def get_run(thread_id: str, run_id: str) -> Run:
    return find_run(thread_id, run_id)


@app.post("/v1/threads/{thread_id}/runs/{run_id}", response_model_exclude_none=True)
def modify_run(thread_id: str, run_id: str, body: Metadata) -> Run:
    run = find_run(thread_id, run_id)
    run.metadata = body.metadata or {}
    return run


@app.post("/v1/threads/{thread_id}/runs/{run_id}/cancel", response_model_exclude_none=True)
def cancel_run(thread_id: str, run_id: str) -> Run:
    run = find_run(thread_id, run_id)
    run.status = "cancelled"
    run.cancelled_at = now()
    return run


@app.post(
    "/v1/threads/{thread_id}/runs/{run_id}/submit_tool_outputs", response_model=Run, response_model_exclude_none=True
)
async def submit_tool_outputs(thread_id: str, run_id: str, body: SubmitToolOutputs) -> Any:
    run = find_run(thread_id, run_id)
    if run.status != "requires_action" or not run.required_action:
        raise HTTPException(400, f"Runs in status '{run.status}' do not accept tool outputs.")
    pending = {call["id"] for call in run.required_action["submit_tool_outputs"]["tool_calls"]}
    if {output.tool_call_id for output in body.tool_outputs} != pending:
        raise HTTPException(400, "Tool outputs do not match the pending tool calls.")
    run.status = "queued"
    run.required_action = None
    return start(run, body.stream, resumed=True)


@app.get("/v1/threads/{thread_id}/runs/{run_id}/steps")
def list_steps(thread_id: str, run_id: str, limit: int = 20, order: str = "desc", after: str | None = None) -> Any:
    find_run(thread_id, run_id)
    return page(steps[run_id], limit, order, after)


@app.get("/v1/threads/{thread_id}/runs/{run_id}/steps/{step_id}", response_model_exclude_none=True)
def get_step(thread_id: str, run_id: str, step_id: str) -> Step:
    find_run(thread_id, run_id)
    for step in steps[run_id]:
        if step.id == step_id:
            return step
    raise HTTPException(404, "Step not found")


if __name__ == "__main__":
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/v1", flush=True)
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
