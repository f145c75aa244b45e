"""The start dialog: open at once, then telling what a choice would take, and checking it."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial
from io import BytesIO
from threading import Event, Lock
from typing import Any

import httpx
import pytest
from PIL import Image

from bot.core.errors import BackendError
from bot.sandbox.web_api import Reply
from bot.slack.open_dialogs import OpenDialogs
from gpu.job import Stage, Status
from tests.core.conftest import a_request
from tests.fakes.slack import texts
from tests.slack.conftest import Bot, finish
from tests.waiting import PATIENCE

PLAIN = {"type": "plain_text"}


def open_dialog(bot: Bot) -> dict[str, Any]:
    bot.slack.person.type("/splat")
    bot.wait_until(lambda: bot.slack.workspace.modal is not None, "no dialog")
    return bot.slack.workspace.modal or {}


def filled(
    option: dict[str, Any] | None, pipeline: str = "aerial", **numbers: str
) -> dict[str, Any]:
    chosen = {"value": pipeline, "text": {**PLAIN, "text": pipeline}}
    typed = {"iterations": None, "max_views": None, "image_size": None} | numbers
    return {
        "dataset": {"dataset": {"type": "external_select", "selected_option": option}},
        "pipeline": {"pipeline": {"type": "static_select", "selected_option": chosen}},
        **{k: {k: {"type": "plain_text_input", "value": v}} for k, v in typed.items()},
    }


def pick(bot: Bot, name: str = "demo/parcel", pipeline: str = "aerial") -> str:
    """Choose photos as a person does; return what the dialog then says of them."""
    [option] = bot.slack.person.options("dataset", "dataset", name)
    before = bot.slack.workspace.modal
    action = {"type": "external_select", "action_id": "dataset", "block_id": "dataset"}
    bot.slack.person.press_in_view(
        "modal", action | {"selected_option": option}, filled(option, pipeline)
    )

    def is_new() -> bool:
        return bot.slack.workspace.modal is not before and "Machine:" in outlook(bot)

    bot.wait_until(is_new, "nothing was said of the choice")
    return outlook(bot)


def press_enter(bot: Bot, field: str, **numbers: str) -> str:
    """Press Enter in a field, once photos are chosen; return what the dialog then says."""
    [option] = bot.slack.person.options("dataset", "dataset", "demo/parcel")
    before = bot.slack.workspace.modal
    action = {"type": "plain_text_input", "action_id": field, "block_id": field}
    bot.slack.person.press_in_view(
        "modal", action | {"value": numbers.get(field)}, filled(option, **numbers)
    )
    bot.wait_until(lambda: bot.slack.workspace.modal is not before, "Enter changed nothing")
    return outlook(bot)


def outlook(bot: Bot) -> str:
    modal = bot.slack.workspace.modal or {}
    [block] = [b for b in modal["blocks"] if b["block_id"] == "outlook"]
    return str(block["text"]["text"])


def test_the_dialog_opens_before_anything_is_looked_up(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(*_: object) -> None:
        raise AssertionError("a dialog has three seconds: nothing may be asked before")

    monkeypatch.setattr(bot.desk, "datasets", hang)
    monkeypatch.setattr(bot.desk, "quote", hang)
    assert "Choose photos: then this says" in "\n".join(texts(open_dialog(bot)))


def test_every_option_says_what_it_does_and_what_is_allowed(bot: Bot) -> None:
    blocks = {b["block_id"]: b for b in open_dialog(bot)["blocks"]}
    for name, low in (("iterations", "50 to"), ("max_views", "3 to"), ("image_size", "64 to")):
        assert blocks[name]["optional"]
        assert blocks[name]["element"]["placeholder"]["text"] == "Automatic"
        assert low in blocks[name]["hint"]["text"]


def test_the_picker_says_how_many_photos_there_are(bot: Bot) -> None:
    bot.add_dataset("demo/one", photos=1)
    (bot.storage.root / "demo" / "flight.zip").write_bytes(b"zip")
    open_dialog(bot)
    options = bot.slack.person.options("dataset", "dataset", "")
    assert [o["text"]["text"] for o in options] == [
        "demo/flight.zip · a .zip", "demo/one · 1 photo", "demo/parcel · 3 photos",
    ]  # fmt: skip
    [option] = bot.slack.person.options("dataset", "dataset", "PARC")
    assert option["value"] == "demo/parcel"


def test_a_choice_is_answered_with_time_and_cost(bot: Bot) -> None:
    bot.start()
    finish(bot)
    bot.ledger.release("a")
    open_dialog(bot)
    said = pick(bot)
    assert "3 photos, 1 kB" in said
    assert "*Machine:* this machine" in said or "*Machine:* not known yet" in said
    assert "*Cost:* free" in said
    assert "as earlier jobs took" in said
    assert "*Time:* not known yet" in pick(bot, pipeline="splat")


def test_steps_are_answered_with_their_time_once_enter_is_pressed(bot: Bot) -> None:
    bot.start()
    trained = {"seconds": 100.0, "iterations": 1000, "iterations_per_second": 20.0}
    bot.tell(1, Stage.TRAIN, Status.DONE, metrics=trained)
    finish(bot, first=2)
    open_dialog(bot)
    assert "*Time:* 1 to 2 min, as earlier jobs took" in pick(bot)
    assert "*Time:* 5 to 8 min, scaled" in press_enter(bot, "iterations", iterations="7,000")
    assert "*Time:* 1 to 2 min, as" in press_enter(bot, "iterations")
    fewer = press_enter(bot, "max_views", max_views="20")
    assert "what `--max-views` changes is not counted" in fewer


def test_enter_asks_in_every_field_for_a_number_so_that_it_starts_nothing_in_one(bot: Bot) -> None:
    fields = [b for b in open_dialog(bot)["blocks"] if b["type"] == "input"]
    numbers = [b for b in fields if b["element"]["type"] == "plain_text_input"]
    assert len(numbers) == 3
    for block in numbers:
        assert block["dispatch_action"]
        when = block["element"]["dispatch_action_config"]["trigger_actions_on"]
        assert when == ["on_enter_pressed"]


def test_a_number_that_can_not_be_is_named_before_anybody_starts(bot: Bot) -> None:
    open_dialog(bot)
    pick(bot)
    said = press_enter(bot, "iterations", iterations="7", image_size="big")
    steps, size, *rest = said.splitlines()
    assert steps == (":warning: Training steps: Allowed: a whole number from 50 to 100,000.")
    assert size.startswith(":warning: Picture size: Allowed:")
    assert "3 photos" in rest[0]
    assert ":warning:" not in press_enter(bot, "iterations", iterations="7000")


def test_what_is_filled_in_stays_since_its_fields_keep_their_names(bot: Bot) -> None:
    """Slack keeps an entry while a view's input has the same `block_id` and `action_id`."""

    def names(view: dict[str, Any]) -> list[tuple[str, str]]:
        inputs = [b for b in view["blocks"] if b["type"] == "input"]
        return [(b["block_id"], b["element"]["action_id"]) for b in inputs]

    opened = names(open_dialog(bot))
    pick(bot)
    press_enter(bot, "iterations", iterations="7000")
    updated = bot.slack.workspace.modal or {}
    assert names(updated) == opened
    assert "initial_value" not in str(updated)


def test_enter_before_any_photos_are_chosen_changes_nothing(bot: Bot) -> None:
    before = open_dialog(bot)
    action = {"type": "plain_text_input", "action_id": "iterations", "block_id": "iterations"}
    bot.slack.person.press_in_view("modal", action | {"value": "700"}, filled(None))
    assert bot.slack.workspace.modal is before


def test_what_keeps_a_machine_from_being_had_is_said(bot: Bot) -> None:
    def sold_out() -> Any:
        raise BackendError("No GPU droplet can be had now.")

    bot.market._ask = sold_out
    bot.market.look()
    open_dialog(bot)
    assert "No GPU droplet can be had now." in pick(bot)


def test_a_choice_is_shown_with_one_of_its_photos(bot: Bot) -> None:
    photo = BytesIO()
    Image.new("RGB", (640, 480), "teal").save(photo, "JPEG")
    (bot.storage.root / "demo" / "parcel" / "0.jpg").write_bytes(photo.getvalue())
    open_dialog(bot)
    pick(bot)
    modal = bot.slack.workspace.modal or {}
    [block] = [b for b in modal["blocks"] if "accessory" in b]
    got = httpx.get(block["accessory"]["image_url"], trust_env=False)
    assert Image.open(BytesIO(got.content)).size == (176, 176)
    assert "demo/parcel" not in block["accessory"]["image_url"]


def test_nobody_finds_a_photo_by_its_datasets_name(bot: Bot) -> None:
    for seal in ("demo/parcel", "eyJvZiI6ImRlbW8vcGFyY2VsIn0.AAAA", "x"):
        url = f"{bot.settings.public_url}/thumbnails/{seal}.jpg"
        assert httpx.get(url, trust_env=False).status_code == 404


def test_a_photo_that_slack_can_not_fetch_costs_the_photo_alone(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = bot.slack.api.answer

    def picky(method: str, *rest: Any) -> Reply:
        if method == "views.update" and "image_url" in str(rest):
            return Reply(200, {"ok": False, "error": "invalid_arguments"})
        return real(method, *rest)

    monkeypatch.setattr(bot.slack.api, "answer", picky)
    open_dialog(bot)
    assert "*Cost:* free" in pick(bot)
    assert "image_url" not in str(bot.slack.workspace.modal)


# -- several changes ------------------------------------------------------------------------------


def change(bot: Bot, name: str, at: float) -> None:
    """Choose photos at a time of Slack's; the answer comes when it comes."""
    [option] = bot.slack.person.options("dataset", "dataset", name)
    bot.slack.workspace.clock = lambda: at
    action = {"type": "external_select", "action_id": "dataset", "block_id": "dataset"}
    bot.slack.person.press_in_view(
        "modal", action | {"selected_option": option}, filled(option, "splat")
    )


class Held:
    """A call that waits with a dataset's photos until it is let go."""

    def __init__(self, real: Callable[..., Any], name: str) -> None:
        self._real, self._name = real, name
        self.waits, self.go_on, self.is_over = Event(), Event(), Event()

    def __call__(self, *args: Any, **more: Any) -> Any:
        if self._name not in str(args):
            return self._real(*args, **more)
        self.waits.set()
        assert self.go_on.wait(PATIENCE)
        try:
            return self._real(*args, **more)
        finally:
            self.is_over.set()


def test_an_earlier_choice_whose_answer_takes_longer_does_not_replace_the_newest_one(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    bot.add_dataset("demo/slow", photos=9)
    open_dialog(bot)
    now = time.time()
    slow = Held(bot.desk.quote, "demo/slow")
    monkeypatch.setattr(bot.desk, "quote", slow)
    change(bot, "demo/slow", at=now)
    assert slow.waits.wait(PATIENCE)
    change(bot, "demo/parcel", at=now + 1)
    bot.wait_until(lambda: "3 photos" in outlook(bot), "nothing was said of the newest choice")
    slow.go_on.set()
    assert slow.is_over.wait(PATIENCE)
    change(bot, "demo/parcel", at=now + 2)  # its answer waits for the turn of those before it
    bot.wait_until(lambda: len(bot.slack.calls("views.update")) >= 2, "no third answer")
    assert ["demo/slow" in str(call) for call in bot.slack.calls("views.update")] == [False, False]
    assert "3 photos" in outlook(bot)


def test_an_answer_that_is_on_its_way_to_slack_is_waited_for(bot: Bot) -> None:
    """Or it might arrive after the newest one."""
    bot.add_dataset("demo/slow", photos=9)
    dialogs, first, second, arrived = OpenDialogs(bot.desk), Event(), Event(), []

    class Turn(AbstractContextManager[None]):
        """Tells when somebody has to wait for it."""

        def __init__(self) -> None:
            self._lock = Lock()

        def __enter__(self) -> None:
            if not self._lock.acquire(blocking=False):
                second.set()
                self._lock.acquire()

        def __exit__(self, *_: object) -> None:
            self._lock.release()

    class Slack:
        """Takes the first answer only when there is a second one."""

        def views_update(self, *, view_id: str, view: dict[str, Any]) -> None:
            is_slow = "demo/slow" in str(view)
            (first if is_slow else second).set()
            assert not is_slow or second.wait(PATIENCE)
            arrived.append(is_slow)

    dialogs._changed("V1", 0.0).turn = Turn()  # type: ignore[assignment]
    show: Any = partial(dialogs.show, Slack(), "V1")  # type: ignore[arg-type]
    with ThreadPoolExecutor(2) as pool:
        pool.submit(show, a_request("", dataset="demo/slow"), at=1.0)
        assert first.wait(PATIENCE)
        pool.submit(show, a_request("", dataset="demo/parcel"), at=2.0)
    assert arrived == [True, False]


def test_changes_that_reach_the_bot_in_the_wrong_order_are_told_apart_by_slacks_times(
    bot: Bot,
) -> None:
    bot.add_dataset("demo/slow", photos=9)
    open_dialog(bot)
    now = time.time()
    change(bot, "demo/parcel", at=now + 1)
    bot.wait_until(lambda: "3 photos" in outlook(bot), "nothing was said of the newest choice")
    change(bot, "demo/slow", at=now)
    change(bot, "demo/parcel", at=now + 2)
    bot.wait_until(lambda: len(bot.slack.calls("views.update")) == 2, "no second answer")
    assert "demo/slow" not in str(bot.slack.calls("views.update"))


def test_a_dialog_that_was_closed_meanwhile_is_no_error(
    bot: Bot, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    open_dialog(bot)
    now = time.time()
    slow = Held(bot.desk.quote, "demo/parcel")
    monkeypatch.setattr(bot.desk, "quote", slow)
    caplog.set_level("DEBUG", "bot.slack.open_dialogs")
    change(bot, "demo/parcel", at=now)
    assert slow.waits.wait(PATIENCE)
    bot.slack.person.close_modal()
    slow.go_on.set()
    bot.wait_until(lambda: "was closed before" in caplog.text, "nobody noticed")
    assert "a listener failed" not in caplog.text


# -- starting -------------------------------------------------------------------------------------


def test_the_dialog_starts_a_job(bot: Bot) -> None:
    open_dialog(bot)
    [option] = bot.slack.person.options("dataset", "dataset", "parc")
    bot.slack.person.submit(filled(option, iterations="7,000"))
    assert bot.slack.workspace.modal is None
    [job] = bot.ledger.jobs()
    assert (job.dataset, job.options) == ("demo/parcel", {"iterations": 7_000})


def test_every_wrong_field_is_named_at_once(bot: Bot) -> None:
    open_dialog(bot)
    bot.slack.person.submit(filled(None, iterations="5", image_size="big"))
    wrong = bot.slack.workspace.modal_errors
    assert wrong.keys() == {"dataset", "iterations", "image_size"}
    assert "from 50 to 100,000" in wrong["iterations"]
    assert bot.ledger.jobs() == []


def test_photos_that_have_gone_meanwhile_are_named_in_the_dialog(bot: Bot) -> None:
    open_dialog(bot)
    [option] = bot.slack.person.options("dataset", "dataset", "parc")
    gone = option | {"value": "demo/parcels"}
    bot.slack.person.submit(filled(gone))
    assert "Did you mean demo/parcel?" in bot.slack.workspace.modal_errors["dataset"]
