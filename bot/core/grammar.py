"""The grammar of `/splat`: what people type, in any order and with a phone's typography.

/splat <dataset> [splat|aerial] [--iterations N] [--max-views N] [--image-size N] [--seed N]
                 [--geometry NAME] [--preset NAME] [--remove background|people]
                 [--photos private|publish] [--use-all-photos yes|no]
                 [--lens straight|bent] [--size SLUG] [--job-id NAME] [--dry-run]
/splat help [topic] | list | queue | datasets [prefix] | cost [7d|month] | doctor | audit
/splat status [job] | view [job] | logs [job] | cancel [job] | destroy [job]
/splat rerun [job] [options]      --more N goes on with a job's training for N more steps
/splat                                                              opens the start dialog

A dataset is a place in the bot's bucket (`datasets/myparcel`, `datasets/house.zip`, or its
`s3://` or `https://` address), or the https address of a .zip that anybody can read.
"""

from __future__ import annotations

import difflib
import re
import shlex
import unicodedata
from collections.abc import Callable, Iterable, Mapping

from bot.core.commands import (
    Cancel,
    Command,
    Destroy,
    Help,
    ListDatasets,
    ListJobs,
    OpenDialog,
    Rerun,
    ShowAudit,
    ShowCost,
    ShowDoctor,
    ShowLogs,
    ShowQueue,
    ShowStatus,
    Start,
    Upload,
    View,
)
from bot.core.costs import DEFAULT_PERIOD, check_period
from bot.core.drops import slug
from bot.core.errors import InvalidValue, UnknownCommand
from gpu.job import RANGES, Pipeline
from gpu.job.choices import CHOICES, JOB_ID, check_choice, check_size
from gpu.job.public import is_address

#: What stands before all words.
SLASH = "/splat"

#: Words that start a command, with what may follow.
VERBS: Mapping[str, str] = {
    "help": "[topic]", "list": "", "queue": "", "datasets": "[prefix]", "cost": "[7d|month]",
    "doctor": "", "audit": "", "status": "[job]", "view": "[job]", "logs": "[job]",
    "rerun": "[job] [options]", "cancel": "[job]", "destroy": "[job]", "upload": "[name]",
}  # fmt: skip
#: Options of a start, by the name of the field in a job; those without a value.
FLAGS = (
    "iterations", "max_views", "image_size", "seed", "geometry", "preset", "remove", "photos",
    "use_all_photos", "lens", "size", "more", "job_id",
)  # fmt: skip
SWITCHES = ("dry_run",)
#: What else people say for a command, and words before the photos where none is needed.
MEANT: Mapping[str, str] = {
    "stop": "cancel", "abort": "cancel", "quit": "cancel", "kill": "destroy", "delete": "destroy",
    "remove": "destroy", "jobs": "list", "open": "view", "retry": "rerun", "again": "rerun",
    "restart": "rerun", "price": "cost", "progress": "status",
}  # fmt: skip
STARTS = ("start", "make", "create")


def parse(text: str) -> Command:
    """Read what follows `/splat`.

    Raises UnknownCommand (with the nearest word) or InvalidValue (with the allowed range).
    """
    words = _words(text)
    if words[:1] == [SLASH]:  # a command that was pasted whole, behind the one that was typed
        words = words[1:]
    if not words:
        return OpenDialog()
    verb = words[0].lower()
    return _verb(verb, words[1:]) if verb in VERBS else _start(words)


def _verb(verb: str, arguments: list[str]) -> Command:
    if verb == "rerun":
        return _rerun(arguments)
    if verb == "help":
        return Help(" ".join(arguments).lower())
    if len(arguments) > bool(VERBS[verb]):
        raise _too_many(verb, " ".join(arguments))
    argument = arguments[0] if arguments else ""
    if verb in _OF_A_JOB:
        return _OF_A_JOB[verb](_job_id(argument))
    match verb:
        case "datasets":
            return ListDatasets(argument)
        case "upload":
            return Upload(argument)
        case "cost":
            return ShowCost(check_period(argument.lower()) if argument else DEFAULT_PERIOD)
        case _:
            return _ALONE[verb]()


def _too_many(verb: str, words: str) -> UnknownCommand:
    if verb == "upload" and (name := slug(words)):
        text = f"A name has no spaces, and `{words}` has."
        return UnknownCommand(text, hint=f"Use `/splat upload {name}`.")
    usage = f"/splat {verb} {VERBS[verb]}".strip()
    return UnknownCommand(f"I do not understand `{words}` after `{verb}`.", hint=f"Use `{usage}`.")


_ALONE: Mapping[str, Callable[[], Command]] = {
    "list": ListJobs, "queue": ShowQueue, "doctor": ShowDoctor, "audit": ShowAudit,
}  # fmt: skip
_OF_A_JOB: Mapping[str, Callable[[str | None], Command]] = {
    "status": ShowStatus, "view": View, "logs": ShowLogs, "cancel": Cancel, "destroy": Destroy,
}  # fmt: skip


def _job_id(word: str) -> str | None:
    return word.lstrip("#").lower() or None


def _rerun(words: list[str]) -> Rerun:
    options, plain = _split_flags(words)
    if len(plain) > 1:
        text = f"I do not understand `{' '.join(words)}` after `rerun`."
        raise UnknownCommand(text, hint=f"Use `/splat rerun {VERBS['rerun']}`.")
    new_id = _new_id(options.pop("job_id", None))
    dry_run = options.pop("dry_run", None) is not None
    return Rerun(_job_id(plain[0]) if plain else None, _values(options), new_id, dry_run)


def _start(words: list[str]) -> Start:
    options, plain = _split_flags(words)
    pipelines = [word.lower() for word in plain if word.lower() in tuple(Pipeline)]
    names = [word for word in plain if word.lower() not in tuple(Pipeline)]
    if len(names) != 1 or len(pipelines) > 1:
        raise unknown(_strangest(names) or " ".join(words))
    # A slash at its end says that it is a name, should it ever look like a mistyped command.
    if len(words) == 1 and "/" not in names[0] and _mistyped(names[0], VERBS, 0.75):
        raise unknown(names[0])
    name = names[0] if is_address(names[0]) else names[0].rstrip("/")
    if not name:
        raise unknown(names[0])
    if "more" in options:
        text = "`--more` goes on with a job that was there before."
        raise UnknownCommand(text, hint="Use `/splat rerun [job] --more N`.")
    job_id = _new_id(options.pop("job_id", None))
    dry_run = options.pop("dry_run", None) is not None
    pipeline = Pipeline(pipelines[0]) if pipelines else Pipeline.SPLAT
    return Start(name, pipeline, _values(options), job_id, dry_run)


def _new_id(word: str | None) -> str | None:
    if word is not None and not JOB_ID.fullmatch(word):
        raise InvalidValue("--job-id", word, "a-z, 0-9 and '-', 63 characters at most")
    return word


def _split_flags(words: list[str]) -> tuple[dict[str, str], list[str]]:
    """Separate `--flag value` and `--flag=value` from the other words."""
    options: dict[str, str] = {}
    plain: list[str] = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            plain.append(word)
            continue
        written, has_value, value = word.lstrip("-").partition("=")
        flag = _flag(written)
        options[flag] = value if has_value or flag in SWITCHES else next(rest, "")
    return options, plain


def _flag(word: str) -> str:
    name = word.lower().replace("-", "_")
    if name not in (*FLAGS, *SWITCHES):
        nearest = _near(name, (*FLAGS, *SWITCHES), 0.0).replace("_", "-")
        raise UnknownCommand(f"There is no option `--{word}`.", hint=f"Did you mean `--{nearest}`?")
    return name


def _values(options: Mapping[str, str]) -> dict[str, int | str]:
    return {flag: check_option(flag, value) for flag, value in options.items()}


def check_option(flag: str, text: str) -> int | str:
    """Return the value of an option as a job has it. Raises InvalidValue that names the option."""
    name = "--" + flag.replace("_", "-")
    if flag in CHOICES:
        return check_choice(flag, name, text.lower())
    if flag == "size":
        return check_size(name, text.lower())
    return RANGES[flag].read(name, text)


def _strangest(names: list[str]) -> str:
    """Return the word that was most likely meant to be another, when there are too many."""
    plain = (name for name in names if "/" not in name)  # others are photos
    mistyped = (name for name in plain if _mistyped(name, (*VERBS, *Pipeline), 0.6))
    return next(mistyped, names[1] if len(names) > 1 else "")


def _mistyped(word: str, known: Iterable[str], cutoff: float) -> bool:
    """Whether a word is near enough to one that is known, or is what people say for one."""
    return word.lower() in (*MEANT, *STARTS) or bool(_near(word, known, cutoff))


def _near(word: str, known: Iterable[str], cutoff: float) -> str:
    return next(iter(difflib.get_close_matches(word.lower(), list(known), 1, cutoff)), "")


def unknown(word: str) -> UnknownCommand:
    """Say that a word is no command, which one is the nearest, and how to ask for help."""
    if word.lower() in STARTS:
        hint = (
            "`/splat` alone lets you choose photos, `/splat datasets/myparcel` starts with those."
        )
        return UnknownCommand(f"I do not understand `{word}`.", hint=hint)
    nearest = MEANT.get(word.lower()) or _near(word, (*VERBS, *Pipeline), 0.5)
    hint = f"Did you mean `{nearest}`? " if nearest else ""
    return UnknownCommand(f"I do not understand `{word}`.", hint=f"{hint}`/splat help` explains.")


def _without_markup(text: str) -> str:
    """Undo what Slack does to addresses in a message: `<https://host/x.zip|host/x.zip>`."""
    return re.sub(r"<((?:https?|s3)://[^|>\s]+)(?:\|[^>]*)?>", r"\1", text)


def _words(text: str) -> list[str]:
    """Split into words as a shell would, after undoing what phones do to quotes and dashes."""
    plain = unicodedata.normalize("NFKC", _without_markup(text))
    plain = re.sub("[‐‑‒–−]", "-", plain).replace("—", "--").replace("―", "--")
    plain = re.sub("[“”„«»]", '"', plain)
    plain = re.sub("[‘’‚`]", "'", plain)
    try:
        words = shlex.split(plain)
    except ValueError:  # a quote that nothing closes is an apostrophe
        words = plain.split()
    return [word for word in words if word]
