"""Puts the rooms together: ledger, storage, backend, dispatcher, Slack, web."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial

import uvicorn
from fastapi import APIRouter, FastAPI
from slack_bolt import App

from bot.compute.choice import choose_backend
from bot.core.catalogue import Catalogue
from bot.core.config import Settings
from bot.core.costs import Budget
from bot.core.desk import Desk
from bot.core.dispatcher import Dispatcher
from bot.core.inbox import Inbox
from bot.core.jobs import Job
from bot.core.ledger import Ledger
from bot.core.market import Market
from bot.core.roles import Roles
from bot.core.rounds import Rounds
from bot.core.scheduler import Scheduler
from bot.core.seals import Seals
from bot.core.viewer import preview_url
from bot.doctor import findings
from bot.interrupts import INTERRUPTS
from bot.notify import Notifier, open_senders
from bot.slack.app import create_app as create_slack_app
from bot.slack.files import SlackFiles
from bot.slack.groups import UserGroups
from bot.slack.homes import Homes
from bot.slack.intake import Intake
from bot.slack.outbox import SlackOutbox
from bot.slack.socket import Socket
from bot.slack.workspaces import open_installations, open_workspaces
from bot.storage import open_storage
from bot.storage.looks import Looks
from bot.storage.strangers import Strangers
from bot.web.api import KeyGate, Keys, api_router
from bot.web.app import create_app as create_web_app
from bot.web.hooks import Gate, hooks_router
from bot.web.install_route import install_router
from bot.web.thumbnails import Thumbnails
from bot.web.uploads import Uploads
from gpu.job import InvalidValue
from gpu.job.paths import THUMBNAIL

#: Seconds between two passes of the dispatcher, of the outbox, of the App Homes, and looks at the
#: photos.
TICK, DRAIN, HOME, LOOK = 1.0, 0.5, 5.0, 30.0

#: Seconds between two examinations of the bot's surroundings that nobody asked for, and before
#: the first: by then the bot answers at its address.
EXAMINE, SETTLED = 3600.0, 20.0

#: Seconds between two looks at what machines cost and where they can be had.
ASK = 300.0

#: Seconds that `end_jobs` waits for processes that were killed.
PATIENCE = 10.0


class Service:
    """The running bot. One process: the ledger has one owner, and so has the scheduler."""

    def __init__(self, settings: Settings, *, may_act: Callable[[], bool] = lambda: True) -> None:
        self._settings = settings
        self._may_act = may_act
        self._storage = open_storage(settings)
        self._scheduler = Scheduler()
        self._secrets = settings.hook_secrets or (settings.slack_signing_secret,)
        self.ledger = Ledger(settings.ledger)
        self.ledger.links.move_to(settings.public_url)
        droplets = settings.droplets
        # Without droplets there is nothing to pay for, and nothing that costs may start.
        self._budget = Budget(self.ledger, droplets.monthly_budget if droplets else 0.0)
        self._slots = droplets.slots if droplets else 1
        self._strangers = Strangers()
        self._backend = choose_backend(
            settings, self.ledger, self._storage, afford=self._budget.check, may_act=may_act
        )
        self._dispatcher = self._make_dispatcher()
        self._thumbnails = Thumbnails(
            self._storage, Seals(self._secrets, "thumbnails"), settings.public_url
        )
        self._uploads = Uploads(
            self._storage, self.ledger, Seals(self._secrets, "uploads"), settings.public_url
        )
        self._catalogue = Catalogue(self._storage)
        self._market = Market(self._backend.plan)
        self._workspaces = open_workspaces(settings, self.ledger.tenants)
        self._groups = UserGroups(self._workspaces, [*settings.starters, *settings.admins])
        self._rounds = Rounds(
            partial(findings, settings, self.ledger), wake=lambda: self._scheduler.wake("doctor")
        )
        self.desk = self._make_desk()
        self._outbox = self._make_outbox()
        senders = open_senders(settings.notify)
        self.ledger.places = len(senders)
        self._notifier = Notifier(self.ledger, senders)
        self._intake = self._make_intake()
        self._homes = Homes(self.desk, self._workspaces, self._thumbnail_url)
        self._slack = self._make_slack()
        app_token = settings.slack_app_token
        self._socket = Socket(self._slack, settings, may_act=may_act) if app_token else None

    def _make_dispatcher(self) -> Dispatcher:
        return Dispatcher(
            self.ledger,
            self._backend,
            self._storage,
            public_url=self._settings.public_url,
            slots=self._slots,
            may_start=self._may_act,
            look=self._strangers.look,
        )

    def _make_desk(self) -> Desk:
        settings, droplets = self._settings, self._settings.droplets
        return Desk(
            self.ledger,
            self._catalogue,
            backend=self._backend.name,
            price_per_hour=droplets.max_price if droplets else 0.0,
            wake=lambda: self._scheduler.wake("dispatch"),
            budget=self._budget,
            rounds=self._rounds,
            market=self._market,
            roles=Roles(settings.starters, settings.admins, self._groups.members),
            read_log=self._backend.log,
            invite=self._uploads.invite,
            slots=self._slots,
            size_of=self._strangers.glance,
            look=Looks(self._storage),
            bare=droplets is not None and droplets.is_bare,
        )

    def _make_outbox(self) -> SlackOutbox:
        return SlackOutbox(
            self.ledger,
            self._workspaces,
            read_picture=self._backend.picture,
            thumbnail_url=self._thumbnail_url,
            with_plan=self._settings.plan_blocks,
            preview_url=self._preview_url,
        )

    def _make_intake(self) -> Intake:
        return Intake(
            self.ledger,
            self._workspaces,
            self._storage,
            SlackFiles(self._settings.slack_api_url),
            folder=self._settings.data / "intake",
            refresh=self._catalogue.refresh,
            quote=self.desk.quote,
        )

    def _make_slack(self) -> App:
        return create_slack_app(
            self._settings,
            self.desk,
            self._workspaces,
            thumbnail_url=self._thumbnail_url,
            photo_url=self._thumbnails.url,
            homes=self._homes,
        )

    def web(self) -> FastAPI:
        """Build the HTTP server's app."""
        hooks = hooks_router(
            self.ledger,
            self._storage,
            Gate(self._settings.hook_secrets),
            wake=lambda: self._scheduler.wake("dispatch"),
            droplets=self._settings.droplets,
        )
        return create_web_app(
            slack=self._slack,
            ledger=self.ledger,
            storage=self._storage,
            hooks=hooks,
            more=[
                self._thumbnails.router(),
                self._uploads.router(),
                *self._installing(),
                *self._api(),
            ],
            warm=True,
        )

    def _api(self) -> list[APIRouter]:
        """Return the API, where somebody has a token for it."""
        owners = self._settings.api_owners
        return [api_router(self.desk, self._storage, KeyGate(Keys(owners)))] if owners else []

    def _installing(self) -> list[APIRouter]:
        """Return the pages on which workspaces install the app, where there may be several."""
        if not self._settings.slack_client_id:
            return []
        from bot.slack.oauth import make_flow

        installations = open_installations(self._settings, self.ledger.tenants)
        flow = make_flow(self._settings, installations, Seals(self._secrets, "installing"))
        return [install_router(flow)]

    def run(self) -> None:
        """Serve until told to stop. Running jobs go on, and are found again at the next start."""
        log_plainly()
        self.start()
        try:
            config = uvicorn.Config(
                self.web(),
                host=self._settings.host,
                port=self._settings.port,
                log_level="warning",
                timeout_graceful_shutdown=2,
            )
            INTERRUPTS.serve(uvicorn.Server(config))
        finally:
            self.stop()

    def start(self) -> None:
        """Start to work."""
        self._scheduler.every(TICK, self._dispatcher.tick, "dispatch")
        self._scheduler.every(DRAIN, partial(self._while_acting, self._outbox.drain), "drain")
        self._scheduler.every(DRAIN, partial(self._while_acting, self._outbox.upload), "upload")
        self._scheduler.every(TICK, partial(self._while_acting, self._intake.work), "intake")
        self._scheduler.every(HOME, partial(self._while_acting, self._homes.refresh), "homes")
        rotate = partial(self._while_acting, self._workspaces.rotate)
        self._scheduler.every(ASK, rotate, "tokens")
        self._scheduler.every(TICK, partial(self._while_acting, self._notifier.tell), "elsewhere")
        self._scheduler.every(LOOK, self._catalogue.refresh, "catalogue")
        self._scheduler.every(ASK, self._market.look, "market")
        self._scheduler.every(ASK, self._groups.look, "groups")
        self._scheduler.every(EXAMINE, self._rounds.look, "doctor", after=SETTLED)
        if self._settings.inbox:
            inbox = Inbox(self._storage, self.desk, self._settings.inbox)
            self._scheduler.every(LOOK, partial(self._while_acting, inbox.look), "inbox")
        if self._socket:
            self._scheduler.every(TICK, self._socket.keep, "socket")
        self._scheduler.start()

    def stop(self) -> None:
        """Stop working, after what is under way."""
        self._scheduler.stop()
        if self._socket:
            self._socket.close()

    def _while_acting(self, work: Callable[[], None]) -> None:
        if self._may_act():
            work()

    def end_jobs(self) -> None:
        """End every job and wait until its processes are gone; for a bot that is tried out."""
        for job in self.ledger.active():
            self.ledger.request_destroy(job.id, "the end of the demo")
        deadline = time.monotonic() + PATIENCE
        while self.ledger.active() and time.monotonic() < deadline:
            self._dispatcher.tick()
            time.sleep(0.05)

    def _preview_url(self, job: Job) -> str:
        return preview_url(job, self._storage, self._settings.public_url)

    def _thumbnail_url(self, job: Job) -> str:
        try:
            return self._storage.url(f"splats/{job.id}/{THUMBNAIL}")
        except InvalidValue:
            return ""


def log_plainly() -> None:
    """Log to the terminal, as a host's log viewer wants it."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    # A pass that is still busy when the next one is due is no news: that one is left out.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it would write presigned URLs
