"""`splatbot`: what it says when something is missing, and what it leaves alone."""

import json
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from bot import cli, demo
from bot.core.errors import SplatError
from bot.sandbox.state import CHANNEL
from tests.conftest import REPOSITORY


def test_a_missing_setting_is_one_sentence_that_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    assert cli.main(["serve"]) == 1
    said = capsys.readouterr().err
    assert said.startswith("splatbot: SLACK_BOT_TOKEN is not set. Set it to")
    assert said.count("\n") == 1


def test_run_without_the_pipeline_says_how_to_install_it() -> None:
    code = (
        "import sys; sys.modules['gpu.cli'] = None; from bot import cli;"
        " sys.exit(cli.main(['run', 'photos', '--out', 'x']))"
    )
    ran = in_a_new_process(code)
    assert ran.returncode == 1
    assert b"The pipeline is not installed here" in ran.stderr
    assert b"pip install" in ran.stderr


def test_no_other_command_imports_the_pipeline() -> None:
    code = (
        "import sys; from bot import cli\n"
        "try: cli.main(['serve', '--help'])\n"
        "except SystemExit: print([n for n in sys.modules if n.startswith('gpu.cli')])"
    )
    ran = in_a_new_process(code)
    assert ran.stdout.endswith(b"[]\n")


def in_a_new_process(code: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, check=False, cwd=REPOSITORY, capture_output=True)


def test_the_doctor_says_what_to_do_about_each_problem(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {
        "SLACK_BOT_TOKEN": "xoxb-secret",
        "SLACK_SIGNING_SECRET": "secret",
        "SLACK_API_URL": "http://127.0.0.1:9/api/",  # nobody listens there
        "SPLATBOT_PUBLIC_URL": "http://127.0.0.1:9",
        "SPLATBOT_DATA": str(tmp_path),
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("DIGITALOCEAN_TOKEN", "SPACES_BUCKET"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["doctor"]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert all(line.startswith(("✓ ", "✗ ")) for line in lines)
    said = "\n".join(lines)
    assert "✗ Slack does not answer" in said
    assert "✗ http://127.0.0.1:9 does not answer" in said
    assert f"✓ {tmp_path}/store can be listed" in said
    assert "secret" not in said
    assert not (tmp_path / "ledger.db").exists()


def test_the_doctor_names_the_setting_that_is_wrong(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SLACK_BOT_TOKEN", raising=False)
    assert cli.main(["doctor"]) == 1
    assert capsys.readouterr().out.startswith("✗ SLACK_BOT_TOKEN is not set. Set it to")


def test_the_slack_apps_manifest_needs_nothing_but_the_address(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("SPLATBOT_PUBLIC_URL", raising=False)
    assert cli.main(["slack-manifest", "https://splat.example.com"]) == 0
    app = json.loads(capsys.readouterr().out)
    assert app["features"]["slash_commands"][0]["url"] == "https://splat.example.com/slack/events"
    assert cli.main(["slack-manifest"]) == 1
    assert "an https address" in capsys.readouterr().err


def test_photos_are_linked_as_a_dataset_and_stay_as_they_are(tmp_path: Path) -> None:
    photos = tmp_path / "my photos"
    photos.mkdir()
    (photos / "a.jpg").write_bytes(b"photo")
    store = tmp_path / "store"
    for _ in range(2):  # a second time replaces the link
        assert demo._link(photos, store) == "datasets/my-photos"
    assert (store / "datasets" / "my-photos" / "a.jpg").read_bytes() == b"photo"
    assert [p.name for p in photos.iterdir()] == ["a.jpg"]


def test_a_cameras_card_is_taken_with_its_subfolders(tmp_path: Path) -> None:
    (tmp_path / "card" / "DCIM" / "100CANON").mkdir(parents=True)
    (tmp_path / "card" / "DCIM" / "100CANON" / "a.jpg").write_bytes(b"photo")
    assert demo._link(tmp_path / "card", tmp_path / "store") == "datasets/card"


def test_a_folder_without_photos_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no photo")
    with pytest.raises(SplatError, match="There are no photos in"):
        demo._link(tmp_path, tmp_path / "store")
    with pytest.raises(SplatError, match=f"There is no {tmp_path}/fotos. Is its name right"):
        demo._link(tmp_path / "fotos", tmp_path / "store")


def test_a_dataset_of_that_name_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "store" / "datasets" / "mine").mkdir(parents=True)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.jpg").write_bytes(b"photo")
    with pytest.raises(SplatError, match="exists already"):
        demo._link(tmp_path / "mine", tmp_path / "store")


def test_what_was_said_in_a_demo_is_there_when_it_is_started_again(tmp_path: Path) -> None:
    secret = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "secret"}
    said = {"channel": CHANNEL, "text": "a job", "token": "xoxb-1"}
    with demo.free_port(0) as port, httpx.Client(trust_env=False) as slack:
        at = f"http://{demo.HOST}:{port}"
        with demo._sandbox(port, "http://127.0.0.1:9", secret, "/splat demo", tmp_path / "kept"):
            assert slack.post(f"{at}/api/chat.postMessage", data=said).json()["ok"]
        with demo._sandbox(port, "http://127.0.0.1:9", secret, "/splat demo", tmp_path / "kept"):
            [message] = slack.get(f"{at}/sandbox/state").json()["messages"]
    assert message["text"] == "a job"


def test_a_port_that_is_taken_is_stepped_around() -> None:
    with socket.socket() as other:
        other.bind((demo.HOST, 0))
        other.listen()
        taken = other.getsockname()[1]
        with demo.free_port(taken) as found:
            assert found != taken
    with demo.free_port(taken) as found:
        assert found == taken


def test_of_two_demos_that_begin_at_the_same_time_each_has_a_port_of_its_own() -> None:
    """Before either listens there, the port looks free to both."""
    with demo.free_port(0) as first:
        with demo.free_port(first) as second:
            assert second not in {0, first}
        with demo.free_port(first) as second:
            assert second != first
    with demo.free_port(first) as again:
        assert again == first


def test_a_demos_port_is_held_until_its_server_listens_and_after_its_end() -> None:
    with demo.free_port(0) as port, socket.socket() as other:
        with pytest.raises(OSError, match="in use"):
            other.bind((demo.HOST, port))
        for _ in range(2):  # its own server may come, and come again
            with socket.create_server((demo.HOST, port)) as server:
                assert server.getsockname()[1] == port
