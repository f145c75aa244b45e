"""The runtime is made once, by whoever comes first, and made again when it was not finished."""

import hashlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from gpu.agent.prepare import LINE
from gpu.training import ahead
from tests.cloud_init.machine import Machine, age, hide_compilers, release_of_uv
from tests.waiting import PATIENCE, await_that


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    line = done.stdout.splitlines()[-1]
    assert len(line) <= LINE, "the remedy would be cut off"
    return line


def test_a_new_machine_gets_a_runtime(machine: Machine) -> None:
    done = machine.provision()
    assert done.returncode == 0, done.stderr
    found = machine.runtime_env()
    assert set(found) == {"PYTHON", "TORCH_EXTENSIONS_DIR", "TORCH_CUDA_ARCH_LIST"}
    assert Path(found[ahead.FOLDER], "gsplat_cuda", "gsplat_cuda.so").exists()
    assert Path(found[ahead.FOLDER], ahead.READY).exists()
    assert found["TORCH_CUDA_ARCH_LIST"] == "9.0"


def test_its_python_has_the_cuda_compiler_and_ninja_at_hand(machine: Machine) -> None:
    machine.provision()
    code = "import os, sys; print(os.environ['CUDA_HOME'], os.environ['PATH'], sys.argv[1])"
    command = [machine.runtime_env()["PYTHON"], "-c", code, "two words"]
    environment = {"FAKE": "", "FAKE_PYTHON": sys.executable, "PATH": "/usr/bin:/bin"}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    cuda, path, argument = told.stdout.strip().split(" ", 2)
    (runtime,) = machine.runtimes()
    assert Path(cuda, "lib", "libcudart.so").is_symlink()
    assert path == f"{runtime}/venv/bin:{cuda}/bin:/usr/bin:/bin"
    assert argument == "two words"


def test_the_runtime_is_named_after_its_lock_file(machine: Machine) -> None:
    machine.provision()
    digest = hashlib.sha256((machine.kit / "runtime.lock").read_bytes()).hexdigest()
    assert [each.name for each in machine.runtimes()] == [digest[:16]]


def test_packages_come_with_hashes_and_none_is_built_from_source(machine: Machine) -> None:
    machine.provision()
    (sync,) = machine.calls("uv pip sync")
    assert {"--require-hashes", "--no-build"} <= set(sync.split())


def test_the_second_time_nothing_is_done(machine: Machine) -> None:
    machine.provision()
    machine.forget_calls()
    (machine.root / "runtime.env").unlink()
    done = machine.provision()
    assert done.returncode == 0
    assert machine.calls() == []
    assert machine.runtime_env()["TORCH_CUDA_ARCH_LIST"] == "9.0"


def test_people_read_steps_and_the_log_has_what_the_tools_say(machine: Machine) -> None:
    done = machine.provision()
    for line in done.stdout.splitlines():
        assert re.fullmatch(r"(\[\d/3\] )?[A-Z].*\.", line), line
    assert "Downloading torch" in done.stderr
    assert "Downloading torch" not in done.stdout


def test_a_newer_lock_file_makes_a_new_runtime_and_keeps_the_last_one(machine: Machine) -> None:
    machine.provision()
    (first,) = machine.runtimes()
    age(first, 100)
    machine.change_lock("second")
    machine.provision()
    second = next(each for each in machine.runtimes() if each != first)
    assert len(machine.runtimes()) == 2
    age(second, 50)
    machine.change_lock("third")
    machine.provision()
    assert first not in machine.runtimes()
    assert second in machine.runtimes()
    assert len(machine.runtimes()) == 2


def test_only_runtimes_are_ever_removed(machine: Machine) -> None:
    foreign = machine.root / "runtime" / "my-own-files"
    unfinished = machine.root / "runtime" / "0123456789abcdef"
    for folder in (foreign, unfinished):
        folder.mkdir(parents=True)
    machine.provision()
    assert foreign in machine.runtimes()
    assert unfinished not in machine.runtimes()


def test_killed_in_the_middle_it_is_made_again(machine: Machine) -> None:
    machine.turn("hold")
    process = machine.start()
    await_that((machine.knobs / "syncing").exists, "the packages", process=process)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=PATIENCE)
    (unfinished,) = machine.runtimes()
    (unfinished / "half").touch()
    assert not (machine.root / "runtime.env").exists()

    (machine.knobs / "hold").unlink()
    assert machine.provision().returncode == 0
    assert not (unfinished / "half").exists()
    assert len(machine.calls("uv pip sync")) == 2


def test_of_two_at_once_one_makes_it_and_the_other_waits(machine: Machine) -> None:
    machine.turn("hold")
    first = machine.start()
    await_that((machine.knobs / "syncing").exists, "the packages", process=first)
    second = machine.start()
    assert second.stdout is not None
    assert second.stdout.readline().startswith("Waiting")
    (machine.knobs / "hold").unlink()
    outs = [process.communicate(timeout=PATIENCE)[0] for process in (first, second)]
    assert [first.returncode, second.returncode] == [0, 0]
    assert "The runtime is there." in outs[1]
    assert len(machine.calls("uv pip sync")) == len(machine.calls("compile")) == 1


def test_another_gpu_needs_only_other_kernels(machine: Machine) -> None:
    machine.provision()
    machine.forget_calls()
    machine.turn("capability", "8.9\n")
    machine.provision()
    assert machine.calls() == ["compile 8.9"]
    assert machine.runtime_env()["TORCH_EXTENSIONS_DIR"].endswith("/kernels/8.9")
    machine.turn("capability", "9.0\n")
    machine.provision()
    assert machine.calls() == ["compile 8.9"]  # those of the first GPU are still there


def test_an_image_without_a_compiler_gets_one_where_the_runtime_is_there_too(
    machine: Machine,
) -> None:
    machine.provision()
    machine.forget_calls()
    hide_compilers(machine)
    done = machine.provision()
    assert done.returncode == 0, done.stderr
    assert "Installing a C++ compiler." in done.stdout
    assert "g++" in machine.calls("apt-get")[-1]
    assert not machine.calls("compile")
    machine.forget_calls()
    machine.provision()
    assert not machine.calls("apt-get")


def test_a_failed_compiler_is_asked_again_but_nothing_is_installed_again(machine: Machine) -> None:
    machine.turn("broken")
    failed = machine.provision()
    assert failed.returncode != 0
    assert "Unsupported gpu architecture" in last_line(failed)
    assert "Start the job again" in last_line(failed)
    assert not (machine.root / "runtime.env").exists()

    (machine.knobs / "broken").unlink()
    assert machine.provision().returncode == 0
    assert len(machine.calls("uv pip sync")) == 1
    assert len(machine.calls("compile")) == 2


def test_what_a_tool_said_before_is_no_reason(machine: Machine) -> None:
    """The packages came, with words of their own; what fails is something after them."""
    broken = machine.shims / "sync"
    broken.write_text("#!/bin/sh\nexit 1\n")
    done = machine.provision()
    assert done.returncode != 0
    assert "(exit status 1)" in last_line(done)


def test_a_full_disk_ends_in_a_sentence_and_a_remedy(machine: Machine) -> None:
    machine.turn("full")
    done = machine.provision()
    assert done.returncode != 0
    assert last_line(done).startswith("Failed: Installing torch")
    assert "No space left on device" in last_line(done)
    assert "use a bigger volume" in last_line(done)


@pytest.mark.parametrize(
    ("knob", "value", "said"),
    [
        ("no-gpu", "", "nvidia-smi shows none"),
        ("driver", "550.54.15\n", "driver 550.54.15 is older than 580"),
    ],
)
def test_an_unfit_machine_is_told_before_anything_is_installed(
    machine: Machine, knob: str, value: str, said: str
) -> None:
    machine.turn(knob, value)
    done = machine.provision()
    assert done.returncode != 0
    assert said in last_line(done)
    assert "SPLATBOT_IMAGE" in last_line(done)
    assert machine.calls() == []


def test_uv_is_got_once_where_the_image_has_none(machine: Machine) -> None:
    release_of_uv(machine)
    done = machine.provision()
    assert done.returncode == 0, done.stderr
    machine.change_lock("second")
    assert machine.provision().returncode == 0
    (download,) = machine.calls("curl")
    assert download.endswith("/0.12.5/uv-x86_64-unknown-linux-gnu.tar.gz")


def test_another_version_of_uv_on_the_image_is_not_used(machine: Machine) -> None:
    release_of_uv(machine)
    other = machine.shims / "uv"
    other.write_text("#!/bin/sh\necho uv 0.1.0\n")
    other.chmod(0o755)
    assert machine.provision().returncode == 0
    assert len(machine.calls("curl")) == 1


def test_a_changed_download_of_uv_is_never_run(machine: Machine) -> None:
    release_of_uv(machine)
    with (machine.knobs / "uv.tar.gz").open("ab") as file:
        file.write(b"changed")
    done = machine.provision()
    assert done.returncode != 0
    assert "is not what runtime.lock expects" in last_line(done)
    assert machine.calls("uv") == []
