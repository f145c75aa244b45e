"""A stand-in for `python -m gpu job.json` that does at once what the job's dataset says.

ok      every stage, then ends          fail    an event that says why, exit code 1
wait    starts, then works for ever     mute    ends with a word on stderr and no event
family  like wait, with a child of its own that ignores SIGTERM
alone   like ok, but leaves the file `overlap` beside the jobs when another one runs as well
secret  like mute; its last words are an address with a signature, and its environment
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print('ready', flush=True); time.sleep(600)"
)


def main() -> None:
    path = Path(sys.argv[1])
    spec = json.loads(path.read_text())
    numbers = iter(range(1, 100))

    def tell(stage: str, status: str, **more: object) -> None:
        event = {
            "job": spec["job_id"], "attempt": spec["attempt"], "seq": next(numbers),
            "stage": stage, "status": status, "fraction": 1.0, "message": f"{stage} {status}.",
            "time": time.time(), "metrics": {"seconds": 1.0}, "pictures": [], "hint": "",
        } | more  # fmt: skip
        with (path.parent / "events.jsonl").open("a") as file:
            file.write(json.dumps(event) + "\n")

    with (path.parent / "starts").open("a") as file:
        file.write("x")
    kind = spec["dataset"].rsplit("/", 1)[-1]
    if kind == "family":
        child = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
    tell("fetch", "done")
    match kind:
        case "ok":
            tell("publish", "done")
        case "fail":
            tell("geometry", "failed", message="The photos do not connect.", hint="Take more.")
            sys.exit(1)
        case "mute":
            sys.exit("something broke")
        case "alone":
            with alone(path.parent.parent):
                time.sleep(0.05)
            tell("publish", "done")
        case "secret":
            names = " ".join(sorted(os.environ))
            sys.exit(f"{names}\nno photo at https://bucket/a.jpg?X-Amz-Signature=abc123")
        case _:
            signal.pause()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    try:
        (folder / "busy").touch(exist_ok=False)
    except FileExistsError:
        (folder / "overlap").touch()
    yield
    (folder / "busy").unlink(missing_ok=True)


if __name__ == "__main__":
    main()
