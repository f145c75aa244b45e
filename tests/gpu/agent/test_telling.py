"""The bot hears every event once and in order, however it or the network behaves."""

from __future__ import annotations

from itertools import pairwise

import pytest

from gpu.agent.backoff import LONGEST, MOST
from gpu.agent.work import LINGER
from gpu.job import Event, Stage, Status
from gpu.job.messages import EVENTS, HEARTBEAT, LOG
from tests.gpu.agent.conftest import Boot
from tests.gpu.agent.machine import Machine


def gaps(machine: Machine) -> list[float]:
    """Seconds between the bot's requests."""
    times = machine.bot.times
    return [after - before for before, after in pairwise(times)]


def append(machine: Machine, count: int, **changes: object) -> list[Event]:
    """Add events to events.jsonl as the pipeline does."""
    known = len(machine.events) if machine.paths.events.exists() else 0
    values = {
        "job": "b1", "attempt": 2, "stage": Stage.TRAIN, "status": Status.PROGRESS,
        "fraction": 0.5, "time": 1.0,
    }  # fmt: skip
    new = [
        Event(**(values | {"seq": n, "message": f"Step {n}"} | changes))  # type: ignore[arg-type]
        for n in range(known + 1, known + count + 1)
    ]
    with machine.paths.events.open("a") as file:
        file.writelines(event.to_json() + "\n" for event in new)
    return new


def test_a_machine_with_nothing_new_is_heard_every_fifteen_seconds(busy: Machine) -> None:
    busy.bot.times.clear()
    busy.for_seconds(120)
    assert max(gaps(busy)) <= HEARTBEAT
    assert len(gaps(busy)) <= 12
    assert busy.bot.reports[-1].figures == {"memory": 12.5}


def test_news_is_told_within_a_second_and_at_most_twice_a_second(busy: Machine) -> None:
    busy.bot.times.clear()
    for _ in range(10):
        append(busy, 1)
        busy.for_seconds(0.5)
    busy.until(lambda: busy.bot.seq == len(busy.events))
    assert len(busy.bot.times) <= 11
    assert min(gaps(busy)) >= 0.5


def test_many_events_are_told_in_reports_of_a_hundred(boot: Boot) -> None:
    machine = boot("many")
    machine.until(lambda: machine.runs)
    machine.bot.down["report"] = "drop"
    machine.until(lambda: machine.agent.work.over)
    machine.bot.down = {}
    machine.finish()
    assert machine.bot.told == machine.events
    assert len(machine.events) > 250
    assert max(len(report.events) for report in machine.bot.reports) == 100
    assert [report.leaving for report in machine.bot.reports[-3:]] == [False, False, True]


def test_long_events_are_told_in_smaller_reports(busy: Machine) -> None:
    append(busy, 60, message="é" * 1_500)
    busy.until(lambda: busy.bot.seq == len(busy.events))
    assert busy.bot.told == busy.events


def test_an_event_that_no_report_could_hold_is_cut(busy: Machine) -> None:
    append(busy, 1, message="x" * 90_000, metrics={f"m{n}": "y" * 900 for n in range(300)})
    busy.until(lambda: busy.bot.seq == len(busy.events))
    assert busy.bot.told[-1].message.startswith("xxx")


def test_an_hour_without_the_bot_loses_nothing_and_repeats_nothing(boot: Boot) -> None:
    machine = boot("gate")
    machine.until(lambda: machine.runs)
    machine.bot.down = dict.fromkeys(("report", "uploads", "spec"), "drop")
    machine.for_seconds(3600)
    (machine.job / "go").touch()
    machine.until(lambda: machine.events[-1].stage is Stage.PUBLISH)
    machine.bot.down = {}
    machine.finish()
    assert machine.bot.told == machine.events
    told = [entry for entry in machine.bot.order if entry.startswith("event")]
    assert len(told) == len(set(told))


def test_the_waits_double_up_to_a_minute_and_an_answer_ends_them(busy: Machine) -> None:
    busy.bot.down["report"] = "drop"
    busy.until(lambda: busy.bot.down and len(busy.bot.times) > 3)
    busy.bot.times.clear()
    busy.for_seconds(400)
    assert max(gaps(busy)) <= LONGEST + 0.5
    assert sorted(gaps(busy)) == gaps(busy)
    busy.bot.down = {}
    busy.until(lambda: busy.bot.reports and not gaps(busy)[-1] < 0)
    busy.for_seconds(LONGEST)
    busy.bot.times.clear()
    append(busy, 1)
    busy.for_seconds(1)
    assert busy.bot.times


@pytest.mark.parametrize(
    "fault",
    ["drop", "lost", "damaged", "half", "500", "502", "503", "429", "401", "301", "hang", "drip"],
)
def test_whatever_goes_wrong_once_is_made_good(busy: Machine, fault: str) -> None:
    busy.bot.faults["report"].append(fault)
    append(busy, 3)
    busy.until(lambda: busy.bot.seq == len(busy.events))
    assert busy.bot.told == busy.events
    assert not busy.agent.work.over


@pytest.mark.parametrize("fault", ["drop", "lost", "damaged", "half", "500", "hang"])
def test_a_machine_whose_first_question_fails_asks_again(boot: Boot, fault: str) -> None:
    machine = boot("ok")
    machine.bot.faults["spec"].extend([fault, fault])
    machine.finish()
    assert machine.bot.told == machine.events
    assert machine.bot.told[-1].stage is Stage.PUBLISH


@pytest.mark.parametrize(
    "assignment",
    ["[]", "{}", '{"spec": 1, "deadline": 2}', '{"spec": "{}", "deadline": 1e12}'],
)
def test_work_that_is_not_whole_or_not_ours_is_not_done(
    boot: Boot, assignment: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = boot("ok")
    with monkeypatch.context() as damage:
        damage.setattr(machine.bot, "_spec", lambda _body: assignment)
        machine.for_seconds(30)
        assert machine.runs == 0
    machine.finish()
    assert machine.runs == 1


@pytest.mark.parametrize("answer", ["null", '{"cancel": 1, "seq": 1}', '{"cancel": false}', "[3]"])
def test_an_answer_that_is_not_whole_acknowledges_nothing(
    busy: Machine, answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = busy.agent.courier.cancelled
    with monkeypatch.context() as damage:
        damage.setattr(busy.bot, "_report", lambda _body: answer)
        append(busy, 1)
        busy.for_seconds(10)
    assert busy.agent.courier.cancelled == before
    busy.until(lambda: busy.bot.seq == len(busy.events))


def test_the_bot_is_given_the_time_that_it_asks_for(busy: Machine) -> None:
    busy.bot.retry_after = "45"
    busy.bot.faults["report"].append("429")
    busy.bot.times.clear()
    append(busy, 1)
    busy.until(lambda: busy.bot.seq == len(busy.events))
    assert 45 <= max(gaps(busy)) <= 46


def test_a_bot_that_asks_for_a_day_gets_five_minutes(busy: Machine) -> None:
    busy.bot.retry_after = "86400"
    busy.bot.faults["report"].append("503")
    busy.bot.times.clear()
    append(busy, 1)
    busy.until(lambda: busy.bot.seq == len(busy.events))
    assert MOST <= max(gaps(busy)) <= MOST + 1


def test_a_bot_restored_from_an_older_copy_is_told_again(busy: Machine) -> None:
    append(busy, 20)
    busy.until(lambda: busy.bot.seq == len(busy.events))
    busy.bot.restore(4)
    busy.until(lambda: busy.bot.seq == len(busy.events))
    assert busy.bot.told == busy.events


def test_a_bot_restored_after_the_end_is_told_again(boot: Boot) -> None:
    machine = boot("ok")
    machine.finish()
    machine.bot.restore(1)
    machine.until(lambda: machine.bot.seq == len(machine.events))
    machine.finish()
    assert machine.bot.reports[-1].leaving


def test_an_answer_of_before_does_no_harm(busy: Machine) -> None:
    busy.bot.faults["report"].extend(["stale"] * 5)
    append(busy, 5)
    busy.until(lambda: not busy.bot.faults["report"] and busy.bot.seq == len(busy.events))
    assert busy.bot.told == busy.events


def test_an_event_that_the_bot_refuses_stops_no_other(busy: Machine) -> None:
    new = append(busy, 30)
    busy.bot.refuses = {new[11].message}
    busy.until(lambda: busy.bot.seq == len(busy.events))
    told = busy.bot.told[-30:]
    assert told[11].message == ""
    assert [e for e in told if e.seq != new[11].seq] == [e for e in new if e.seq != new[11].seq]


def test_figures_that_the_bot_refuses_stop_no_event(busy: Machine) -> None:
    busy.agent.courier._measure = lambda: {"memory": "x" * 5_000}
    append(busy, 1)
    busy.until(lambda: busy.bot.seq == len(busy.events))


def test_a_damaged_line_does_not_hide_the_others(busy: Machine) -> None:
    first = append(busy, 1)
    with busy.paths.events.open("a") as file:
        file.write("\x00\x00 damaged\n")
    lines = busy.paths.events.read_text().splitlines()
    later = Event.from_json(lines[first[0].seq - 1])
    with busy.paths.events.open("a") as file:
        file.write(Event(**vars(later) | {"seq": later.seq + 2, "message": "later"}).to_json())
        file.write("\n")
    busy.until(lambda: busy.bot.seq == later.seq + 2)
    assert [event.message for event in busy.bot.told[-2:]] == ["", "later"]


def test_half_a_line_is_not_told_before_it_is_whole(busy: Machine) -> None:
    line = Event.from_json(busy.paths.events.read_text().splitlines()[0])
    text = Event(**vars(line) | {"seq": len(busy.events) + 1, "message": "whole"}).to_json() + "\n"
    with busy.paths.events.open("a") as file:
        file.write(text[:40])
        file.flush()
        busy.for_seconds(20)
        file.write(text[40:])
    busy.until(lambda: busy.bot.told[-1].message == "whole")


def test_a_bot_that_knows_nothing_of_the_job_has_ten_minutes_to_remember(busy: Machine) -> None:
    busy.bot.down["report"] = "410"
    busy.for_seconds(500)
    assert not busy.agent.work.over
    busy.bot.down = {}
    busy.until(lambda: busy.bot.reports and not busy.agent.courier.is_forgotten)
    busy.for_seconds(700)
    assert not busy.agent.work.over


@pytest.mark.parametrize("status", ["404", "410"])
def test_work_that_nobody_waits_for_is_stopped(busy: Machine, status: str) -> None:
    busy.bot.down = dict.fromkeys(("report", "uploads"), status)
    busy.until(lambda: busy.agent.work.over)
    times = len(busy.bot.times)
    busy.for_seconds(3600)
    assert len(busy.bot.times) - times < 200  # it waits, and asks less and less often
    busy.bot.down = {}
    busy.finish()
    assert "knew nothing" in busy.bot.failures[0].message


def test_requests_share_a_connection(busy: Machine) -> None:
    busy.for_seconds(25)
    assert len(busy.bot.callers) == 1


def test_the_last_word_is_told_once_it_and_the_log_are_in_the_store(
    boot: Boot, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine, stores = boot("mute"), list[dict[str, bytes]]()
    hear = machine.bot._report

    def look(body: bytes) -> str:
        stores.append(dict(machine.bot.store))
        return hear(body)

    monkeypatch.setattr(machine.bot, "_report", look)
    machine.finish()
    assert machine.bot.reports[-1].events[-1].event() == machine.events[-1]
    copied = stores[-1][EVENTS].decode().splitlines()
    assert [Event.from_json(line) for line in copied] == machine.events
    assert stores[-1][LOG].decode().endswith("something broke\n")


def test_the_last_word_waits_until_the_pipeline_has_ended(busy: Machine) -> None:
    """With the last word the bot may remove the machine."""
    append(busy, 1, status=Status.FAILED, message="There is no room.")
    busy.for_seconds(LINGER - 10)
    assert busy.bot.seq == len(busy.events) - 1
    busy.finish()
    assert [event.message for event in busy.bot.failures] == ["There is no room."]


def test_after_the_deadline_a_machine_that_has_told_everything_is_done(boot: Boot) -> None:
    machine = boot("ok")
    machine.finish()
    machine.for_seconds(100)
    machine.clock.now = machine.bot.deadline
    assert machine.agent.step()
