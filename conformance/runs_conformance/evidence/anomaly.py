"""Descriptions of the anomalies of malformed and extreme requests."""

from __future__ import annotations

_DESCRIPTIONS = {
    "array_body": "a body that is an array",
    "boolean_body": "a body that is a boolean",
    "byte_order_mark": "a body with a byte order mark",
    "content_type_in_capitals": "a content type in capitals",
    "content_type_with_charset": "a content type with a charset",
    "control_characters": "a body with control characters",
    "deep_nesting": "a deeply nested body",
    "duplicate_keys": "a body with two members of one name",
    "emoji_in_id": "an id with an emoji",
    "empty_body": "an empty body",
    "empty_limit": "an empty limit",
    "huge_body": "a body of ten million characters",
    "invalid_utf8": "a body that is not valid UTF-8",
    "lone_surrogate": "a body with a lone surrogate",
    "long_cursor": "a cursor of thousands of characters",
    "long_id": "an id of thousands of characters",
    "long_limit": "a limit of a thousand digits",
    "long_number": "a body with an extremely large number",
    "long_string": "a body with a string of a million characters",
    "malformed_json": "a body that is not JSON",
    "many_members": "a body with thousands of members or items",
    "markup_in_id": "an id with markup",
    "missing_content_type": "a body without a content type",
    "negative_limit": "a negative limit",
    "newline_in_id": "an id with a line break",
    "noncharacter": "a body with noncharacters",
    "nul": "a body with a NUL character",
    "nul_in_id": "an id with a NUL character",
    "nul_in_query": "a query with a NUL character",
    "null_body": "a body that is null",
    "number_body": "a body that is a number",
    "odd_cursor": "a cursor with quotes",
    "odd_limit": "a limit with an exponent",
    "odd_order": "an unknown order",
    "percent_in_id": "an id with percent signs",
    "quote_in_id": "an id with quotes",
    "rather_long_id": "an id of 200 characters",
    "repeated_parameter": "a repeated query parameter",
    "reversed_surrogates": "a body with surrogates in the wrong order",
    "right_to_left": "a body with right-to-left marks",
    "slash_in_id": "an id with a slash",
    "space_as_id": "an id that is a space",
    "string_body": "a body that is a string",
    "template_in_id": "an id with template syntax",
    "trailing_json": "a body with more text after its JSON value",
    "unknown_parameter": "an unknown query parameter",
    "utf_16": "a body in UTF-16",
    "wrong_content_type": "a body with a content type other than JSON",
}


def describe_anomaly(name: str) -> str:
    """The part of a request that has an anomaly, as a noun phrase: `a body that is an array`."""
    return _DESCRIPTIONS.get(name) or f"a request with {name.replace('_', ' ')}"
