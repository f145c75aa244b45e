"""How well a stage's own progress says how long it still takes, by jobs that have ended.

`FILES="RUN/events.jsonl ..." python -m bench pace`: at each event from a fifth of a stage on, the
time that was really left, beside the time that the stage's speed until then says: elapsed seconds
* (1 - fraction) / fraction. 1 is right, 0.5 half of what was said. Stages of less than four seconds
and moments with less than two said to be left are passed over.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from gpu.job import Event, Stage, Status
from gpu.report import read_events

FIRST, SHORT, LITTLE = 0.2, 4.0, 2.0


def ratios(events: Sequence[Event], stage: Stage) -> list[float]:
    """Return the time really left over the time said to be left, of every moment of a stage."""
    of_stage = [event for event in events if event.stage is stage]
    began = [event.time for event in of_stage if event.status is Status.STARTED]
    ended = [event.time for event in of_stage if event.status is Status.DONE]
    if not began or not ended or ended[-1] - began[-1] < SHORT:
        return []
    told = [
        (event.time - began[-1], event.fraction)
        for event in of_stage
        if event.status is Status.PROGRESS and event.time > began[-1]
    ]
    said = [(after, after * (1 - part) / part) for after, part in told if FIRST <= part < 1]
    took = ended[-1] - began[-1]
    return [(took - after) / left for after, left in said if left > LITTLE]


def main() -> None:
    files = [Path(name) for name in os.environ.get("FILES", "").split()]
    jobs = [read_events(file) for file in files]
    print("| stage | jobs | lowest | median of the medians | highest |\n|---|---|---|---|---|")
    for stage in Stage:
        found = [of_job for events in jobs if (of_job := ratios(events, stage))]
        if found:
            every = [ratio for of_job in found for ratio in of_job]
            middle = median(median(of_job) for of_job in found)
            figures = f"{min(every):.2f} | {middle:.2f} | {max(every):.2f}"
            print(f"| {stage} | {len(found)} | {figures} |")
