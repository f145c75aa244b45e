"""Places elsewhere are told once of each job's end, and hold up nothing when they fail."""

import json
import logging
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from bot.core.config import Settings
from bot.core.environment import BadSetting
from bot.core.ledger import Ledger
from bot.notify import Notifier, open_senders
from bot.notify.notifier import PAUSE, TRIES
from tests.core.conftest import Clock, a_request

SLACK = {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}


class Place:
    """Somewhere that is told things, as long as `works` says so."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, bool]] = []
        self.asked = 0
        self.works: Callable[[], bool] = lambda: True

    def __call__(self, title: str, text: str, good: bool) -> bool:
        self.asked += 1
        if works := self.works():
            self.told.append((title, text, good))
        return works


class Scene:
    """Two places, and jobs that end."""

    def __init__(self, ledger: Ledger, clock: Clock) -> None:
        self.ledger, self.clock = ledger, clock
        self.mail, self.hook = Place(), Place()
        ledger.places = 2
        self.restart()

    def restart(self) -> None:
        self.notifier = Notifier(self.ledger, [self.mail, self.hook], self.clock)

    def run(self, name: str, error: str = "") -> None:
        self.ledger.submit(a_request(name), backend="local", price_per_hour=0.0)
        self.ledger.claim(9)
        if error:
            self.ledger.fail(name, error=error, hint="Try again.")
        else:
            self.ledger.succeed(name, viewer_url="http://v/?a=1&b=2", manifest_url="http://m")

    def pass_time(self, seconds: float, step: float = 5.0) -> None:
        for _ in range(int(seconds / step)):
            self.notifier.tell()
            self.clock.move(step)


@pytest.fixture
def scene(ledger: Ledger, clock: Clock) -> Scene:
    return Scene(ledger, clock)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(tmp_path, clock: Clock) -> Ledger:
    return Ledger(tmp_path / "ledger.db", clock)


def test_every_place_is_told_once_of_a_success_and_of_a_failure(scene: Scene) -> None:
    scene.run("good")
    scene.run("bad", error="The photos do not connect.")
    scene.pass_time(600)
    scene.restart()
    scene.pass_time(600)
    for place in (scene.mail, scene.hook):
        (good, said, is_good), (bad, why, is_bad) = place.told
        assert (good, is_good) == ("demo/parcel · aerial · #good: succeeded", True)
        assert "http://v/?a=1&b=2" in said
        assert (bad, is_bad) == ("demo/parcel · aerial · #bad: failed", False)
        assert why == "demo/parcel did not work. The photos do not connect.\nTry again."


def test_a_cancelled_job_is_nobodys_news(scene: Scene) -> None:
    scene.ledger.submit(a_request("a"), backend="local", price_per_hour=0.0)
    scene.ledger.request_cancel("a", "U1")
    scene.pass_time(60)
    assert scene.mail.told == scene.hook.told == []


def test_a_place_that_fails_is_tried_again_and_holds_up_nobody(scene: Scene) -> None:
    scene.mail.works = lambda: False
    scene.run("a")
    scene.notifier.tell()
    assert len(scene.hook.told) == 1
    assert [notice.kind for notice in scene.ledger.pending(scene.clock())] == ["status", "final"]
    scene.pass_time(PAUSE + 10)
    scene.mail.works = lambda: True
    scene.pass_time(300)
    assert len(scene.mail.told) == len(scene.hook.told) == 1


def test_a_place_that_never_works_is_given_up_within_the_hour(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> bool:
        raise OSError("mailto://user:secret@host refused")

    scene.mail.works = broken
    scene.run("a")
    scene.pass_time(3600, step=15.0)
    assert scene.mail.asked == TRIES
    assert len(scene.hook.told) == 1
    assert "place 1 of SPLATBOT_NOTIFY was not told" in caplog.text
    assert "secret" not in caplog.text


def test_a_place_that_was_taken_out_of_the_settings_is_forgotten(scene: Scene) -> None:
    scene.run("a")
    scene.notifier = Notifier(scene.ledger, [scene.mail], scene.clock)
    scene.pass_time(60)
    assert len(scene.mail.told) == 1
    assert scene.ledger.elsewhere(scene.clock() + 1e6) == []


# -- with apprise itself --------------------------------------------------------------------------


@pytest.fixture
def hooked() -> Iterator[tuple[int, list[dict[str, str]]]]:
    """A web server that takes webhooks."""
    taken: list[dict[str, str]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            taken.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(500 if self.path == "/broken" else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_port, taken
    server.shutdown()
    server.server_close()


def test_a_webhook_gets_title_text_and_whether_it_is_good(
    hooked: tuple[int, list[dict[str, str]]], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    port, taken = hooked
    host = f"json://user:secret@127.0.0.1:{port}"
    good, broken = open_senders([f"{host}/splats", f"{host}/broken"])
    assert good("myparcel: succeeded", "It is <ready> & well.", True)
    assert not broken("myparcel: failed", "No.", False)
    assert [(t["title"], t["message"], t["type"]) for t in taken] == [
        ("myparcel: succeeded", "It is <ready> & well.", "success"),
        ("myparcel: failed", "No.", "failure"),
    ]
    assert "secret" not in caplog.text


def test_an_address_that_apprise_does_not_know_is_refused_unseen(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with pytest.raises(BadSetting, match="number 2") as refused:
        open_senders(["json://h/x", "nothing://user:secret@host"])
    assert "secret" not in f"{refused.value}{caplog.text}"


def test_it_is_off_unless_somebody_asks_for_it() -> None:
    assert open_senders(Settings.from_env(SLACK).notify) == []
    told = Settings.from_env(SLACK | {"SPLATBOT_NOTIFY": "json://a/x?to=a,b\n mailto://u:pw@h"})
    assert told.notify == ("json://a/x?to=a,b", "mailto://u:pw@h")
    assert "pw" not in repr(told)


def test_without_apprise_the_setting_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "apprise", None)
    with pytest.raises(BadSetting, match=r"\.\[notify\]"):
        open_senders(["json://h/x"])
