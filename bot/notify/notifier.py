"""Sends what the outbox holds for places elsewhere. Whatever fails here fails nothing else.

Each place is told once of each job that has succeeded or failed: again only after a failure, or
when the bot has crashed between sending and noting that, since mail has no key.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any

from bot.core.environment import BadSetting
from bot.core.jobs import Job, State
from bot.core.ledger import Ledger
from bot.core.rows import Notice
from bot.slack import bills, job_wording

log = logging.getLogger(__name__)

#: Tells one place something: title, text, and whether it is good news. False when it did not work.
Send = Callable[[str, str, bool], bool]

#: Tries, and seconds before the second; each pause is four times the one before.
TRIES, PAUSE = 5, 15.0


class Notifier:
    """Works on the notices for places elsewhere; `tell` is called every so often."""

    def __init__(
        self, ledger: Ledger, senders: Sequence[Send], clock: Callable[[], float] = time.time
    ) -> None:
        self._ledger = ledger
        self._senders = senders
        self._clock = clock

    def tell(self) -> None:
        """Send what is due."""
        for notice in self._ledger.elsewhere(self._clock()):
            self._deliver(notice)

    def _deliver(self, notice: Notice) -> None:
        number = int(notice.payload["place"])
        if number >= len(self._senders):
            self._ledger.give_up(notice.id, "the place is not in the settings any more")
        elif self._sent(notice, number):
            self._ledger.sent(notice.id)
        elif notice.tries + 1 >= TRIES:
            self._ledger.give_up(notice.id, "it did not work")
            log.warning(
                "job %s: place %d of SPLATBOT_NOTIFY was not told", notice.job_id, number + 1
            )
        else:
            self._ledger.postpone(notice.id, self._clock() + PAUSE * 4**notice.tries, "no answer")

    def _sent(self, notice: Notice, number: int) -> bool:
        job = self._ledger.job(notice.job_id)
        spent = self._ledger.machines.spent(job=job.id)
        try:
            return self._senders[number](title(job), text(job, spent), job.state is State.SUCCEEDED)
        except Exception as wrong:  # noqa: BLE001 - its text may hold the address, with a password
            log.warning("place %d of SPLATBOT_NOTIFY: %s", number + 1, type(wrong).__name__)
            return False


def title(job: Job) -> str:
    """The subject of a mail."""
    return f"{job_wording.title(job)}: {job.state}"


def text(job: Job, spent: float) -> str:
    """What is said of a job's end, as plain text."""
    if job.state is State.SUCCEEDED:
        lines = [f"Your splat of {job.dataset} is ready.", job.viewer_url, job_wording.figures(job)]
    else:
        lines = [f"{job.dataset} did not work. {job.error}", job.hint]
    lines.append(f"It has cost {bills.dollars(spent)}." if spent else "")
    return "\n".join(filter(None, lines))


def open_senders(addresses: Sequence[str]) -> list[Send]:
    """Return a sender for each address of apprise. Raises BadSetting, which shows none of them."""
    if not addresses:
        return []
    try:
        import apprise
    except ImportError:
        hint = "Install it with: pip install -c constraints.txt '.[notify]'"
        raise BadSetting("SPLATBOT_NOTIFY", "is set, but apprise is not installed", hint) from None
    # Its log has addresses, and so passwords.
    logging.getLogger("apprise").disabled = True
    return [_sender(apprise, number, each) for number, each in enumerate(addresses, start=1)]


def _sender(apprise: Any, number: int, address: str) -> Send:
    place = apprise.Apprise()
    if not place.add(address):
        hint = "github.com/caronc/apprise/wiki lists the forms, such as mailtos://user:pw@host."
        raise BadSetting("SPLATBOT_NOTIFY", f"has an unknown address (number {number})", hint)

    def send(title: str, body: str, good: bool) -> bool:
        kind = apprise.NotifyType.SUCCESS if good else apprise.NotifyType.FAILURE
        told = place.notify(body, title, kind, body_format=apprise.NotifyFormat.TEXT)
        return bool(told)

    return send
