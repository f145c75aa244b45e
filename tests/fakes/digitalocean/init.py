"""The first process of a droplet: cloud-init, systemd, and the power supply.

    python -m tests.fakes.digitalocean.init FOLDER SECONDS

After SECONDS it does what the user-data in FOLDER say. Its standard input is the power cable: when
nobody holds the other end any more, everything in the droplet is killed.
"""

from __future__ import annotations

import json
import os
import socketserver
import sys
import threading
import time
from pathlib import Path

from tests.cloud_init.booting import below, commands_of, write_files
from tests.fakes.digitalocean.power import Power
from tests.fakes.digitalocean.systemd import Systemd

USER_DATA = "user-data"


def main(folder: Path, seconds: float) -> None:
    """Run until the power is cut."""
    power = Power()
    _answer_systemctl(Systemd(folder / "etc" / "systemd" / "system", power))
    threading.Thread(target=_boot, args=(folder, seconds, power), daemon=True).start()
    sys.stdin.buffer.read()
    power.cut()
    os._exit(0)


def _boot(folder: Path, seconds: float, power: Power) -> None:
    time.sleep(seconds)
    text = below(folder, (folder / USER_DATA).read_text())
    write_files(text)
    for command in commands_of(text):
        code = power.start(command, cwd=folder).wait()
        print(f"cloud-init: {command} has ended with {code}", flush=True)


def _answer_systemctl(systemd: Systemd) -> None:
    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            code = systemd.do(*json.loads(self.rfile.readline()))
            self.wfile.write(f"{code}\n".encode())

    server = socketserver.ThreadingUnixStreamServer(f"\0{os.environ['SYSTEMD']}", Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
