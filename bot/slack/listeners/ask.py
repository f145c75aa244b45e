"""What is answered to a command, however it was given: typed after a slash or in a mention."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from bot.core import commands
from bot.core.desk import Desk
from bot.core.intents import Kind
from bot.core.jobs import Job, Options, Request, State, again
from bot.core.near import nearest
from bot.slack import bills, blocks, help, job_wording, reports, wording
from bot.slack.addresses import address
from bot.slack.parts import Post, context, said
from bot.slack.standing import standing_of
from gpu.job import Pipeline

#: `Desk.cancel` or `Desk.destroy`: what takes a job's id, and who asks.
Stop = Callable[[str | None, str], Job]


@dataclass(frozen=True)
class Asker:
    """Who asks, and where. `key` is the same when Slack delivers the same question again.

    `here` is the job in whose thread it was asked: it is meant when none is named.
    """

    team: str
    channel: str
    user: str
    key: str
    here: Job | None = None

    def meant(self, job_id: str | None) -> str | None:
        """Return the job that is named, else the one of the thread."""
        return job_id or (self.here.id if self.here else None)


def answer(desk: Desk, command: commands.Command, asker: Asker) -> Post:
    """Do what a command asks; return what only the person sees. Raises SplatError."""
    match command:
        case commands.Help(topic):
            return said(help.text(topic))
        case commands.Start():
            return _start(desk, command, asker)
        case commands.Rerun():
            return _rerun(desk, command, asker)
        case commands.ListDatasets(prefix):
            return _datasets(desk, prefix)
        case commands.Upload(name):
            link = desk.invite(name, asker.team, asker.channel, asker.user)
            return reports.invitation(*link)
        case commands.ShowCost(period):
            return reports.cost(desk.budget.spending(period))
        case commands.ShowDoctor():
            return reports.doctor(desk.rounds.ask(), time.time())
        case commands.ShowAudit():
            return said(wording.audit(desk.ledger.audit_log(limit=20)))
        case commands.ListJobs():
            lines = map(job_wording.job_line, desk.ledger.jobs(limit=15))
            return said("\n".join(lines) or f"There are no jobs yet. {desk.where_to_go()}")
        case commands.ShowQueue():
            shown = desk.ledger.lineup(job_wording.QUEUE)
            return said(job_wording.queue(shown, desk.ledger.count_active()))
        case _:
            return _of_a_job(desk, command, asker)


def _of_a_job(desk: Desk, command: commands.Command, asker: Asker) -> Post:
    """Answer what is about one job: that is named, or in whose thread it is, or the likely one."""
    match command:
        case commands.Cancel(job_id):
            return _stopped(desk, desk.cancel, asker.meant(job_id), asker)
        case commands.Destroy(job_id):
            meant = asker.meant(job_id)
            return _strangers(desk, meant) or _stopped(desk, desk.destroy, meant, asker)
        case commands.ShowStatus(job_id):
            meant = asker.meant(job_id)
            return _strangers(desk, meant) or _status(desk, desk.pick(meant), asker)
        case commands.View(job_id):
            return reports.view(desk.view(asker.meant(job_id)))
        case commands.ShowLogs(job_id):
            return reports.log(*desk.logs(asker.meant(job_id)))
        case _:
            return said(help.text(""))


def _start(desk: Desk, command: commands.Start, asker: Asker) -> Post:
    request = _request(asker, command.dataset, command.pipeline, command.options, command.job_id)
    if command.dry_run:
        return reports.quote(desk.quote(request, looking=True))
    return _accepted(desk, command.text, desk.start(request))


def _datasets(desk: Desk, prefix: str) -> Post:
    found = desk.datasets(prefix)
    near = [] if found else nearest(prefix, [dataset.name for dataset in desk.datasets()])
    return said(wording.dataset_lines(found, prefix, near))


def _rerun(desk: Desk, command: commands.Rerun, asker: Asker) -> Post:
    find = desk.view if "more" in command.options else desk.finished
    earlier = find(asker.meant(command.job_id))
    options = again(earlier, command.options)
    request = _request(asker, earlier.dataset, earlier.pipeline, options, command.new_id)
    if command.dry_run:
        return reports.quote(desk.quote(request, looking=True))
    job = desk.start(request)
    if "more" in job.options:
        given = {"more": job.options["more"], **command.options}
        text = commands.Rerun(str(job.options["earlier"]), given, command.new_id).text
    else:
        text = commands.Start(job.dataset, job.pipeline, job.options, command.new_id).text
    return _accepted(desk, text, job)


def _request(
    asker: Asker,
    dataset: str,
    pipeline: Pipeline,
    options: Options,
    job_id: str | None,
) -> Request:
    return Request(
        team=asker.team,
        channel=asker.channel,
        user=asker.user,
        dataset=dataset,
        pipeline=pipeline,
        key=asker.key,
        options=options,
        job_id=job_id,
    )


def _accepted(desk: Desk, text: str, job: Job) -> Post:
    return said(job_wording.accepted(text, job, desk.ledger.queue_position(job.id)))


def stop(desk: Desk, how: Stop, job_id: str | None, user: str) -> tuple[Job, str]:
    """Stop a job; return it, and what is to be said if there was nothing to stop."""
    before = desk.pick(job_id)
    job = how(before.id, user)
    return job, job_wording.was_over(job) if before.is_over else ""


def _stopped(desk: Desk, how: Stop, job_id: str | None, asker: Asker) -> Post:
    """Stop a job and return how it stands, or that there was nothing to stop."""
    job, was_over = stop(desk, how, job_id, asker.user)
    return said(was_over) if was_over else _status(desk, job, asker)


def _strangers(desk: Desk, job_id: str | None) -> Post | None:
    """The droplets that are not ours, where no job is named and none runs that could be meant."""
    found = desk.ledger.intents.foreign()
    if job_id is not None or not found or desk.ledger.foremost():
        return None
    asked = desk.ledger.intents.newest(Kind.DESTROY_FOREIGN)
    return reports.strangers(found, asked, time.time())


def _status(desk: Desk, job: Job, asker: Asker) -> Post:
    """A job's present state, without live buttons: those belong to its one message."""
    standing = standing_of(desk.ledger, job)
    post = blocks.status(job, standing)
    shown = [block for block in post.blocks if block["type"] != "actions"]
    message = address(desk.ledger, job, asker.team, asker.user)
    notes = [
        job_wording.as_of(job, standing.now, message),
        bills.foreign_note(desk.ledger.intents.foreign()),
    ]
    if job.state in {State.QUEUED, State.LAUNCHING}:
        notes.append(bills.market(desk.market))
    return Post(post.text, [*shown, *(context(note) for note in notes if note)])
