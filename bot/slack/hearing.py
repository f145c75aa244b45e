"""Has listeners hear a request of Slack, and answers it as soon as one of them acknowledges.

Bolt itself runs a listener in a second thread, and looks every 10 ms whether it has acknowledged
(slack_bolt/listener/thread_runner.py): of fifty requests at once each waits for all the others.
Here a listener runs in the thread of its request: `ack()` sends the answer, and what the listener
does after that goes on.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable
from typing import Any

from slack_bolt import Ack, App, BoltRequest, BoltResponse
from slack_sdk.errors import SlackClientError
from slack_sdk.webhook import WebhookClient

log = logging.getLogger(__name__)

#: Seconds after which a request is acknowledged without its answer: Slack waits for three.
SOON = 2.0

#: Seconds for one call of a command's own address.
TIMEOUT = 10

#: These are over with their answer: nothing can be said to them afterwards.
AT_ONCE = frozenset({"view_submission", "block_suggestion"})


class Answer:
    """The one answer to a request; a second one is not given."""

    def __init__(self, give: Callable[[BoltResponse], None]) -> None:
        self._give = give
        self._lock = threading.Lock()
        self._is_given = False

    def __call__(self, response: BoltResponse) -> bool:
        """Give an answer; False when there was one before."""
        with self._lock:
            is_first, self._is_given = not self._is_given, True
        if is_first:
            self._give(response)
        return is_first

    def acknowledge(self) -> bool:
        """Answer without a word; False when there was an answer before."""
        return self(BoltResponse(status=200))


class PromptAck(Ack):
    """Bolt's `ack()`, which answers when it is called. One that comes too late is sent after."""

    def __init__(self, answer: Answer, follow: Callable[[BoltResponse], None]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._answer = answer
        self._follow = follow

    def __call__(self, *args: Any, **kwargs: Any) -> BoltResponse:
        """Acknowledge, with what Bolt's own takes."""
        response = super().__call__(*args, **kwargs)
        if not self._answer(response) and response.body:
            self._follow(response)
        return response


def may_follow(request: BoltRequest) -> bool:
    """Whether a request can be acknowledged now and answered later."""
    return request.body.get("type") not in AT_ONCE


def hear(app: App, request: BoltRequest, answer: Answer) -> None:
    """Let the app's listeners hear a request. It is answered when this returns, or earlier."""
    request.context["ack"] = PromptAck(answer, lambda late: _send_after(request, late))
    try:
        answer(app.dispatch(request))
    finally:
        answer(BoltResponse(status=500))


def _send_after(request: BoltRequest, late: BoltResponse) -> None:
    """Send what a command is answered to its own address, good for half an hour."""
    address = request.body.get("response_url")
    if not address:
        return
    try:
        WebhookClient(address, timeout=TIMEOUT).send_dict(json.loads(late.body))
    except (SlackClientError, OSError) as lost:
        log.warning("an answer that was late did not arrive: %s", type(lost).__name__)
