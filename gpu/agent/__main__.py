"""`python -m gpu.agent CONFIG`: do one attempt of a job on this machine.

Exit code 0: nothing is left to do; 1: it crashed, and should be started again; 2: its
configuration is wrong; 3: another one runs.
"""

from __future__ import annotations

import argparse
import logging
import os
import signal
import sys
from pathlib import Path

from gpu.agent import watchdog
from gpu.agent.agent import Agent
from gpu.agent.config import Config
from gpu.agent.folder import enter
from gpu.agent.scrub import Scrubber, ScrubbingFormatter
from gpu.job import SplatError
from gpu.job.locks import taken

CRASHED, BAD_CONFIG, RUNS_ALREADY = 1, 2, 3

log = logging.getLogger("gpu.agent")


def main(arguments: list[str] | None = None) -> int:
    """Run the agent; return the exit code."""
    parser = argparse.ArgumentParser("python -m gpu.agent", description="Do one job here.")
    parser.add_argument("config", type=Path, help="the file that was written at boot")
    os.umask(0o077)
    try:
        config = Config.read(parser.parse_args(arguments).config)
    except SplatError as wrong:
        sys.stderr.write(f"{wrong}\n")
        return BAD_CONFIG
    scrubber = Scrubber(config.key)
    _log_to_stderr(scrubber)
    try:
        return _run(config, scrubber)
    except Exception:
        log.exception("the agent crashed")  # without secrets, and systemd starts it again
        return CRASHED


def _run(config: Config, scrubber: Scrubber) -> int:
    with taken(enter(config).root / "agent.lock") as lock:
        if lock is None:
            log.error("another agent runs for this job")
            return RUNS_ALREADY
        agent = Agent(config, scrubber)
        signal.signal(signal.SIGTERM, lambda *_: agent.stop())
        watchdog.notify("READY=1")
        agent.run()
    return 0


def _log_to_stderr(scrubber: Scrubber) -> None:
    handler = logging.StreamHandler()
    handler.setFormatter(ScrubbingFormatter(scrubber))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


if __name__ == "__main__":
    sys.exit(main())
