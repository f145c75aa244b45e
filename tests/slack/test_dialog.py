"""The start dialog: open at once, then telling what a choice would take, and checking it."""

from io import BytesIO
from typing import Any

import httpx
import pytest
from PIL import Image

from bot.core.errors import BackendError
from bot.sandbox.web_api import Reply
from gpu.job import Stage, Status
from tests.fakes.slack import texts
from tests.slack.conftest import Bot, finish

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
    assert "Machine: this machine" in said or "Machine: not known yet" in said
    assert "Cost: free" in said
    assert "as earlier jobs took" in said
    assert "Time: not known yet" in pick(bot, pipeline="splat")


def test_steps_are_answered_with_their_time_once_enter_is_pressed(bot: Bot) -> None:
    bot.start()
    trained = {"seconds": 100.0, "iterations": 1000, "iterations_per_second": 20.0}
    bot.tell(1, Stage.TRAIN, Status.DONE, metrics=trained)
    finish(bot, first=2)
    open_dialog(bot)
    assert "Time: 1 to 2 min, as earlier jobs took" in pick(bot)
    assert "Time: 5 to 8 min, scaled" in press_enter(bot, "iterations", iterations="7,000")
    assert "Time: 1 to 2 min, as" in press_enter(bot, "iterations")
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
    assert "Cost: free" in pick(bot)
    assert "image_url" not in str(bot.slack.workspace.modal)


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
