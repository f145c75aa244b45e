"""Holds the simulator's answers against DigitalOcean's own API description, where it is there."""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

from openapi_schema_validator import OAS30Validator

DESCRIPTION = (
    Path(__file__).resolve().parents[4] / "shared" / "contracts" / "digitalocean-openapi.json"
)
#: "off" without quotes is `false` in YAML, and so it stands in the bundled description.
MENDED = {"enum": ["new", "active", False, "archive"]}

checked: set[tuple[str, str, int]] = set()


def check(method: str, path: str, status: int, body: Any) -> None:
    """Raise a ValidationError when an answer is not as described. Silent outcomes have no body."""
    if status <= 0 or not DESCRIPTION.exists():
        return
    template = next((t for t, known in _templates().items() if known.fullmatch(path)), None)
    if template is None:
        assert status == 404, f"{path} is not in the description"
        return
    answers = _description()["paths"][template][method.lower()]["responses"]
    answer = answers.get(str(status)) or answers["default"]
    content = answer.get("content", {}).get("application/json")
    if content and body is not None:
        _validator(template, method.lower(), str(status)).validate(body)
    checked.add((method, template, status))


@cache
def _description() -> Any:
    text = DESCRIPTION.read_text(encoding="utf-8")
    return json.loads(text, object_hook=_mend)


def _mend(node: dict[str, Any]) -> dict[str, Any]:
    if node.get("enum") == MENDED["enum"]:
        node["enum"] = ["new", "active", "off", "archive"]
    return node


@cache
def _templates() -> dict[str, re.Pattern[str]]:
    paths = sorted(_description()["paths"], key=lambda p: p.count("{"))
    return {path: re.compile(re.sub(r"\{\w+\}", "[^/]+", path)) for path in paths}


@cache
def _validator(template: str, method: str, status: str) -> Any:
    answers = _description()["paths"][template][method]["responses"]
    answer = answers.get(status) or answers["default"]
    schema = answer["content"]["application/json"]["schema"]
    return OAS30Validator({**schema, "components": _description()["components"]})
