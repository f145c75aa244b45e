"""`/splat help <topic>`: a few lines on each command, option and word."""

from __future__ import annotations

from collections.abc import Mapping

from bot.core.grammar import FLAGS, SWITCHES, VERBS
from bot.core.near import nearest
from bot.slack.wording import escape
from gpu.job import GEOMETRIES, NON_COMMERCIAL, RANGES
from gpu.job.choices import CHOICES, LEARNED

HELP = """*Make a splat*
`/splat datasets/myparcel` any capture, `/splat datasets/myparcel aerial` a drone flight
`/splat` alone opens a dialog · `/splat upload [name]` a page for many photos
Options: `--iterations N` `--max-views N` `--image-size N` `--seed N` `--geometry NAME`
`--preset draft|fast|best` `--remove background|people` `--photos private|publish`
`--use-all-photos yes|no` `--lens straight|bent` `--size SLUG` (droplet) `--job-id NAME`
With `--dry-run` it says what would happen, how long and for how much, and starts nothing

*Look after jobs*
`/splat status [job]` · `/splat queue` · `/splat list` · `/splat datasets [prefix]`
`/splat view [job]` the link again · `/splat logs [job]` what its programs said
`/splat rerun [job] [options]` the same again, with what you change; `--more N` trains it longer
`/splat cancel [job]` stops a job · `/splat destroy [job]` stops it at once
`/splat cost [7d|month]` what machines have cost · `/splat doctor` what is not well
`/splat audit` who did what
`/splat help topic` more on a command, an option, `dataset`, `photos`, `money` …
In a job's thread: its buttons, or `@splat status`, `view`, `logs`, `rerun`, `cancel`, `destroy`

Two thirds of each photo should be in the next one. What you photograph is what you get."""

COMMANDS: Mapping[str, str] = {
    "audit": "Who did what, newest first.",
    "cancel": "Stops a job and frees its slot: the running one, unless you name another. It gets"
    " a moment to save its log. Anybody may.",
    "cost": "What machines have cost by day, person and job, and what costs money right now.",
    "datasets": "Which photos are there, and how many; only those whose name begins like that.",
    "destroy": "Stops a job at once and removes its machine; what it has computed is lost. While"
    " no job runs, it shows GPU droplets that are not ours.",
    "doctor": "What the bot found when it last looked at all that it needs, with the remedies.",
    "help": "This. Topics are commands, options, and: {topics}.",
    "list": "The newest jobs, with links to their splats.",
    "logs": "The end of a job's log: of the running or newest one, unless you name another.",
    "queue": "What runs, and what waits in which order.",
    "rerun": "The same job again, the newest that is over unless you name another, with the"
    " options that you change: `/splat rerun a1b2 --iterations 7000`. One that did not succeed goes"
    " on from what it has left, unless you change what that depends on. Another training, such as"
    " `--preset best`, takes over the cameras, if they are kept and the photos are the same. A"
    " failed job has a button for it, which orders one job however often it is pressed.",
    "status": "Where a job stands now: the running one, unless you name another. The job's message,"
    " to which the answer leads, goes on.",
    "upload": "A page of your own on which you upload many photos, under the name that you give;"
    " it goes on where it stopped, and then a job is offered here.",
    "view": "The link to a splat again: the newest, unless you name another.",
}

OPTIONS: Mapping[str, str] = {
    "iterations": "Training steps. More takes longer and shows more.",
    "max_views": "How many photos are used at most. Fewer is faster.",
    "image_size": "Pixels of a photo's longer side for training. Smaller is faster and blurrier.",
    "seed": "Makes a job repeatable: the same number, the same chance.",
    "geometry": f"How cameras are found: {', '.join(f'`{name}`' for name in GEOMETRIES)}."
    f" {' and '.join(f'`{name}`' for name in LEARNED)} are networks, which whoever runs the bot has"
    " to have installed."
    f" Only for non-commercial use: {', '.join(f'`{name}`' for name in NON_COMMERCIAL)}.",
    "preset": "How much care training takes: `fast` (what you get), `best` (more steps, more"
    " Gaussians, on a GPU mostly two scenes made one: up to six times as long), `draft` (a quick"
    " look: trains at most half as long).",
    "remove": "`background` keeps what stands out in each photo, `people` hides people: a network"
    " does it, where whoever runs the bot has installed one. `masks/` beside the photos need none.",
    "photos": "`publish` puts the photos beside the splat (1,024 pixels, no EXIF, what masks hide"
    " painted over), so that the viewer fades them over it: everybody with the link sees who and"
    " what is in them. `private` is what you get.",
    "use_all_photos": "Held-out photos measure how good a splat is. Then they join the training, so"
    " that the splat has every photo; its figures stay those from before. `no` keeps them out.",
    "lens": "Photos through a fisheye lens are straightened, which costs their border; `bent` has a"
    " GPU train on them as they are: it shows the border, and the middle less well.",
    "size": "The kind of GPU droplet, such as `gpu-h100x1-80gb`; `--dry-run` says its price."
    " Whoever runs the bot decides which are allowed.",
    "more": "Only after `rerun`: goes on with the job's training for so many more steps, from its"
    " cameras and its last state: `/splat rerun a1b2 --more 3000`. The job has to have succeeded.",
    "job_id": "A name for the job, of a-z, 0-9 and '-'. By default it gets one by chance.",
    "dry_run": "Looks at the photos (GPS, overlap, blur), says what would happen, on which machine,"
    " how long and for how much, and starts nothing.",
}

WORDS: Mapping[str, str] = {
    "start": "`/splat datasets/myparcel` makes a splat of the photos under that name; add"
    " `aerial` for a drone flight. `/splat` alone opens a dialog. Options may stand anywhere.",
    "options": "{options}: anywhere in the command, in any order; `--more` only after `rerun`."
    " `/splat help --iterations` explains one.",
    "dataset": "Photos are named by where they are in the bot's bucket: a folder"
    " (`datasets/myparcel`), a .zip (`datasets/house.zip`), or either as `s3://…` or `https://…`."
    " A .zip anywhere else has to be one that anybody can read: `https://host/photos.zip`.",
    "splat": "`splat` is for any capture: an object, a room, a house. It is what you get unless"
    " you say `aerial`.",
    "aerial": "`aerial` is for drone flights: it adds the descent, which makes the ground sharp"
    " from close by and keeps that only where held-out photos get worse by 0.05 dB at most.",
    "photos": "Two thirds of each photo should be in the next one. 20 photos or more for an"
    " object, 60 for a parcel. Move between photos; sharp, bright, one zoom. Keep their GPS."
    " They stay private: `/splat help --photos` is about publishing them.",
    "threads": "Slash commands do not work in threads. In a job's thread use its buttons, or"
    " `@splat status`, `view`, `logs`, `rerun`, `cancel`, `destroy`: they mean that job. In direct"
    " messages to the bot these words do without `@splat`.",
    "money": "A droplet is billed from its creation until it is proven to be gone, and the"
    " message says both. `--dry-run` says what a job would cost, `/splat cost` what jobs did cost.",
    "roles": "Who may start jobs is decided by whoever runs the bot; `/splat audit` says who did"
    " what. Anybody may stop a job.",
}

#: Other words for the same.
ALIASES: Mapping[str, str] = {
    "zip": "dataset", "https": "dataset", "s3": "dataset", "drone": "aerial",
    "thread": "threads", "price": "money", "budget": "money", "permissions": "roles",
}  # fmt: skip


def text(topic: str) -> str:
    """Return the help on a topic; all of it when none is named, the nearest topics for no topic."""
    name = topic.lstrip("-").replace("-", "_").replace(" ", "_")
    name = ALIASES.get(name, name)
    if not name:
        return HELP
    if name in VERBS:
        said = COMMANDS[name].format(topics=", ".join(f"`{word}`" for word in WORDS))
        return f"`{f'/splat {name} {VERBS[name]}'.strip()}`\n{said}"
    if name in WORDS and not topic.startswith("-"):  # a word before the option of that name
        return WORDS[name].format(options=" ".join(f"`{_usage(option)}`" for option in OPTIONS))
    if name in (*FLAGS, *SWITCHES):
        return f"`{_usage(name)}`\n{OPTIONS[name]}{_range(name)}"
    return _unknown(topic)


def _usage(option: str) -> str:
    choices = CHOICES.get(option, ())
    kind = "SLUG" if option == "size" else "NAME"
    name = "|".join(choices) if 0 < len(choices) < 4 else kind
    value = "" if option in SWITCHES else " N" if option in RANGES else f" {name}"
    return f"--{option.replace('_', '-')}{value}"


def _range(option: str) -> str:
    if option not in RANGES:
        return ""
    return f" From {RANGES[option].low:,} to {RANGES[option].high:,}."


def _unknown(topic: str) -> str:
    options = [_usage(name).split()[0] for name in (*FLAGS, *SWITCHES)]
    near = nearest(topic, [*VERBS, *WORDS, *ALIASES, *options], 1)
    meant = f" Did you mean `/splat help {near[0]}`?" if near else " `/splat help` explains all."
    return f"There is no help on `{escape(topic)}`.{meant}"
