"""SIGKILL after every statement of launching, watching, finishing and destroying a droplet.

Each time the bot is started again, at once and twenty minutes later, and has to bring the job to
its one end. What existed when is read from the simulator's own log, not from the bot.

Each statement is killed once in each of the dispatcher's steps that reach it. With
SPLATBOT_CRASHES=all it is killed in every pass of every way, for the nights.
"""

import json
import multiprocessing
import os
from pathlib import Path

import pytest

from tests.compute.crashing import Plan, kill_on_all, points_on
from tests.compute.killing import Point
from tests.compute.ways import WAYS

IS_ALL = os.environ.get("SPLATBOT_CRASHES") == "all"

#: Processes that kill at the same time, and seconds that they have.
WORKERS = os.cpu_count() or 1
PATIENCE = 12 * 3600 if IS_ALL else 900


@pytest.mark.slow
@pytest.mark.timeout(PATIENCE + 60)
def test_no_crash_costs_a_second_droplet_or_forgets_one(tmp_path: Path) -> None:
    plans = {name: points_on(name, tmp_path) for name in WAYS}
    plans = plans if IS_ALL else firsts(plans)
    kills = sum(len(points) for plan in plans.values() for points in plan.values())
    broken = kill_together(plans, tmp_path)
    restarts = sum(1 for _ in tmp_path.glob("seen/*/*"))
    print(f"{len(WAYS)} ways, {kills} kills, {restarts} restarts, {len(broken)} broken promises")
    assert broken == []
    assert kills > 1000


def firsts(plans: dict[str, Plan]) -> dict[str, Plan]:
    """Keep each point in the first pass that reaches it."""
    known: set[Point] = set()
    for plan in plans.values():
        for number, points in plan.items():
            plan[number] = [point for point in points if point not in known]
            known.update(points)
    return plans


def kill_together(plans: dict[str, Plan], folder: Path) -> list[str]:
    """Share the points out among processes; return after which of them a promise was broken."""
    (folder / "seen").mkdir()
    processes = multiprocessing.get_context("spawn")
    reports = [folder / f"broken-{hand}.json" for hand in range(WORKERS)]
    workers = [
        processes.Process(
            target=kill_on_all, args=(dealt(plans, hand), folder / "seen", report), daemon=True
        )
        for hand, report in enumerate(reports)
    ]
    for worker in workers:
        worker.start()
    try:
        for worker in workers:
            worker.join(PATIENCE)
    finally:
        for worker in workers:
            worker.kill()
    return [point for report in reports for point in json.loads(report.read_text())]


def dealt(plans: dict[str, Plan], hand: int) -> dict[str, Plan]:
    """Deal the points out, so that every process has as many."""
    return {
        name: {number: points[hand::WORKERS] for number, points in plan.items()}
        for name, plan in plans.items()
    }
