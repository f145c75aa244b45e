"""Keeps secrets out of everything that leaves the machine or stays in its journal."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from pathlib import Path

from gpu.job import Event
from gpu.job.events import Metric

HIDDEN = "***"

#: What looks like a secret, and what is left of it.
RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    # The query of an address, which is what signs a presigned one, and a password in front.
    (re.compile(r"(https?://[^\s?#\"'<>]*)\?[^\s\"'<>]*", re.IGNORECASE), r"\1"),
    (re.compile(r"(https?://)[^\s/@\"']+@", re.IGNORECASE), r"\1"),
    (re.compile(r"\b(X-(?:Amz|Goog)-[A-Za-z-]+)=[^\s&\"'<>]+", re.IGNORECASE), rf"\1={HIDDEN}"),
    (
        re.compile(
            r"(authorization[\"']?\s*[:=]\s*[\"']?)(?:[A-Za-z0-9-]+\s+)?[^\s\"',}]+", re.IGNORECASE
        ),
        rf"\1{HIDDEN}",
    ),
    (re.compile(r"\b(bearer)\s+[\w.~+/=-]{8,}", re.IGNORECASE), rf"\1 {HIDDEN}"),
    # Tokens of DigitalOcean, Slack, Hugging Face and GitHub, and keys of AWS, by their form.
    (
        re.compile(
            r"\b(?:do[opr]_v1_\w+|xox[a-z]-[\w-]+|xapp-[\w-]+|hf_\w{16,}|gh[a-z]_\w{16,}"
            r"|A[KS]IA[A-Z0-9]{16})"
        ),
        HIDDEN,
    ),
    (
        re.compile(
            r"\b([\w-]*(?:token|secret|passw(?:or)?d|api_?key|signature)[\w-]*[\"']?\s*[:=]\s*[\"']?)"
            r"[^\s\"',&}]{8,}",
            re.IGNORECASE,
        ),
        rf"\1{HIDDEN}",
    ),
)


class Scrubber:
    """Replaces secrets in texts: those it was told, and what looks like one."""

    def __init__(self, *secrets: str) -> None:
        self._secrets: set[str] = set()
        for secret in secrets:
            self.add(secret)

    def add(self, secret: str) -> None:
        """Tell of a secret that must not be seen."""
        if secret:
            self._secrets.add(secret)

    def text(self, text: str) -> str:
        """Return a text without secrets."""
        for secret in sorted(self._secrets, key=len, reverse=True):  # one may hold another
            text = text.replace(secret, HIDDEN)
        for pattern, left in RULES:
            text = pattern.sub(left, text)
        return text

    def metrics(self, metrics: Mapping[str, Metric]) -> dict[str, Metric]:
        """Return figures without secrets in their words."""
        return {
            self.text(name): self.text(value) if isinstance(value, str) else value
            for name, value in metrics.items()
        }


class ScrubbingFormatter(logging.Formatter):
    """Writes log records, with their tracebacks, without secrets."""

    def __init__(self, scrubber: Scrubber) -> None:
        super().__init__("%(levelname)s %(name)s: %(message)s")
        self._scrubber = scrubber

    def format(self, record: logging.LogRecord) -> str:
        return self._scrubber.text(super().format(record))


def scrubbed(event: Event, scrubber: Scrubber) -> Event:
    """Return an event as it may leave the machine."""
    values = vars(event) | {
        "message": scrubber.text(event.message),
        "hint": scrubber.text(event.hint),
        "metrics": scrubber.metrics(event.metrics),
    }
    return Event(**values)


def read_tail(file: Path, limit: int, *, whole_lines: bool = False) -> str:
    """Return the end of a text file, `limit` bytes at most, from the start of a line.

    A line that was cut in front may begin amid a secret, which nothing recognises then; with
    `whole_lines` the same holds for a last line that is still being written.
    """
    try:
        with file.open("rb") as log:
            size = log.seek(0, 2)
            log.seek(max(size - limit - 1, 0))
            data = log.read(limit + 1)
    except FileNotFoundError:
        return ""
    if size > limit:
        _, _, data = data.partition(b"\n")
    if whole_lines:
        data = data[: data.rfind(b"\n") + 1]
    return data.decode("utf-8", errors="replace")
