"""The part of systemd that our units use (systemd.service(5), systemd.unit(5)).

Type= notify and oneshot, Environment=, WorkingDirectory=, ExecStart=, Restart=on-failure with
RestartSec= and RestartPreventExitStatus=, the start limit, WatchdogSec=, KillMode=process, and
timers that are due every minute.
"""

from __future__ import annotations

import configparser
import os
import select
import shlex
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.fakes.digitalocean.power import Power

#: How a service may end without having failed: as it wants, or as it was asked to.
CLEAN = {0, -signal.SIGHUP, -signal.SIGINT, -signal.SIGTERM, -signal.SIGPIPE}

#: Seconds between two looks at a running service.
LOOK = 0.05


class Systemd:
    """What `systemctl` asks."""

    def __init__(self, units: Path, power: Power) -> None:
        self._units, self._power = units, power
        self._services: dict[str, Service] = {}

    def do(self, verb: str, *arguments: str) -> int:
        """Carry out one command of systemctl; return its exit code."""
        options = dict(a.lstrip("-").partition("=")[::2] for a in arguments if a.startswith("-"))
        services = [self._service(a) for a in arguments if a.endswith(".service")]
        match verb:
            case "daemon-reload" | "enable":
                return 0
            case "start":
                self._start_timers([a for a in arguments if a.endswith(".timer")])
                return max((service.start() for service in services), default=0)
            case "stop":
                return max((service.stop() for service in services), default=0)
            case "kill":
                how = signal.Signals[options.get("signal", "SIGTERM")]
                return max((service.kill(how) for service in services), default=0)
            case "is-failed":
                return 0 if any(service.has_failed for service in services) else 1
            case "reset-failed":
                for service in services:
                    service.reset()
                return 0
        raise ValueError(f"systemctl {verb} is not simulated")

    def _service(self, name: str) -> Service:
        return self._services.setdefault(name, Service(self._units / name, self._power))

    def _start_timers(self, names: list[str]) -> None:
        for name in names:
            service = self._service(name.replace(".timer", ".service"))
            threading.Thread(target=_every_minute, args=(service,), daemon=True).start()


def _every_minute(service: Service) -> None:
    while True:
        time.sleep(60 - time.time() % 60)
        service.start()


class Service:
    """One service: starts its program, hears it, and starts it again when it fails."""

    def __init__(self, file: Path, power: Power) -> None:
        unit = configparser.RawConfigParser(strict=False)
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read(file)
        self._name, self._power = file.name, power
        self._unit, self._service = unit["Unit"], unit["Service"]
        self._lock = threading.Lock()
        self._settled, self._stopping = threading.Event(), threading.Event()
        self._thread: threading.Thread | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._starts: list[float] = []
        self.has_failed = False

    def start(self) -> int:
        """Start the service unless it runs. Returns when it is ready, or has ended."""
        with self._lock:
            if self._thread is None or not self._thread.is_alive():
                self._settled.clear()
                self._stopping.clear()
                self._thread = threading.Thread(target=self._keep, daemon=True)
                self._thread.start()
        self._settled.wait()
        return int(self.has_failed)

    def stop(self) -> int:
        """Ask the service to end, and wait for that."""
        self._stopping.set()
        self.kill(signal.SIGTERM)
        if self._thread:
            self._thread.join()
        return 0

    def kill(self, how: signal.Signals) -> int:
        """Send a signal to the service's own process; 1 when it has none."""
        if self._process is None or self._process.poll() is not None:
            return 1
        self._process.send_signal(how)
        return 0

    def reset(self) -> None:
        """Forget failures, and how often it was started."""
        self.has_failed = False
        self._starts.clear()

    def _keep(self) -> None:
        """Run the program; again, and again, as its unit says."""
        while self._may_start():
            code = self._run()
            again = self._service.get("Restart") == "on-failure" and code not in self._final
            if code in CLEAN or self._stopping.is_set():
                break
            print(f"systemd: {self._name} has ended with {code}", flush=True)
            if not again:
                self.has_failed = True
            if not again or self._stopping.wait(float(self._service.get("RestartSec", "0.1"))):
                break
        self._settled.set()

    @property
    def _final(self) -> set[int]:
        """The exit codes after which it is not started again."""
        return set(map(int, self._service.get("RestartPreventExitStatus", "").split()))

    def _may_start(self) -> bool:
        """Whether the start limit allows one more; if not, the service has failed."""
        now, interval = time.monotonic(), float(self._unit.get("StartLimitIntervalSec", "10"))
        self._starts = [at for at in self._starts if now - at < interval] + [now]
        self.has_failed = len(self._starts) > int(self._unit.get("StartLimitBurst", "5"))
        return not self.has_failed

    def _run(self) -> int:
        with _channel() as (channel, address):
            given = dict(w.split("=", 1) for w in shlex.split(self._service.get("Environment", "")))
            self._process = self._power.start(
                shlex.split(self._service["ExecStart"]),
                env={**os.environ, **given, "NOTIFY_SOCKET": address},
                cwd=self._service.get("WorkingDirectory", "/"),
            )
            self._listen(channel, self._process)
        return self._process.wait()

    def _listen(self, channel: socket.socket, process: subprocess.Popen[bytes]) -> None:
        """Hear what the program says of itself; abort it when it is silent for too long."""
        heard, patience = time.monotonic(), float(self._service.get("WatchdogSec", "inf"))
        while process.poll() is None:
            if select.select([channel], [], [], LOOK)[0]:
                heard = time.monotonic()
                if b"READY=1" in channel.recv(4096):
                    self._settled.set()
            elif time.monotonic() - heard > patience:
                process.send_signal(signal.SIGABRT)


@contextmanager
def _channel() -> Iterator[tuple[socket.socket, str]]:
    """Open a socket to which a service tells how it is (sd_notify(3)); yield it and its name."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
        channel.bind("")  # the kernel chooses an abstract name
        yield channel, channel.getsockname().decode().replace("\0", "@")
