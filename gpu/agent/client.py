"""What the agent says to the bot: signed requests, and answers that are checked.

BotError
├── Away        no answer, or none that counts: ask again, later
├── Gone        the bot does not know this attempt of the job
└── Refused     the request itself is wrong: the same again is refused again
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from gpu.agent.clock import BotTime
from gpu.agent.config import Config
from gpu.agent.transport import Dropped, Limits, Response, Transport, Unreachable, target_of
from gpu.job import InvalidValue, JobSpec
from gpu.job.events import parse_json
from gpu.job.messages import Answer, Assignment, Report
from gpu.job.signing import WINDOW, sign

#: Answers that say that a request is wrong, and those that say that nobody waits for us.
REFUSALS, NOBODY = frozenset({400, 409, 413, 422}), frozenset({404, 410})

#: The answer to a signature that is not good, or not good any more.
UNKNOWN = 401

#: Seconds between the bot's clock and ours from which a signature may have been refused for it.
APART = WINDOW / 2


class BotError(Exception):
    """A request to the bot that did not succeed."""


class Away(BotError):
    """The bot can not be reached, or not be understood, or has other things to do.

    `wait` is what it asked for, seconds. `is_silent` when there was no answer at all.
    """

    def __init__(self, reason: str, wait: float = 0.0, *, is_silent: bool = False) -> None:
        super().__init__(reason)
        self.wait, self.is_silent = wait, is_silent


class Gone(BotError):
    """The bot waits for no such attempt of a job."""


class Refused(BotError):
    """The bot will not take a request, and says why."""


class Client:
    """Speaks for one attempt of one job."""

    def __init__(
        self,
        config: Config,
        clock: BotTime,
        limits: Limits = Limits(),  # noqa: B008 - frozen
    ) -> None:
        self._config, self._clock = config, clock
        self._transport = Transport(config.bot_url, limits)
        self._path = f"{target_of(config.bot_url).rstrip('/')}/hooks/jobs/{config.job}"

    def assignment(self) -> Assignment:
        """Ask what there is to do. Raises BotError."""
        body = self._post("spec", "{}")
        try:
            assignment = Assignment.from_json(body)
            _check(assignment, self._config)
        except InvalidValue as wrong:
            raise Away(f"the assignment is damaged: {wrong.field}") from None
        return assignment

    def report(self, report: Report) -> Answer:
        """Tell events and figures. Raises BotError."""
        raw = _object(self._post("report", report.to_json()))
        cancel, seq = raw.get("cancel"), raw.get("seq")
        if not isinstance(cancel, bool) or not isinstance(seq, int) or isinstance(seq, bool):
            raise Away("the answer is damaged")
        return Answer(cancel, seq)

    def addresses(self, names: Sequence[str]) -> Mapping[str, str]:
        """Ask for presigned PUTs by name; some may be missing. Raises BotError."""
        raw = _object(self._post("uploads", json.dumps({"names": list(names)})))
        urls = raw.get("urls")
        if not isinstance(urls, dict):
            raise Away("the answer is damaged")
        return {name: urls[name] for name in names if isinstance(urls.get(name), str)}

    def _post(self, what: str, body: str) -> bytes:
        data = body.encode()
        try:
            response, correction = self._send(what, data), 0.0
            if response.status == UNKNOWN and abs(correction := self._behind(response)) > APART:
                response = self._send(what, data, correction)
        except Unreachable as wrong:
            raise Away(str(wrong), is_silent=True) from None
        if not response.is_good:
            raise self._error(response)
        self._clock.agree(correction)
        return response.body

    def _behind(self, response: Response) -> float:
        """Return by how many seconds our clock is behind that of an answer; 0 if it has none."""
        date = _date(response.headers.get("Date", ""))
        return 0.0 if date is None else date - self._clock.time()

    def _send(self, what: str, data: bytes, correction: float = 0.0) -> Response:
        try:
            return self._send_once(what, data, correction)
        except Dropped:
            return self._send_once(what, data, correction)  # signed anew: none is good twice

    def _send_once(self, what: str, data: bytes, correction: float) -> Response:
        job, fence = self._config.job, self._config.fence
        headers = sign(self._config.key, job, fence, data, now=self._clock.time() + correction)
        headers["Content-Type"] = "application/json"
        return self._transport.request("POST", f"{self._path}/{what}", data, headers)

    def _error(self, response: Response) -> BotError:
        if response.status in NOBODY:
            return Gone(f"the bot answered {response.status}")
        if response.status in REFUSALS:
            return Refused(_detail(response))
        wait = _seconds(response.headers.get("Retry-After", ""), self._clock.time())
        return Away(f"the bot answered {response.status}", wait)


def _check(assignment: Assignment, config: Config) -> None:
    """Raise InvalidValue unless an assignment is whole and this machine's own."""
    if not isinstance(assignment.spec, str):
        raise InvalidValue("spec", type(assignment.spec), "JSON as a text")
    spec = JobSpec.from_json(assignment.spec)
    if (spec.job_id, spec.attempt) != (config.job, config.fence):
        raise InvalidValue("job_id", spec.job_id, config.job)
    deadline, order = assignment.deadline, assignment.self_destruct
    if not isinstance(deadline, int | float) or not math.isfinite(deadline):
        raise InvalidValue("deadline", deadline, "Unix seconds")
    if order is not None and not _is_order(order):
        raise InvalidValue("self_destruct", "", "url and token")


def _is_order(order: object) -> bool:
    return isinstance(order, dict) and all(isinstance(order.get(k), str) for k in ("url", "token"))


def _object(body: bytes) -> dict[str, Any]:
    try:
        raw = parse_json(body)
    except (ValueError, RecursionError):
        raw = None
    if not isinstance(raw, dict):
        raise Away("the answer is damaged")
    return raw


def _detail(response: Response) -> str:
    try:
        detail = _object(response.body).get("detail")
    except Away:
        detail = None
    return str(detail)[:300] if detail else f"the bot answered {response.status}"


def _seconds(text: str, now: float) -> float:
    """Read Retry-After, which is seconds or a date; 0 when it is neither (RFC 9110, 10.2.3)."""
    if text.isascii() and text.isdecimal():
        return float(text)
    date = _date(text)
    return 0.0 if date is None else max(date - now, 0.0)


def _date(text: str) -> float | None:
    """Read a date of HTTP as Unix seconds; None when it is none (RFC 9110, 5.6.7)."""
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, OverflowError):
        return None
