"""`splatbot doctor`: looks at all that the bot needs and says what to do, one line each.

Everything is only looked at. The one thing that is written, and removed again, is a probe in the
storage, under `.splatbot/doctor/`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import partial

import httpx

from bot.compute.digitalocean import DigitalOcean
from bot.core.config import Settings
from bot.core.costs import Budget
from bot.core.errors import SplatError
from bot.core.ledger import Ledger
from bot.core.rounds import Finding
from bot.doctor import digitalocean, here, slack, storage, web
from bot.slack.workspaces import open_workspaces, web_client
from bot.storage import open_storage

__all__ = ["examine", "findings"]

log = logging.getLogger(__name__)

#: Seconds for one request.
PATIENCE = 10.0


def examine(say: Callable[[str], None] = print) -> int:
    """Say every finding; return 0 when nothing is to be mended."""
    try:
        settings = Settings.from_env()
    except SplatError as wrong:
        say(str(Finding(False, wrong.user_message, wrong.hint)))
        return 1
    # Without a ledger nothing was spent here yet; looking does not make one.
    ledger = Ledger(settings.ledger) if settings.ledger.is_file() else None
    is_well = True
    for finding in findings(settings, ledger):
        say(str(finding))
        is_well = is_well and finding.ok
    return 0 if is_well else 1


def findings(settings: Settings, ledger: Ledger | None) -> Iterator[Finding]:
    """Look at everything, in the order in which one sets it up. Takes seconds."""
    with httpx.Client(timeout=PATIENCE) as http:
        yield from _guarded("Slack", partial(_slack, settings, ledger))
        yield from _guarded("the public address", partial(web.findings, settings, http))
        look = partial(storage.findings, open_storage(settings), settings, http)
        yield from _guarded("the storage", look)
        yield from _guarded("this machine", partial(here.findings, settings))
        if settings.droplets:
            api = DigitalOcean(settings.droplets)
            look = partial(digitalocean.findings, api, settings.droplets)
            yield from _guarded("DigitalOcean", look)
            yield from _budget(settings.droplets.monthly_budget, ledger)


def _slack(settings: Settings, ledger: Ledger | None) -> Iterator[Finding]:
    """Look at every workspace's token, and at the app's own."""
    if settings.slack_app_token:
        yield slack.socket(web_client(settings), settings.slack_app_token)
    if settings.slack_client_id:
        clients = open_workspaces(settings, ledger.tenants).clients() if ledger else ()
        if not clients:
            yield slack.nowhere(settings.public_url)
        for client in clients:
            yield from slack.findings(client)
    else:
        yield from slack.findings(web_client(settings, settings.slack_bot_token))


def _guarded(name: str, look: Callable[[], Iterable[Finding]]) -> Iterator[Finding]:
    """Look, and report whatever goes wrong as a finding: one look must not end the others."""
    try:
        yield from look()
    except SplatError as wrong:
        yield Finding(False, wrong.user_message, wrong.hint)
    except Exception as wrong:
        log.exception("the doctor could not look at %s", name)
        what = f"{name[0].upper()}{name[1:]} could not be looked at ({type(wrong).__name__})."
        yield Finding(False, what, "The bot's log says more.")


def _budget(monthly: float, ledger: Ledger | None) -> Iterator[Finding]:
    spent = Budget(ledger, monthly).spent() if ledger else 0.0
    what = f"${spent:,.2f} of this month's budget of ${monthly:,.2f} is spent."
    yield Finding(spent < monthly, what, "Raise SPLATBOT_MONTHLY_BUDGET, or wait for the 1st.")
