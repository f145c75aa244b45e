"""What a job's machine and the bot say to each other: the machine asks, the bot answers.

    POST /hooks/jobs/<job>/spec      {}                  -> Assignment
    POST /hooks/jobs/<job>/report    Report              -> Answer
    POST /hooks/jobs/<job>/uploads   {"names": [...]}    -> {"urls": {name: presigned PUT URL}}

Every request is signed (gpu.job.signing), and small: `BODY_LIMIT`. The bot never calls a machine,
so a droplet needs no open port.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from gpu.job.errors import InvalidValue
from gpu.job.events import Event, parse_json
from gpu.job.paths import KEPT, MODEL, OUTPUTS

#: Bytes of a request's body at most, and events in one report.
BODY_LIMIT, EVENTS_LIMIT = 64 * 1024, 100

#: Of an event: characters of a message or a hint, of a figure in words, and of a name; figures;
#: pictures. The agent cuts what is longer, and the bot takes no more.
TEXT_LIMIT, WORD_LIMIT, NAME_LIMIT = 2_000, 500, 120
METRICS_LIMIT, PICTURES_LIMIT = 100, 20

#: Seconds between two reports of a machine that has nothing new to tell: its heartbeat.
HEARTBEAT = 15.0

#: Files that a machine may write besides the results. They stay private.
LOG, EVENTS = "log.txt", "events.jsonl"
GEOMETRY = MODEL
_PREVIEW = re.compile(r"previews/[a-z0-9][a-z0-9_-]{0,80}\.(jpg|gif)")

Figures = Mapping[str, float | int | str]


def may_upload(name: str) -> bool:
    """Whether a machine may write a file of this name, relative to its job's folder."""
    return name in (*OUTPUTS, *KEPT, LOG, EVENTS) or bool(_PREVIEW.fullmatch(name))


@dataclass(frozen=True)
class Report:
    """Events that the bot may not know yet, and how the machine is.

    `figures` are a heartbeat's: `gpu`, `gpu_memory`, `memory` and `disk`, each used in percent,
    and `gpu_name`. `leaving` says that the machine has nothing more to do: it may be destroyed.
    """

    events: Sequence[Event] = ()
    figures: Figures = field(default_factory=dict)
    leaving: bool = False

    def to_json(self) -> str:
        """Return the report as JSON."""
        events = ",".join(event.to_json() for event in self.events)
        rest = json.dumps({"figures": dict(self.figures), "leaving": self.leaving})
        return f'{{"events":[{events}],{rest[1:]}'

    @classmethod
    def from_json(cls, text: bytes | str) -> Report:
        """Read a report; raises InvalidValue when it is none."""
        try:
            raw = parse_json(text)
            unknown = set(raw) - {"events", "figures", "leaving"}
            if unknown or len(raw.get("events", ())) > EVENTS_LIMIT:
                raise InvalidValue("report", sorted(unknown), f"{EVENTS_LIMIT} events at most")
            events = tuple(Event.from_dict(event) for event in raw.get("events", ()))
            figures = {str(k): v for k, v in dict(raw.get("figures", {})).items()}
        except (ValueError, TypeError, AttributeError, RecursionError) as wrong:
            raise InvalidValue("report", str(wrong)[:80], "a report as JSON") from None
        if not all(isinstance(v, float | int | str) for v in figures.values()):
            raise InvalidValue("figures", figures, "numbers and words")
        return cls(events, figures, bool(raw.get("leaving", False)))


@dataclass(frozen=True)
class Answer:
    """What the bot says to a report.

    `cancel`: stop the job. `seq`: the bot has all events up to this number; those above that
    were reported may have to be sent again.
    """

    cancel: bool
    seq: int

    def to_json(self) -> str:
        """Return the answer as JSON."""
        return json.dumps(asdict(self))


@dataclass(frozen=True)
class Assignment:
    """What a machine that has booted has to do.

    `spec` is the job (JobSpec as JSON) with presigned URLs that were made just now. `deadline`
    is the Unix time at which the machine has to be gone. `self_destruct`, only when the operator
    has opted in, has a token that may delete droplets, and nothing else, with the address of
    this droplet's own entry: {"url", "token"}.
    """

    spec: str
    deadline: float
    self_destruct: Mapping[str, str] | None = None

    def to_json(self) -> str:
        """Return the assignment as JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: bytes | str) -> Assignment:
        """Read an assignment; raises InvalidValue when it is none."""
        try:
            return cls(**parse_json(text))
        except (ValueError, TypeError) as wrong:
            raise InvalidValue("assignment", str(wrong)[:80], "an assignment as JSON") from None
