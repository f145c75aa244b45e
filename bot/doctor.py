"""`splatbot doctor`: looks at the settings and says what to do, one line each."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator

from slack_sdk.errors import SlackClientError

from bot.core.config import Settings
from bot.core.errors import SplatError
from bot.slack.app import make_client
from bot.storage import open_storage
from bot.web.pages import VIEWER

PIPELINE = ("torch", "numba", "pycolmap", "PIL", "plyfile")


def examine(say: Callable[[str], None] = print) -> int:
    """Look at everything that the bot needs; return 0 when nothing is missing."""
    problems = list(_problems())
    for problem in problems:
        say(f"✗ {problem}")
    if not problems:
        say("✓ All is well.")
    return 1 if problems else 0


def _problems() -> Iterator[str]:
    try:
        settings = Settings.from_env()
    except SplatError as wrong:
        yield str(wrong)
        return
    try:
        make_client(settings).auth_test()
    except (SlackClientError, OSError) as wrong:
        yield f"Slack does not answer as it should ({type(wrong).__name__}). Check SLACK_BOT_TOKEN."
    try:
        open_storage(settings).datasets("doctor/")
    except Exception as wrong:  # noqa: BLE001 - whatever the storage's library raises
        yield f"The storage does not answer ({type(wrong).__name__}). Check SPACES_*."
    missing = [name for name in PIPELINE if importlib.util.find_spec(name) is None]
    if missing:
        yield f"Jobs can not run here: {', '.join(missing)} missing. Install the extra `gpu`."
    if not VIEWER.is_dir():
        yield "The viewer is not built. Run `make setup`."
