"""A machine that boots gets the bot's pipeline, some Python, and starts the job, for real."""

import configparser
import hashlib
import json
import shlex
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from bot.compute.bundle import build
from bot.compute.userdata import UserData, render
from tests.cloud_init.booting import Shelf, boot, files_of, run, shelf, write
from tests.cloud_init.machine import VOLUME, Machine, hide_uv, release_of_uv

BUNDLE = build()
KEY = "5ec2e7" + "0" * 58
QUERY = "X-Amz-Signature=5ec2e71f"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def bundle() -> Iterator[Shelf]:
    with shelf(BUNDLE) as served:
        yield served


def user_data(bundle: Shelf, *, deadline: int = 2_000_000_000, volume: str = "") -> str:
    return render(
        UserData(
            job="demo-1",
            fence=2,
            key=KEY,
            bot_url="https://bot.example",
            bundle_url=f"{bundle.url}/bundle.tar.gz?{QUERY}&a=[1-2]",
            bundle_sha256=hashlib.sha256(BUNDLE).hexdigest(),
            deadline=deadline,
            volume=volume,
        )
    )


def unit(machine: Machine, name: str) -> configparser.RawConfigParser:
    parser = configparser.RawConfigParser()
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read(machine.folder / "etc" / "systemd" / "system" / name)
    return parser


def test_the_job_starts_after_the_metadata_are_closed(machine: Machine, bundle: Shelf) -> None:
    done = boot(machine, user_data(bundle))
    assert done.returncode == 0, done.stderr
    did = [call for call in machine.calls() if call.startswith(("systemctl", "ip"))]
    assert did == [
        "systemctl daemon-reload",
        "systemctl enable splatbot-boot.service splatbot-watchdog.timer",
        "systemctl start splatbot-watchdog.timer",
        "ip route replace blackhole 169.254.169.254/32",
        "systemctl start splatbot-job.service",
    ]


def test_the_jobs_unit_runs_the_bundles_code(machine: Machine, bundle: Shelf) -> None:
    boot(machine, user_data(bundle))
    service = unit(machine, "splatbot-job.service")["Service"]
    python, *arguments = shlex.split(service["ExecStart"])
    assert arguments[:2] == ["-m", "gpu.agent"]
    assert json.loads(Path(arguments[2]).read_text())["job"] == "demo-1"
    where = "import gpu.job; print(gpu.job.__file__)"
    told = run(machine, "env", "-C", service["WorkingDirectory"], python, "-c", where)
    assert told.stdout.strip() == f"{machine.root}/pipeline/gpu/job/__init__.py", told.stderr


def test_only_root_may_read_the_jobs_key(machine: Machine, bundle: Shelf) -> None:
    assert files_of(user_data(bundle))["/etc/splatbot/job.json"]["permissions"] == "0600"


def test_no_secret_is_printed_or_part_of_a_command(machine: Machine, bundle: Shelf) -> None:
    done = boot(machine, user_data(bundle))
    assert bundle.asked == [f"/bundle.tar.gz?{QUERY}&a=[1-2]"]
    for told in (done.stdout, done.stderr, *machine.calls()):
        assert KEY not in told
        assert QUERY not in told


def test_booting_again_gets_nothing_again(machine: Machine, bundle: Shelf) -> None:
    data = user_data(bundle)
    boot(machine, data)
    (machine.root / "pipeline" / "mark").touch()
    done = boot(machine, data)
    assert done.returncode == 0
    assert len(bundle.asked) == 1
    assert (machine.root / "pipeline" / "mark").exists()
    assert machine.calls()[-1] == "systemctl start splatbot-job.service"


def test_a_copy_of_a_machine_runs_its_own_bots_pipeline(machine: Machine, bundle: Shelf) -> None:
    """A snapshot brings the runtime, and the pipeline of the job before."""
    boot(machine, user_data(bundle))
    (machine.root / "pipeline" / "bundle.sha256").write_text("of another version\n")
    (machine.root / "pipeline" / "old").touch()
    assert boot(machine, user_data(bundle)).returncode == 0
    assert len(bundle.asked) == 2
    assert not (machine.root / "pipeline" / "old").exists()


def test_two_boots_at_once_get_the_pipeline_once(machine: Machine, bundle: Shelf) -> None:
    command = write(machine, user_data(bundle))
    with ThreadPoolExecutor() as both:
        ends = list(both.map(lambda _: run(machine, *command).returncode, range(2)))
    assert ends == [0, 0]
    assert len(bundle.asked) == 1


def test_a_reboot_starts_the_job_again(machine: Machine, bundle: Shelf) -> None:
    boot(machine, user_data(bundle))
    service = unit(machine, "splatbot-boot.service")["Service"]
    machine.forget_calls()
    assert run(machine, *shlex.split(service["ExecStart"])).returncode == 0
    assert "systemctl start splatbot-job.service" in machine.calls()


def test_another_bundle_than_the_bots_is_never_run(machine: Machine, bundle: Shelf) -> None:
    bundle.data = BUNDLE[:-8] + b"changed!"
    done = boot(machine, user_data(bundle))
    assert done.returncode != 0
    assert "not the one that the bot has named" in done.stderr
    assert "systemctl start splatbot-job.service" not in machine.calls()
    assert not (machine.root / "pipeline").exists()


def test_a_warm_volume_saves_every_download_but_the_bundle(machine: Machine, bundle: Shelf) -> None:
    machine.attach()
    machine.volume = VOLUME
    assert machine.provision().returncode == 0
    machine.forget_calls()
    (machine.knobs / "mounted").unlink()
    assert boot(machine, user_data(bundle, volume=VOLUME)).returncode == 0
    assert machine.calls("uv") == []
    assert len(machine.calls("curl")) == 1
    assert (machine.root / "bin" / "python").readlink().is_relative_to(machine.mount)


def test_the_images_own_python_is_enough_for_the_agent(machine: Machine, bundle: Shelf) -> None:
    hide_uv(machine)
    assert boot(machine, user_data(bundle)).returncode == 0
    assert len(machine.calls("curl")) == 1  # the bundle


def test_an_older_image_gets_a_python_of_ours(machine: Machine, bundle: Shelf) -> None:
    old = machine.shims / "python3"
    old.write_text(
        '#!/usr/bin/env bash\n[[ "$*" != *version_info* ]] || exit 1\nexec "$FAKE_PYTHON" "$@"\n'
    )
    old.chmod(0o755)
    release_of_uv(machine)  # of another digest than the bundle's lock file has
    done = boot(machine, user_data(bundle))
    assert done.returncode != 0
    assert "is not what runtime.lock expects" in done.stdout  # so uv was asked for, and checked

    (machine.folder / "uv").rename(machine.shims / "uv")
    assert boot(machine, user_data(bundle)).returncode == 0
    assert (machine.root / "bin" / "python").readlink().is_relative_to(machine.root / "pythons")


def watch(machine: Machine, bundle: Shelf, *, late: bool) -> list[str]:
    """Let the watchdog look at a machine, and return what it told systemd to do."""
    boot(machine, user_data(bundle, deadline=int(time.time()) + (-60 if late else 3600)))
    machine.forget_calls()
    service = unit(machine, "splatbot-watchdog.service")["Service"]
    assert run(machine, *shlex.split(service["ExecStart"])).returncode == 0
    return machine.calls("systemctl")


def test_the_watchdog_leaves_a_running_agent_alone(machine: Machine, bundle: Shelf) -> None:
    """It ends the job itself at the deadline; stopping it would skip its clean-up."""
    asked = ["systemctl is-failed --quiet splatbot-job.service"]
    assert watch(machine, bundle, late=True) == asked


def test_after_the_deadline_a_failed_agent_comes_back_to_clean_up(
    machine: Machine, bundle: Shelf
) -> None:
    machine.turn("agent-failed")
    assert watch(machine, bundle, late=True)[1:] == [
        "systemctl kill --signal=SIGTERM splatbot-job.service",
        "systemctl reset-failed splatbot-job.service",
        "systemctl start splatbot-job.service",
    ]


def test_before_the_deadline_the_watchdog_does_nothing(machine: Machine, bundle: Shelf) -> None:
    machine.turn("agent-failed")
    assert watch(machine, bundle, late=False) == []


def test_the_watchdog_looks_every_minute(machine: Machine, bundle: Shelf) -> None:
    boot(machine, user_data(bundle))
    assert unit(machine, "splatbot-watchdog.timer")["Timer"]["OnCalendar"] == "minutely"


def test_the_end_of_the_agent_is_not_the_end_of_the_pipeline(
    machine: Machine, bundle: Shelf
) -> None:
    """One that is started again takes over the pipeline that the last one has started."""
    boot(machine, user_data(bundle))
    service = unit(machine, "splatbot-job.service")["Service"]
    assert service["KillMode"] == "process"
    assert service["OOMPolicy"] == "continue"


def test_nothing_on_the_machine_uses_sigkill(bundle: Shelf) -> None:
    """It runs no clean-up."""
    text = user_data(bundle).upper()
    assert "SIGKILL" not in text
    assert "KILL -" not in text.replace("SYSTEMCTL KILL --SIGNAL=SIGTERM", "")


def test_a_job_that_keeps_failing_is_not_started_for_ever(machine: Machine, bundle: Shelf) -> None:
    boot(machine, user_data(bundle))
    job = unit(machine, "splatbot-job.service")
    assert job["Service"]["Restart"] == "on-failure"
    assert 1 <= int(job["Unit"]["StartLimitBurst"]) <= 10
    longest = int(job["Unit"]["StartLimitBurst"]) * int(job["Service"]["RestartSec"])
    assert int(job["Unit"]["StartLimitIntervalSec"]) > longest
