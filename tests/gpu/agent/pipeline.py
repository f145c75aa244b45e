"""A stand-in for the pipeline that does at once what the job's dataset says.

ok        every stage, with a picture, then ends        fail     an event that says why, exit code 1
mute      ends with a word on stderr and no event       full     is ended as if memory were full
wait      starts, then works for ever                   gate     like ok, but waits for a file `go`
stubborn  like wait; it and its child ignore SIGTERM    many     like ok, with 250 steps in between
secret    prints and tells every secret that it finds in `secrets`, then fails
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    " print('ready', flush=True); time.sleep(600)"
)

path = Path(sys.argv[1])
folder, spec = path.parent, json.loads(path.read_text())
events = folder / "events.jsonl"


def tell(stage: str, status: str, **more: object) -> None:
    told = events.read_text().splitlines() if events.exists() else []
    event = {
        "job": spec["job_id"], "attempt": spec["attempt"], "seq": len(told) + 1, "stage": stage,
        "status": status, "fraction": 1.0, "message": f"{stage} {status}.", "time": time.time(),
        "metrics": {"seconds": 1.0}, "pictures": [], "hint": "",
    } | more  # fmt: skip
    with events.open("a") as file:
        file.write(json.dumps(event) + "\n")


def finish() -> None:
    (folder / "previews").mkdir(exist_ok=True)
    (folder / "previews" / "train.jpg").write_bytes(b"a picture")
    tell("train", "done", pictures=["previews/train.jpg"])
    tell("publish", "done")


with (folder / "runs").open("a") as runs:
    runs.write("x")
(folder / "environment").write_text(json.dumps(dict(os.environ)))
print("the pipeline says hello", flush=True)
kind = spec["dataset"]
tell("fetch", "started")
match kind:
    case "ok":
        finish()
    case "many":
        for number in range(250):
            tell("train", "progress", message=f"Step {number}", fraction=number / 250)
        finish()
    case "gate":
        tell("fetch", "done")
        while not (folder / "go").exists():
            time.sleep(0.002)
        finish()
    case "fail":
        tell("geometry", "failed", message="The photos do not connect.", hint="Take more.")
        sys.exit(1)
    case "mute":
        sys.exit("something broke")
    case "full":
        os.kill(os.getpid(), signal.SIGKILL)
    case "secret":
        secrets = (folder.parent / "secrets").read_text()
        print(secrets, flush=True)
        tell("fetch", "progress", message=secrets, metrics={"note": secrets.splitlines()[0]})
        sys.exit(secrets)
    case "stubborn":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child = subprocess.Popen([sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE)
        assert child.stdout is not None
        child.stdout.readline()
        (folder / "grandchild").write_text(str(child.pid))
        tell("fetch", "done")
        while True:
            time.sleep(60)
    case _:
        tell("fetch", "done")
        signal.pause()
