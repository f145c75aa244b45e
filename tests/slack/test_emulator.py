"""The bot against `emulate`, a Slack emulator that is not ours: it keeps what we meant.

It has no commands and no clicks of its own: those are sent as Slack would, with its channels and
people; messages, threads, files and views are read back from it.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.signature import SignatureVerifier

from gpu.job import Stage, Status
from tests.conftest import REPOSITORY
from tests.fakes.slack import SECRET, TOKEN, serving
from tests.ports import HOST, held_port
from tests.slack.conftest import FIGURES, PICTURE, Bot
from tests.waiting import PATIENCE, await_that

EMULATOR = REPOSITORY / "tests" / "emulator"
NODE = REPOSITORY / ".node" / "bin" / "node"
PROGRAM = EMULATOR / "node_modules" / "emulate" / "dist" / "index.js"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (NODE.exists() and PROGRAM.exists()),
        reason="emulate is not installed: run scripts/emulator.sh (it needs Node 24)",
    ),
]


@pytest.fixture(scope="module")
def emulator() -> Iterator[str]:
    """The address of a running emulator."""
    with held_port() as port:
        command = [NODE, PROGRAM, "--service", "slack", "--port", str(port), "--seed", "slack.yaml"]
        child = subprocess.Popen(
            command, cwd=EMULATOR, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            url = f"http://{HOST}:{port}/"
            await_that(lambda: _answers(url), "the emulator's answer", process=child)
            yield url
        finally:
            child.terminate()
            child.wait(PATIENCE)


def _answers(url: str) -> bool:
    try:
        httpx.get(url, trust_env=False)
    except httpx.TransportError:
        return False
    return True


class Slack:
    """The emulated workspace, as a person and a test see it."""

    def __init__(self, url: str, bot: Bot) -> None:
        self.bot = bot
        self.client = WebClient(token=TOKEN, base_url=f"{url}api/")
        channels = self.client.conversations_list()["channels"]
        [self.channel] = [c["id"] for c in channels if c["name"] == "splats"]
        who = self.client.auth_test()
        self.user, self.team = who["user_id"], who["team_id"]

    def trigger(self) -> str:
        return str(self.client.api_call("views.generateTriggerId", json={})["trigger_id"])

    def command(self, text: str) -> dict[str, Any]:
        form = {
            "command": "/splat", "text": text, "team_id": self.team, "channel_id": self.channel,
            "user_id": self.user, "trigger_id": self.trigger(), "api_app_id": "A1",
        }  # fmt: skip
        answer = self._post(urlencode(form), "application/x-www-form-urlencoded")
        return dict(answer.json()) if answer.content else {}

    def event(self, event: dict[str, Any]) -> None:
        body = {"type": "event_callback", "team_id": self.team, "api_app_id": "A1", "event": event,
                "event_id": f"Ev{time.time_ns()}"}  # fmt: skip
        self._post(json.dumps(body), "application/json")

    def interact(self, payload: dict[str, Any]) -> httpx.Response:
        about = {"team": {"id": self.team}, "user": {"id": self.user}, "api_app_id": "A1",
                 "trigger_id": self.trigger()}  # fmt: skip
        form = urlencode({"payload": json.dumps(about | payload)})
        return self._post(form, "application/x-www-form-urlencoded")

    def messages(self) -> list[dict[str, Any]]:
        found = self.client.conversations_history(channel=self.channel)["messages"]
        return [m for m in found if not m.get("thread_ts") or m["thread_ts"] == m["ts"]]

    def thread(self, ts: str) -> list[dict[str, Any]]:
        return list(self.client.conversations_replies(channel=self.channel, ts=ts)["messages"])[1:]

    def _post(self, body: str, kind: str) -> httpx.Response:
        now = str(int(time.time()))
        signature = SignatureVerifier(SECRET).generate_signature(timestamp=now, body=body)
        headers = {"Content-Type": kind, "X-Slack-Request-Timestamp": now,
                   "X-Slack-Signature": signature or ""}  # fmt: skip
        url = f"{self.bot.settings.public_url}/slack/events"
        return httpx.post(url, content=body, headers=headers, trust_env=False)


@pytest.fixture
def slack(emulator: str, tmp_path: Path) -> Iterator[Slack]:
    """A workspace with a bot, and a message of its own for every test."""
    with held_port() as port:
        bot = Bot(SimpleNamespace(url=emulator), port, tmp_path)  # type: ignore[arg-type]
        bot.clock.now = time.time()
        bot.add_dataset("demo/parcel")
        with serving(bot.web, port):
            slack = Slack(emulator, bot)
            for message in slack.messages():
                slack.client.chat_delete(channel=slack.channel, ts=message["ts"])
            yield slack


def run(slack: Slack) -> None:
    """Start a job by command and play its pipeline up to the end of training."""
    bot = slack.bot
    answer = slack.command("demo/parcel aerial --job-id a")
    assert "is job `#a`" in answer["text"]
    assert answer["response_type"] == "ephemeral"
    bot.ledger.claim()
    bot.drain(4)
    bot.ledger.set_handle("a", {"pid": 1})
    bot.tell(1, Stage.FETCH, Status.DONE, message="36 photos.")
    bot.tell(2, Stage.TRAIN, Status.DONE, pictures=("previews/train.jpg",))
    bot.drain()


def test_one_message_a_thread_with_pictures_and_one_end(slack: Slack) -> None:
    run(slack)
    [status] = slack.messages()
    assert "✓ Fetch photos" in str(status["blocks"])
    assert [e["text"]["text"] for b in status["blocks"] if b["type"] == "actions"
            for e in b["elements"]] == ["Cancel", "Destroy"]  # fmt: skip
    slack.bot.tell(3, Stage.PUBLISH, Status.DONE, metrics={"seconds": 1.0, **FIGURES})
    slack.bot.ledger.succeed("a", viewer_url="http://v", manifest_url="http://m")
    slack.bot.drain()
    [status] = slack.messages()
    assert "Your splat is ready" in str(status["blocks"])
    replies = slack.thread(status["ts"])
    assert sum(f"<@{slack.user}>" in reply["text"] for reply in replies) == 1
    assert any("*Fetch photos*" in reply["text"] for reply in replies)
    [shown] = [file for reply in replies for file in reply.get("files", ())]
    url = slack.client.files_info(file=shown["id"])["file"]["url_private"]
    header = {"Authorization": f"Bearer {TOKEN}"}
    assert httpx.get(url, headers=header, trust_env=False).content == PICTURE


def test_a_failed_job_is_run_again_and_both_its_messages_lead_to_the_new_ones(slack: Slack) -> None:
    run(slack)
    slack.bot.ledger.fail("a", error="The machine is lost.", hint="Start the job again.")
    slack.bot.ledger.release("a")
    slack.bot.drain()
    [old] = slack.messages()
    end = slack.thread(old["ts"])[-1]
    [button] = [b["elements"][0] for b in end["blocks"] if b["type"] == "actions"]
    slack.interact({
        "type": "block_actions", "channel": {"id": slack.channel}, "message": end,
        "actions": [{k: button[k] for k in ("type", "action_id", "value")} | {"block_id": "b"}],
    })  # fmt: skip
    slack.bot.drain()
    [new] = [m for m in slack.messages() if m["ts"] != old["ts"]]
    link = slack.client.chat_getPermalink(channel=slack.channel, message_ts=new["ts"])["permalink"]
    said = f"Run again by <@{slack.user}> as <{link}|#{slack.bot.ledger.jobs()[0].id}>"
    for message in (slack.thread(old["ts"])[-1], *(m for m in slack.messages() if m != new)):
        assert said in str(message["blocks"])
        assert "Run again'" not in str(message["blocks"])


def test_what_arrived_is_found_again_after_a_crash(slack: Slack) -> None:
    run(slack)
    count = len(slack.thread(slack.messages()[0]["ts"]))
    with slack.bot.ledger._file.writing() as db:  # as if nothing had been noted
        db.execute("UPDATE outbox SET closed_at = NULL, ts = '' WHERE kind != 'pictures'")
    slack.bot.clock.move(1)
    slack.bot.restart()
    slack.bot.drain()
    assert len(slack.messages()) == 1
    assert len(slack.thread(slack.messages()[0]["ts"])) == count


def test_the_dialog_opens_and_is_updated(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    updated: list[dict[str, Any]] = []
    real = WebClient.api_call

    def noted(self: WebClient, method: str, **more: Any) -> Any:
        answer = real(self, method, **more)
        if method.startswith("views.") and "view" in answer.data:
            updated.append(answer["view"])
        return answer

    monkeypatch.setattr(WebClient, "api_call", noted)
    assert slack.command("") == {}
    slack.bot.wait_until(lambda: bool(updated), "no dialog")
    opened = updated[0]
    assert opened["callback_id"] == "start"
    option = {"text": {"type": "plain_text", "text": "x"}, "value": "demo/parcel"}
    values = {
        "dataset": {"dataset": {"type": "external_select", "selected_option": option}},
        "pipeline": {"pipeline": {"selected_option": {**option, "value": "aerial"}}},
        **{name: {name: {"value": None}} for name in ("iterations", "max_views", "image_size")},
    }
    chosen = {"type": "external_select", "action_id": "dataset", "block_id": "dataset",
              "selected_option": option, "action_ts": f"{time.time():.6f}"}  # fmt: skip
    view = opened | {"state": {"values": values}}
    slack.interact({"type": "block_actions", "view": view, "actions": [chosen]})
    slack.bot.wait_until(lambda: "3 photos" in str(updated[-1]), "no outlook")
    assert updated[-1]["id"] == opened["id"]
    slack.interact({"type": "view_submission", "view": view})
    assert slack.bot.ledger.jobs()[0].dataset == "demo/parcel"


def test_the_home_is_published(slack: Slack, monkeypatch: pytest.MonkeyPatch) -> None:
    views: list[dict[str, Any]] = []
    real = WebClient.views_publish

    def noted(self: WebClient, **more: Any) -> Any:
        answer = real(self, **more)
        views.append(answer["view"])
        return answer

    monkeypatch.setattr(WebClient, "views_publish", noted)
    slack.event({"type": "app_home_opened", "user": slack.user, "tab": "home", "channel": "D1"})
    slack.bot.wait_until(lambda: bool(views), "no home")
    assert views[0]["type"] == "home"
    assert "Make a splat" in str(views[0]["blocks"])


def test_a_direct_message_reaches_the_person(slack: Slack) -> None:
    [guest] = [u["id"] for u in slack.client.users_list()["members"] if u["name"] == "guest"]
    slack.bot.ledger.drops.add(
        key="k", team=slack.team, channel=guest, user=guest, dataset="demo/parcel"
    )
    slack.bot.intake.work()
    drop = slack.bot.ledger.drops.get(1)
    assert drop.place is not None
    channel, ts = drop.place
    [offer] = slack.client.conversations_history(channel=channel, latest=ts, inclusive=True,
                                                  limit=1)["messages"]  # fmt: skip
    assert "*3 photos*" in offer["text"]
