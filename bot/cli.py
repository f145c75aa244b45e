"""The command line: `splatbot serve | demo | run | doctor | reap | slack-manifest`."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bot.core.config import Settings, read_account
from bot.core.environment import BadSetting
from bot.core.errors import SplatError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code. Errors are said once, here."""
    words = sys.argv[1:] if arguments is None else arguments
    args = _parser(with_pipeline=words[:1] == ["run"]).parse_args(words)
    try:
        return int(args.command(args))
    except SplatError as wrong:
        print(f"splatbot: {wrong}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _parser(*, with_pipeline: bool) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="splatbot", description="Photos in, a splat out.")
    commands = parser.add_subparsers(required=True, metavar="command")
    serve = commands.add_parser("serve", help="run the bot")
    serve.set_defaults(command=_serve)
    demo = commands.add_parser("demo", help="run the bot beside a sandbox workspace")
    demo.add_argument("--photos", type=Path, metavar="DIR", help="your own photos (folder or .zip)")
    demo.add_argument("--no-browser", action="store_true", help="only print the address")
    demo.set_defaults(command=_demo)
    run = commands.add_parser("run", help="run the pipeline alone")
    if with_pipeline:
        _add_run_arguments(run)
    doctor = commands.add_parser("doctor", help="say what is missing")
    doctor.set_defaults(command=_doctor)
    _add_reap(commands.add_parser("reap", help="destroy expired GPU droplets, from any host"))
    manifest = commands.add_parser("slack-manifest", help="print the Slack app's manifest")
    manifest.add_argument("url", nargs="?", help="how Slack reaches the bot: https://…")
    manifest.add_argument("--socket", action="store_true", help="for Socket Mode")
    manifest.add_argument("--several", action="store_true", help="for several workspaces")
    manifest.set_defaults(command=_slack_manifest)
    return parser


def _serve(_: argparse.Namespace) -> int:
    from bot.interrupts import INTERRUPTS
    from bot.relay import serve

    INTERRUPTS.listen()
    serve(Settings.from_env())
    return 0


def _demo(args: argparse.Namespace) -> int:
    from bot.demo import run
    from bot.interrupts import INTERRUPTS

    INTERRUPTS.listen()
    run(args.photos, open_browser=not args.no_browser)
    return 0


def _doctor(_: argparse.Namespace) -> int:
    from bot.doctor import examine

    return examine()


def _add_reap(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--install", type=_install, metavar="ID", help="only this bot's droplets")
    parser.add_argument("--dry-run", action="store_true", help="say what would be destroyed")
    parser.add_argument("--quiet", action="store_true", help="say only what is not as it should be")
    parser.set_defaults(command=_reap)


def _install(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_:-]{1,200}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no name of an installation")
    return text


def _reap(args: argparse.Namespace) -> int:
    """Reap with nothing but a token: it runs where there is no bot, and says all on stdout."""
    from bot import reap

    try:
        account = read_account()
    except BadSetting as wrong:
        print(f"splatbot: {wrong}", file=sys.stderr)
        return reap.BAD_SETTINGS
    return reap.run(
        token=account.token,
        api_url=account.api_url,
        install=args.install,
        dry_run=args.dry_run,
        say=print,
        note=(lambda _: None) if args.quiet else print,
    )


def _slack_manifest(args: argparse.Namespace) -> int:
    """Print the manifest. It is needed before there is any token, so it asks for no setting."""
    from bot.slack.manifest import manifest

    url = args.url or os.environ.get("SPLATBOT_PUBLIC_URL", "")
    app = manifest(url, socket=args.socket, several=args.several)
    print(json.dumps(app, indent=2))
    return 0


def _add_run_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the pipeline's own arguments. Only for `run`: nothing else needs the pipeline."""
    try:
        from gpu import cli
    except ImportError as missing:
        parser.add_argument("rest", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
        parser.set_defaults(command=partial(_without_pipeline, missing.name))
        return
    cli.add_arguments(parser)
    parser.set_defaults(command=cli.run)


def _without_pipeline(missing: str | None, _: argparse.Namespace) -> int:
    raise SplatError(
        f"The pipeline is not installed here ({missing} is missing).",
        hint="Install it with: pip install -c constraints.txt '.[gpu]'",
    )


if __name__ == "__main__":
    sys.exit(main())
