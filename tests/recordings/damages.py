"""Damages that recorders do to traffic: each damage changes the entries of a clean HAR as some tool does."""

from __future__ import annotations

import base64
import gzip
import json
import random
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

Entry = dict[str, Any]
Damage = Callable[[list[Entry], random.Random], list[Entry]]

_ID = re.compile(r"\b(thread|run|msg|asst|step|call)_[A-Za-z0-9]{8,}")


def _content(entry: Entry) -> dict[str, Any]:
    content: dict[str, Any] = entry["response"]["content"]
    return content


def _is_stream(entry: Entry) -> bool:
    return str(_content(entry).get("mimeType", "")).startswith("text/event-stream")


def _pick(entries: list[Entry], random_: random.Random, fits: Callable[[Entry], bool] = lambda entry: True) -> Entry:
    fitting = [entry for entry in entries if fits(entry)]
    return random_.choice(fitting or entries)


def _without_header(message: dict[str, Any], name: str) -> None:
    message["headers"] = [header for header in message["headers"] if header["name"].lower() != name]


def _whole_second(entry: Entry) -> None:
    entry["startedDateTime"] = entry["startedDateTime"][:19] + "Z"


def whole_seconds(entries: list[Entry], random_: random.Random) -> list[Entry]:
    for entry in entries:
        _whole_second(entry)
    return entries


def one_whole_second(entries: list[Entry], random_: random.Random) -> list[Entry]:
    _whole_second(_pick(entries, random_))
    return entries


def one_hundredth(entries: list[Entry], random_: random.Random) -> list[Entry]:
    entry = _pick(entries, random_)
    entry["startedDateTime"] = entry["startedDateTime"][:22] + "Z"
    return entries


def one_duration_unknown(entries: list[Entry], random_: random.Random) -> list[Entry]:
    _pick(entries, random_)["time"] = -1
    return entries


def one_duration_absent(entries: list[Entry], random_: random.Random) -> list[Entry]:
    _pick(entries, random_).pop("time", None)
    return entries


def no_times(entries: list[Entry], random_: random.Random) -> list[Entry]:
    for entry in entries:
        entry.pop("time", None)
        entry["startedDateTime"] = ""
    return entries


def answer_not_saved(entries: list[Entry], random_: random.Random) -> list[Entry]:
    content = _content(_pick(entries, random_))
    content.pop("text", None)
    content["size"] = random_.choice([0, -1, 137])
    return entries


def content_absent(entries: list[Entry], random_: random.Random) -> list[Entry]:
    _pick(entries, random_)["response"]["content"] = {}
    return entries


def answer_cut(entries: list[Entry], random_: random.Random) -> list[Entry]:
    content = _content(_pick(entries, random_))
    text = content.get("text", "")
    content["text"] = text[: len(text) * 2 // 3]
    return entries


def answer_cut_with_remark(entries: list[Entry], random_: random.Random) -> list[Entry]:
    content = _content(_pick(entries, random_))
    text = content.get("text", "")
    content |= {"text": text[: len(text) // 2] + "... [truncated]", "size": -1}
    return entries


def stream_aborted(entries: list[Entry], random_: random.Random) -> list[Entry]:
    entry = _pick(entries, random_, _is_stream)
    content = _content(entry)
    text = content.get("text", "")
    content["text"] = text[: text.find("\n\n", len(text) // 2) + 2]
    content["size"] = len(content["text"])
    entry["_error"] = "net::ERR_ABORTED"
    _without_header(entry["response"], "content-length")
    return entries


def request_blocked(entries: list[Entry], random_: random.Random) -> list[Entry]:
    _pick(entries, random_)["response"] |= {"status": 0, "headers": [], "content": {"size": 0}, "bodySize": -1}
    return entries


def _lose_request(entry: Entry) -> None:
    entry["request"].pop("postData", None)


def request_not_saved(entries: list[Entry], random_: random.Random) -> list[Entry]:
    _lose_request(_pick(entries, random_, lambda entry: "postData" in entry["request"]))
    return entries


def requests_not_saved(entries: list[Entry], random_: random.Random) -> list[Entry]:
    for entry in entries:
        _lose_request(entry)
        entry["request"]["bodySize"] = -1
        _without_header(entry["request"], "content-length")
    return entries


def request_redacted(entries: list[Entry], random_: random.Random) -> list[Entry]:
    entry = _pick(entries, random_, lambda entry: "postData" in entry["request"])
    if "postData" in entry["request"]:
        entry["request"]["postData"]["text"] = random_.choice(["[REDACTED]", "***", '"<redacted>"', "REDACTED"])
    return entries


def _replace_texts(value: Any, marker: str) -> Any:
    if isinstance(value, dict):
        named = ("content", "value", "instructions", "output", "arguments", "description")
        return {
            key: marker if key in named and isinstance(item, str) else _replace_texts(item, marker)
            for key, item in value.items()
        }
    return [_replace_texts(item, marker) for item in value] if isinstance(value, list) else value


def _redact_json(text: str, marker: str) -> str:
    try:
        return json.dumps(_replace_texts(json.loads(text), marker))
    except ValueError:
        return text


def request_texts_redacted(entries: list[Entry], random_: random.Random) -> list[Entry]:
    for entry in entries:
        if "postData" in entry["request"]:
            posted = entry["request"]["postData"]
            posted["text"] = _redact_json(posted["text"], "[REDACTED]")
    return entries


def answer_texts_redacted(entries: list[Entry], random_: random.Random) -> list[Entry]:
    for entry in entries:
        if "text" in _content(entry):
            _content(entry)["text"] = _redact_json(_content(entry)["text"], "<removed>")
    return entries


def _replace_ids(entries: list[Entry], replacement: str) -> list[Entry]:
    replaced: list[Entry] = json.loads(_ID.sub(replacement, json.dumps(entries)))
    return replaced


def ids_redacted(entries: list[Entry], random_: random.Random) -> list[Entry]:
    return _replace_ids(entries, r"\1_REDACTED")


def ids_masked(entries: list[Entry], random_: random.Random) -> list[Entry]:
    return _replace_ids(entries, r"\1_xxxxxxxx")


def ids_and_kinds_redacted(entries: list[Entry], random_: random.Random) -> list[Entry]:
    return _replace_ids(entries, "[REDACTED]")


def run_ids_redacted(entries: list[Entry], random_: random.Random) -> list[Entry]:
    replaced: list[Entry] = json.loads(re.sub(r"\brun_[A-Za-z0-9]{8,}", "run_***", json.dumps(entries)))
    return replaced


def dates_redacted(entries: list[Entry], random_: random.Random) -> list[Entry]:
    for entry in entries:
        if "text" in _content(entry):
            text = _content(entry)["text"]
            _content(entry)["text"] = re.sub(r'("[a-z]+_at": ?)\d+', r'\1"[FILTERED]"', text)
    return entries


def each_twice(entries: list[Entry], random_: random.Random) -> list[Entry]:
    return [json.loads(json.dumps(entry)) for entry in entries for _ in range(2)]


def repeated_as_a_whole(entries: list[Entry], random_: random.Random) -> list[Entry]:
    return [*entries, *json.loads(json.dumps(entries))]


def newest_first(entries: list[Entry], random_: random.Random) -> list[Entry]:
    return entries[::-1]


def newest_first_by_seconds(entries: list[Entry], random_: random.Random) -> list[Entry]:
    return whole_seconds(entries, random_)[::-1]


def _sent_bytes(content: dict[str, Any]) -> bytes:
    """The body as the server sent it: recorders that keep bytes do not misread them."""
    return base64.b64decode(content["_bytes"]) if "_bytes" in content else content["text"].encode()


def in_pieces(entries: list[Entry], random_: random.Random) -> list[Entry]:
    for entry in entries:
        content = _content(entry)
        if "text" in content and content.get("encoding") != "base64":
            packed = gzip.compress(_sent_bytes(content))
            half = len(packed) // 2
            content["text"] = json.dumps([base64.b64encode(piece).decode() for piece in (packed[:half], packed[half:])])
            entry["response"]["headers"].append({"name": "Content-Encoding", "value": "gzip"})
    return entries


def as_base64(entries: list[Entry], random_: random.Random) -> list[Entry]:
    for entry in entries:
        content = _content(entry)
        if "text" in content and "encoding" not in content:
            content |= {"text": base64.b64encode(_sent_bytes(content)).decode(), "encoding": "base64"}
    return entries


def type_in_mime_type(entries: list[Entry], random_: random.Random) -> list[Entry]:
    for entry in entries:
        _without_header(entry["response"], "content-type")
    return entries


def no_headers(entries: list[Entry], random_: random.Random) -> list[Entry]:
    for entry in entries:
        entry["request"]["headers"] = []
        entry["response"]["headers"] = []
        _content(entry).pop("mimeType", None)
    return entries


def header_values_redacted(entries: list[Entry], random_: random.Random) -> list[Entry]:
    for entry in entries:
        for header in (*entry["request"]["headers"], *entry["response"]["headers"]):
            header["value"] = "[REDACTED]"
    return entries


def clocks_of_1970(entries: list[Entry], random_: random.Random) -> list[Entry]:
    for entry in entries:
        entry["startedDateTime"] = "1970-01-01" + entry["startedDateTime"][10:]
    return entries


def one_clock_of_1970(entries: list[Entry], random_: random.Random) -> list[Entry]:
    entry = _pick(entries, random_)
    entry["startedDateTime"] = "1970-01-01" + entry["startedDateTime"][10:]
    return entries


def _creates_run(entry: Entry) -> bool:
    return entry["request"]["method"] == "POST" and re.search(r"/runs\Z", entry["request"]["url"]) is not None


def runs_created_elsewhere(entries: list[Entry], random_: random.Random) -> list[Entry]:
    return [entry for entry in entries if not _creates_run(entry) or entry["response"]["status"] >= 400]


def other_apis(entries: list[Entry], random_: random.Random) -> list[Entry]:
    mail = "https://gmail.googleapis.com/gmail/v1/users/me/threads/18c2f"
    graph = "http://localhost:2024/threads"
    answers = {mail: {"id": "18c2f", "messages": [{"id": "18c2f"}]}, graph: {"thread_id": "0d7c", "status": "idle"}}
    for url, body in answers.items():
        text = json.dumps(body)
        other = json.loads(json.dumps(entries[0]))
        other["request"] |= {"method": "GET" if url == mail else "POST", "url": url}
        other["response"] |= {
            "status": 200,
            "content": {"size": len(text), "mimeType": "application/json", "text": text},
        }
        entries.insert(random_.randrange(len(entries)), other)
    return entries


def _shift(entry: Entry, seconds: float) -> None:
    if entry["startedDateTime"]:
        moment = datetime.fromisoformat(entry["startedDateTime"].replace("Z", "+00:00"))
        shifted = moment + timedelta(seconds=seconds)
        entry["startedDateTime"] = shifted.isoformat(timespec="microseconds").replace("+00:00", "Z")


def clock_set_back(entries: list[Entry], random_: random.Random) -> list[Entry]:
    seconds = random_.choice([0.5, 2, 300])
    for entry in entries[random_.randrange(1, len(entries)) :]:
        _shift(entry, -seconds)
    return entries


def one_local_time(entries: list[Entry], random_: random.Random) -> list[Entry]:
    entry = _pick(entries, random_)
    _shift(entry, 7200)
    entry["startedDateTime"] = entry["startedDateTime"].removesuffix("Z")
    return entries


def answered_from_cache(entries: list[Entry], random_: random.Random) -> list[Entry]:
    reads = [entry for entry in entries if entry["request"]["method"] == "GET"]
    old = json.loads(json.dumps(random_.choice(reads or entries)))
    old["startedDateTime"], old["time"] = entries[-1]["startedDateTime"], 1
    _shift(old, 1)
    if random_.random() < 0.5:
        old["response"]["status"] = 304
    else:
        old["_fromCache"] = "disk"
    return [*entries, old]


def preflights(entries: list[Entry], random_: random.Random) -> list[Entry]:
    found: list[Entry] = []
    for entry in entries:
        preflight = json.loads(json.dumps(entry))
        preflight["request"] |= {"method": "OPTIONS", "headers": []}
        preflight["request"].pop("postData", None)
        preflight["response"] |= {"status": 204, "headers": [], "content": {"size": 0}, "bodySize": 0}
        found += [preflight, entry]
    return found


def bodies_formatted(entries: list[Entry], random_: random.Random) -> list[Entry]:
    for entry in entries:
        for body in (entry["request"].get("postData") or {}, _content(entry)):
            try:
                body["text"] = json.dumps(json.loads(body["text"]), indent=2, sort_keys=True)
            except (KeyError, ValueError):
                continue
    return entries


def encoding_header_kept(entries: list[Entry], random_: random.Random) -> list[Entry]:
    for entry in entries:
        _without_header(entry["response"], "content-length")
        entry["response"]["headers"] += [
            {"name": "Content-Encoding", "value": random_.choice(["gzip", "br", "zstd", "deflate"])},
            {"name": "Content-Length", "value": str(random_.randrange(20, 900))},
        ]
    return entries


def utf8_read_as_latin1(entries: list[Entry], random_: random.Random) -> list[Entry]:
    changed: list[Entry] = json.loads(
        json.dumps(entries).replace("Hello", "Gr\\u00fc\\u00dfe \\u2713").replace("Say", "S\\u00e5g")
    )
    encoding = random_.choice(["latin-1", "cp1252"])
    for entry in changed:
        if "text" in _content(entry):
            text = _content(entry)["text"].encode("utf-8", "surrogatepass")
            _content(entry)["_bytes"] = base64.b64encode(text).decode()
            try:
                _content(entry)["text"] = text.decode(encoding)
            except UnicodeError:
                _content(entry)["text"] = text.decode("latin-1")
    return changed


def stream_during_polls_by_seconds(entries: list[Entry], random_: random.Random) -> list[Entry]:
    """The first stream lasts longer than all that follows on its thread; times are whole seconds."""
    for entry in whole_seconds(entries, random_):
        if _is_stream(entry):
            entry["time"] = 3_000
    return entries


def broken_entry(entries: list[Entry], random_: random.Random) -> list[Entry]:
    _pick(entries, random_)["request"] = None
    return entries


DAMAGES: tuple[Damage, ...] = (
    whole_seconds,
    one_whole_second,
    one_hundredth,
    one_duration_unknown,
    one_duration_absent,
    no_times,
    answer_not_saved,
    content_absent,
    answer_cut,
    answer_cut_with_remark,
    stream_aborted,
    request_blocked,
    request_not_saved,
    requests_not_saved,
    request_redacted,
    request_texts_redacted,
    answer_texts_redacted,
    ids_redacted,
    ids_masked,
    ids_and_kinds_redacted,
    run_ids_redacted,
    dates_redacted,
    each_twice,
    repeated_as_a_whole,
    newest_first,
    newest_first_by_seconds,
    in_pieces,
    as_base64,
    type_in_mime_type,
    no_headers,
    header_values_redacted,
    clocks_of_1970,
    one_clock_of_1970,
    runs_created_elsewhere,
    other_apis,
    clock_set_back,
    one_local_time,
    answered_from_cache,
    preflights,
    bodies_formatted,
    encoding_header_kept,
    utf8_read_as_latin1,
    stream_during_polls_by_seconds,
    broken_entry,
)
DURING_RECORDING = frozenset({clock_set_back, utf8_read_as_latin1})
"""Happen to the traffic itself, before a recorder rounds, repeats or encodes what it saw."""
