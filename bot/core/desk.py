"""The front desk: turns what a person asks into an intent in the ledger, and answers at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from bot.compute.base import Foreign, Plan
from bot.core.catalogue import Catalogue
from bot.core.costs import Budget
from bot.core.drops import DATASETS, Drop, DroppedFile, name_of, slug
from bot.core.errors import IllegalMove, NotInstalled, UnknownJob, UnknownMachine
from bot.core.estimates import Estimate, whole
from bot.core.intents import Kind
from bot.core.jobs import AGAIN, Job, Options, Request, State, again, goes_on_alike
from bot.core.ledger import Ledger
from bot.core.market import Market
from bot.core.near import nearest
from bot.core.quotes import Quote
from bot.core.roles import Roles
from bot.core.rounds import Rounds
from bot.storage.base import Dataset
from bot.storage.found import Found
from gpu.job import JobSpec, Pipeline, Source
from gpu.job.choices import LEARNED
from gpu.job.public import is_address


class Desk:
    """What every way in (commands, buttons, dialogs, mentions) may ask for. Calls no machine."""

    def __init__(
        self,
        ledger: Ledger,
        catalogue: Catalogue,
        *,
        backend: str,
        price_per_hour: float,
        wake: Callable[[], None],
        budget: Budget | None = None,
        rounds: Rounds | None = None,
        market: Market | None = None,
        roles: Roles | None = None,
        read_log: Callable[[str], str] = lambda job_id: "",
        slots: int = 1,
        invite: Callable[[str, str, str, str], str] = lambda name, team, channel, user: "",
        size_of: Callable[[str], int | None] = lambda address: None,
        look: Callable[[Dataset], Found | None] = lambda dataset: None,
        bare: bool = False,
    ) -> None:
        """`price_per_hour` is the most that a job's machine costs, dollars; 0 when it is free.

        Without a `budget` only machines that cost nothing are started. `market` knows the price
        of the moment. `read_log` returns the end of a job's log. At most `slots` jobs run at
        once. `invite` makes links to the upload page. `size_of` takes a glance at a stranger's
        .zip: its bytes, if they are known. `look` looks at a dataset's photos. The machines are
        `bare` when nothing can be on them that the operator has installed.
        """
        self.ledger = ledger
        self.budget = budget or Budget(ledger, monthly=0.0)
        self.rounds = rounds or Rounds()
        self._catalogue = catalogue
        self._backend = backend
        self.roles = roles or Roles()
        self._price = price_per_hour
        self.market = market or Market(lambda: Plan("this machine", price_per_hour))
        self._read_log = read_log
        self.slots = slots
        self._invite = invite
        self._size_of = size_of
        self._look = look
        self._bare = bare
        self._wake = wake

    def start(self, request: Request) -> Job:
        """Queue a job.

        Raises NotAllowed, UnknownDataset, InvalidValue, NotInstalled or BudgetSpent before anything
        is written.
        """
        self.roles.check_start(request.user, request.channel)
        request = self._checked(request)
        price = self.market.price(self._price, request.options.get("size"))
        self.budget.check(price, request.pipeline, request.options)
        job = self.ledger.submit(request, backend=self._backend, price_per_hour=self._price)
        self._wake()
        return job

    def receive(
        self, files: Sequence[DroppedFile], text: str, *, key: str, team: str, channel: str,
        user: str, thread: str = "",
    ) -> Drop:  # fmt: skip
        """Note files that are to be fetched and offered as a job. Raises NotAllowed.

        A single .zip is a dataset of its own. `text` is what was said with them: it names them.
        """
        self.roles.check_start(user, channel)
        is_archive = len(files) == 1 and files[0].name.lower().endswith(".zip")
        dataset = name_of(text, key, time.time()) + (".zip" if is_archive else "")
        drop = self.ledger.drops.add(
            key=key, team=team, channel=channel, user=user, thread=thread, dataset=dataset,
            files=files,
        )  # fmt: skip
        self._wake()
        return drop

    def invite(self, name: str, team: str, channel: str, user: str) -> tuple[str, str]:
        """Return the name of a dataset and the link at which this person uploads to it.

        Raises NotAllowed.
        """
        self.roles.check_start(user, channel)
        wanted, unnamed = (n.removeprefix(f"{DATASETS}/") for n in (name, _unnamed(user)))
        name = slug(wanted) or unnamed
        self.ledger.audit(user, "upload", None, name)
        return f"{DATASETS}/{name}", self._invite(name, team, channel, user)

    def take(self, drop_id: int, pipeline: Pipeline, user: str) -> tuple[Drop, Job]:
        """Start the job that a drop was offered as, once. Raises UnknownDrop, and as `start`."""
        drop = self.ledger.drops.get(drop_id)
        request = Request(
            team=drop.team, channel=drop.channel, user=user, dataset=drop.dataset,
            pipeline=pipeline, key=f"drop:{drop.id}",
        )  # fmt: skip
        return drop, self.start(request)

    def is_of(self, job: Job, request: Request) -> bool:
        """Whether a job is what a request asks for: its key may have been another's before."""
        if request.job_id not in {None, job.id}:
            return False
        wanted = self._catalogue.require(request.dataset), request.pipeline, dict(request.options)
        return wanted == (job.dataset, job.pipeline, dict(job.options))

    def quote(self, request: Request, *, looking: bool = False) -> Quote:
        """Say what a job would mean, `looking` at the photos too; starts nothing.

        Raises UnknownDataset, InvalidValue or NotInstalled, and what `size_of` raises.
        """
        request = self._checked(request)
        dataset = self._catalogue.find(request.dataset)
        if is_address(dataset.name):
            dataset, looking = replace(dataset, bytes=self._size_of(dataset.name) or 0), False
        left = max(self.budget.monthly - self.budget.spent(), 0.0) if self._price else None
        return Quote(
            dataset, request.pipeline, self.market.plan_of(request.options.get("size")),
            self.market.problem,
            self._estimate(request),
            ahead=self.ledger.count_active(), budget_left=left,
            found=self._look(dataset) if looking else None, options=request.options,
        )  # fmt: skip

    def _estimate(self, request: Request) -> Estimate | None:
        asked = request.pipeline, request.options
        return whole(*asked, self.ledger.history(*asked))

    def finished(self, job_id: str | None) -> Job:
        """Return a job to be done again, the newest that is over when none is named.

        Raises UnknownJob.
        """
        return self._newest(job_id, lambda job: job.is_over, "No job is over yet.")

    def view(self, job_id: str | None) -> Job:
        """Return a job whose splat can be seen, the newest when none is named."""
        return self._newest(job_id, lambda job: bool(job.viewer_url), "No job has a splat yet.")

    def logs(self, job_id: str | None) -> tuple[Job, str]:
        """Return a job, the running or newest one when none is named, and the end of its log."""
        foremost = self.ledger.foremost() if job_id is None else None
        job = foremost or self._newest(job_id, lambda job: True, "There are no jobs yet.")
        return job, self._read_log(job.id)

    def run_again(self, job_id: str, user: str) -> tuple[Job, bool]:
        """Queue a failed job as it was, once; return the job that it becomes, and whether now.

        Who asks later gets the same job, and who asks while a job goes on from it that somebody
        has typed gets that. Raises UnknownJob and IllegalMove, and as `start`.
        """
        failed = self.pick(job_id)
        if failed.state is not State.FAILED:
            text = f"Job `#{failed.id}` {failed.state.told}."
            raise IllegalMove(text, hint="Only one that has failed is run again like this.")
        options = again(failed, {})
        if known := self.ledger.done_again(failed.id) or self._going_on(options):
            return known, False
        request = Request(
            team=failed.team, channel=failed.channel, user=user, dataset=failed.dataset,
            pipeline=failed.pipeline, key=AGAIN + failed.id, options=options,
        )  # fmt: skip
        job = self.start(request)
        return job, job.user == user  # another's, who was faster by a moment

    def _going_on(self, options: Options) -> Job | None:
        """Return a job that waits or runs, and goes on as one with `options` would."""
        active = self.ledger.active()
        return next((job for job in active if goes_on_alike(job.options, options)), None)

    def _newest(self, job_id: str | None, fits: Callable[[Job], bool], otherwise: str) -> Job:
        """Return the job that is named, else the newest that fits; raises UnknownJob."""
        if job_id is not None:
            return self.pick(job_id)
        found = next((job for job in self.ledger.jobs(limit=100) if fits(job)), None)
        if found is None:
            raise UnknownJob(otherwise, hint=self.where_to_go())
        return found

    def cancel(self, job_id: str | None, by: str) -> Job:
        """Cancel a job, or the one that runs. One that is over is returned as it is."""
        job = self.ledger.request_cancel(self.pick(job_id).id, by)
        self._wake()
        return job

    def destroy(self, job_id: str | None, by: str) -> Job:
        """Cancel a job and remove its machine without asking it to stop."""
        job = self.ledger.request_destroy(self.pick(job_id).id, by)
        self._wake()
        return job

    def destroy_foreign(self, machine_id: str, by: str) -> Foreign:
        """Want a machine destroyed that is not ours. Raises NotAllowed and UnknownMachine."""
        self.roles.check_admin(by)
        for machine in self.ledger.intents.foreign():
            if machine.machine_id == machine_id:
                self.ledger.intents.ask(Kind.DESTROY_FOREIGN, machine_id, by)
                self._wake()
                return machine
        raise UnknownMachine(
            "That droplet is not on the account any more.",
            hint="`/splat destroy` shows what is there.",
        )

    def pick(self, job_id: str | None) -> Job:
        """Return the job that is named, else the one that runs or waits; raises UnknownJob."""
        if job_id is None:
            job = self.ledger.foremost()
            if job is None:
                raise UnknownJob("No job is running.", hint=self.where_to_go())
            return job
        try:
            return self.ledger.job(job_id)
        except UnknownJob as unknown:
            near = nearest(job_id, [job.id for job in self.ledger.jobs(limit=50)])
            if not near:
                raise
            raise UnknownJob(unknown.user_message, hint=f"Did you mean `{near[0]}`?") from None

    def where_to_go(self) -> str:
        """Say what to do where there is no job that could be meant."""
        if self.ledger.jobs(limit=1):
            return "`/splat list` shows where each job stands."
        return "`/splat datasets` shows the photos that are there, `/splat` makes a splat of them."

    def datasets(self, prefix: str = "") -> Sequence[Dataset]:
        """List the photos that are there."""
        return self._catalogue.datasets(prefix)

    def _checked(self, request: Request) -> Request:
        """Return a request with the dataset's name as the storage has it, when all is well."""
        request = replace(request, dataset=self._catalogue.require(request.dataset))
        options: dict[str, Any] = dict(request.options)
        # Made only to be checked: the real one is made when the job is launched.
        JobSpec(
            job_id=request.job_id or "check",
            dataset=request.dataset,
            source=Source(path="."),
            pipeline=request.pipeline,
            **options,
        )
        if self._bare:
            _check_bare(options)
        return request


def _check_bare(options: Options) -> None:
    """Raise NotInstalled for what a machine has only where its operator has put it."""
    if options.get("geometry") in LEARNED:
        raise NotInstalled("geometry", str(options["geometry"]), "Learned geometry")
    if "remove" in options:
        raise NotInstalled("remove", str(options["remove"]), "Background and people")


def _unnamed(user: str) -> str:
    return name_of("", user, time.time())
