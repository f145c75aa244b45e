"""Ctrl-C, SIGTERM and a closed terminal: what has to be tidied up is, and none of them is lost.

All raise KeyboardInterrupt. What a signal raises can vanish: in a destructor, or in compiled code
that calls back, as pydantic's does while the bot starts. So it is noted too, and looked at before
the bot begins to wait.
"""

from __future__ import annotations

import signal
from contextlib import suppress
from types import FrameType

import uvicorn


class Interrupts:
    """Raises KeyboardInterrupt for a signal; `came` says whether one ever did."""

    def __init__(self) -> None:
        self.came = False

    def __call__(self, _number: int, _frame: FrameType | None) -> None:
        """Handle a signal, as signal.signal has it."""
        self.came = True
        raise KeyboardInterrupt

    def listen(self) -> None:
        """Have the signals that end a program raise.

        By default SIGTERM ends it on the spot; uvicorn too sends it again once it has closed.
        """
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self)
        # A closed terminal is as SIGTERM, to whoever listens to that then; `nohup` has it ignored.
        if signal.getsignal(signal.SIGHUP) is signal.SIG_DFL:
            signal.signal(signal.SIGHUP, lambda *_: signal.raise_signal(signal.SIGTERM))

    def serve(self, server: uvicorn.Server) -> None:
        """Serve until told to stop, which may have been before."""
        with suppress(KeyboardInterrupt):  # as uvicorn.run does: told to stop, it has stopped
            if not self.came:
                server.run()


#: Those of this process.
INTERRUPTS = Interrupts()
