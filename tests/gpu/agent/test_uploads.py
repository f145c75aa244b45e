"""Pictures are in the store before the event that names them; log and events are copied there."""

from __future__ import annotations

import pytest

from gpu.agent import archive
from gpu.agent.archive import PERIOD
from gpu.agent.uploads import FRESH
from gpu.job import Event, Stage
from gpu.job.messages import EVENTS, LOG
from tests.gpu.agent.conftest import Boot
from tests.gpu.agent.machine import Machine
from tests.gpu.agent.test_telling import append


def draw(machine: Machine, name: str = "previews/a.jpg", data: bytes = b"a picture") -> str:
    (machine.job / "previews").mkdir(exist_ok=True)
    (machine.job / name).write_bytes(data)
    return name


def copied(machine: Machine) -> list[Event]:
    """The events that are in the store."""
    return [Event.from_json(line) for line in machine.bot.store[EVENTS].decode().splitlines()]


def test_a_picture_is_in_the_store_before_its_event_is_told(boot: Boot) -> None:
    machine = boot("ok")
    machine.finish()
    [number] = [event.seq for event in machine.events if event.pictures]
    order = machine.bot.order
    assert order.index("put previews/train.jpg") < order.index(f"event {number}")
    assert machine.bot.store["previews/train.jpg"] == b"a picture"
    assert machine.bot.told[number - 1].pictures == ("previews/train.jpg",)


@pytest.mark.parametrize("fault", ["drop", "500", "403", "hang", "half"])
def test_a_picture_is_tried_again(busy: Machine, fault: str) -> None:
    busy.bot.faults["put"].append(fault)
    append(busy, 1, pictures=(draw(busy),))
    busy.until(lambda: busy.bot.seq == len(busy.events))
    assert busy.bot.told[-1].pictures == ("previews/a.jpg",)
    assert busy.bot.store["previews/a.jpg"] == b"a picture"


@pytest.mark.parametrize(
    ("route", "fault"), [("put", "500"), ("uploads", "503"), ("uploads", "409")]
)
def test_an_event_is_told_without_a_picture_that_can_not_be_written(
    busy: Machine, route: str, fault: str
) -> None:
    busy.bot.down[route] = fault
    append(busy, 1, pictures=(draw(busy),), message="Look")
    append(busy, 1, message="More")
    busy.until(lambda: busy.bot.seq == len(busy.events))
    assert [e.message for e in busy.bot.told[-2:]] == ["Look", "More"]
    assert busy.bot.told[-2].pictures == ()


@pytest.mark.parametrize("name", ["previews/none.jpg", "../secrets", "job.json", "work/a.jpg"])
def test_a_picture_that_is_none_is_left_out(busy: Machine, name: str) -> None:
    append(busy, 1, pictures=(name,))
    busy.until(lambda: busy.bot.seq == len(busy.events))
    assert busy.bot.told[-1].pictures == ()
    assert name not in busy.bot.store


def test_a_picture_is_written_again_only_when_it_has_changed(busy: Machine) -> None:
    name = draw(busy)
    append(busy, 2, pictures=(name,))
    busy.until(lambda: busy.bot.seq == len(busy.events))
    assert busy.bot.order.count(f"put {name}") == 1
    append(busy, 1, pictures=(draw(busy, data=b"another picture"),))
    busy.until(lambda: busy.bot.seq == len(busy.events))
    assert busy.bot.store[name] == b"another picture"


def test_log_and_events_are_copied_every_half_minute_when_they_have_changed(busy: Machine) -> None:
    busy.for_seconds(PERIOD + 1)
    busy.bot.order.clear()
    busy.for_seconds(PERIOD + 1)
    assert not [entry for entry in busy.bot.order if entry.startswith("put")]
    append(busy, 1)
    busy.for_seconds(PERIOD + 1)
    assert copied(busy) == busy.events
    assert "the pipeline says hello" in busy.bot.store[LOG].decode()


def test_events_are_copied_while_the_bot_is_away(busy: Machine) -> None:
    busy.bot.down = dict.fromkeys(("report", "uploads", "spec"), "drop")
    busy.for_seconds(FRESH)
    append(busy, 7)
    busy.for_seconds(PERIOD + 1)
    assert copied(busy) == busy.events
    assert busy.bot.seq < len(busy.events)


def test_addresses_are_renewed_before_they_are_too_old(busy: Machine) -> None:
    busy.bot.asked.clear()
    busy.for_seconds(FRESH - 60)
    assert not busy.bot.asked
    busy.for_seconds(120)
    assert sorted(busy.bot.asked) == sorted([EVENTS, LOG])


def test_of_a_long_log_the_end_is_copied(busy: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "LOG_LIMIT", 1_000)
    with busy.paths.log.open("a") as log:
        log.writelines(f"line {number}\n" for number in range(1_000))
    busy.for_seconds(PERIOD + 1)
    text = busy.bot.store[LOG].decode()
    assert len(text) <= 1_000
    assert text.splitlines()[-1] == "line 999"
    assert set(text.splitlines()) <= {f"line {number}" for number in range(1_000)}


def test_a_store_that_is_out_of_order_does_not_keep_the_end_from_being_told(boot: Boot) -> None:
    machine = boot("ok")
    machine.bot.down["put"] = "500"
    machine.finish()
    assert machine.bot.told[-1].stage is Stage.PUBLISH
    assert machine.bot.reports[-1].leaving
