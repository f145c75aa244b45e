"""`python -m bot.sandbox`: a Slack-like workspace for a bot on this machine."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

import uvicorn

from bot.sandbox.app import create_app
from bot.sandbox.shelf import Shelf
from bot.sandbox.state import SUGGESTION, Workspace

HOST = "127.0.0.1"


def main() -> None:
    """Serve on loopback until told to stop."""
    parser = argparse.ArgumentParser(prog="python -m bot.sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=3001, help="port to listen on (loopback only)")
    parser.add_argument("--bot-url", default="http://127.0.0.1:3000", help="where the bot is")
    parser.add_argument("--suggestion", default=SUGGESTION, help="the first message to offer")
    parser.add_argument("--keep", type=Path, help="folder that keeps the messages for next time")
    args = parser.parse_args()
    workspace = Workspace()
    workspace.suggestion = args.suggestion
    shelf = Shelf(args.keep, workspace) if args.keep else None
    if shelf:
        shelf.fill()
    app = create_app(
        bot_url=args.bot_url,
        base_url=f"http://{HOST}:{args.port}/",
        token=os.environ["SLACK_BOT_TOKEN"],
        secret=os.environ["SLACK_SIGNING_SECRET"],
        workspace=workspace,
        shelf=shelf,
    )
    # The page keeps one connection open for updates; ending it is no error.
    uvicorn.run(app, host=HOST, port=args.port, log_level="critical", timeout_graceful_shutdown=1)


if __name__ == "__main__":
    main()
