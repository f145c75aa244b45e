"""The settings of the bot. All come from the environment; docs/operator.md lists them."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bot.core.environment import (
    BadSetting,
    read_ids,
    read_needed,
    read_number,
    read_switch,
    read_url,
    read_word,
    read_words,
)
from bot.core.roles import CHANNELS, EVERYBODY, GROUPS, PEOPLE, Owner

#: Characters of a token of the API, at the least.
SHORTEST = 24

#: DigitalOcean's API, unless another server speaks it.
_API = "https://api.digitalocean.com"


@dataclass(frozen=True)
class SpacesSettings:
    """A bucket of DigitalOcean Spaces, or of any other S3 server."""

    bucket: str
    region: str
    endpoint_url: str
    key: str = field(repr=False)
    secret: str = field(repr=False)


@dataclass(frozen=True)
class DropletSettings:
    """GPU droplets of DigitalOcean. Money is in US dollars, VRAM in GB.

    `sizes` and `regions`, when given, are the only ones allowed, in order of preference;
    otherwise the cheapest that fits is taken. `volume` is the name of the volume with the
    runtime; without one a droplet installs what it needs on its own disk, every time.
    """

    token: str = field(repr=False)
    api_url: str = _API
    sizes: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    image: str = "gpu-h100x1-base"
    ssh_keys: tuple[str, ...] = ()
    volume: str = ""
    volume_gb: int = 40
    min_vram: int = 16
    max_price: float = 4.0
    monthly_budget: float = 100.0
    slots: int = 1
    install: str = ""
    self_destruct_token: str = field(default="", repr=False)

    @property
    def is_bare(self) -> bool:
        """Whether the droplets have nothing that the operator has installed.

        A volume may have something, and so may a snapshot, which has a number for a name.
        """
        return not self.volume and not self.image.isdigit()


@dataclass(frozen=True)
class Settings:
    """Everything that an operator decides. Secrets do not show in `repr`."""

    slack_bot_token: str = field(repr=False)
    slack_signing_secret: str = field(repr=False)
    slack_api_url: str = "https://slack.com/api/"
    public_url: str = "http://127.0.0.1:3000"
    host: str = "127.0.0.1"
    port: int = 3000
    data: Path = Path("data")
    spaces: SpacesSettings | None = None
    droplets: DropletSettings | None = None
    hook_secrets: tuple[str, ...] = field(default=(), repr=False)
    starters: tuple[str, ...] = (EVERYBODY,)
    admins: tuple[str, ...] = (EVERYBODY,)
    slack_app_token: str = field(default="", repr=False)
    slack_client_id: str = ""
    slack_client_secret: str = field(default="", repr=False)
    workspaces: tuple[str, ...] = ()
    api_owners: Mapping[str, Owner] = field(default_factory=dict, repr=False)
    inbox: Owner | None = None
    notify: tuple[str, ...] = field(default=(), repr=False)
    plan_blocks: bool = False

    @property
    def ledger(self) -> Path:
        """The ledger's file."""
        return self.data / "ledger.db"

    @property
    def jobs(self) -> Path:
        """The folder of the jobs' folders."""
        return self.data / "jobs"

    @property
    def store(self) -> Path:
        """The local store: datasets and results, when there is no bucket."""
        return self.data / "store"

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Settings:
        """Read the environment; raises BadSetting that names the variable and the remedy."""
        port = _port(env.get("PORT") or "3000")
        spaces = _spaces(env)
        return cls(
            **_slack(env),
            slack_signing_secret=read_needed(
                env, "SLACK_SIGNING_SECRET", "the app's signing secret"
            ),
            slack_api_url=read_url(env, "SLACK_API_URL", "https://slack.com/api") + "/",
            public_url=read_url(env, "SPLATBOT_PUBLIC_URL", f"http://127.0.0.1:{port}"),
            host=env.get("HOST") or "127.0.0.1",
            port=port,
            data=Path(env.get("SPLATBOT_DATA") or "data").absolute(),
            spaces=spaces,
            droplets=read_droplets(env, spaces),
            hook_secrets=_hook_secrets(env),
            starters=read_ids(env, "SPLATBOT_STARTERS", (*PEOPLE, *CHANNELS, *GROUPS)),
            admins=read_ids(env, "SPLATBOT_ADMINS", (*PEOPLE, *GROUPS)),
            api_owners=_api_owners(env),
            inbox=_inbox(env),
            notify=tuple(env.get("SPLATBOT_NOTIFY", "").split()),  # addresses may have commas
            plan_blocks=read_switch(env, "SPLATBOT_PLAN_BLOCKS"),
        )


def _slack(env: Mapping[str, str]) -> dict[str, Any]:
    """Read how the bot gets its tokens: one from the settings, or one of each workspace."""
    app_token = env.get("SLACK_APP_TOKEN", "").strip()
    if app_token and not app_token.startswith("xapp-"):
        hint = "Set it to an app-level token (xapp-...): the app's page, Basic Information."
        raise BadSetting("SLACK_APP_TOKEN", "is no app-level token", hint)
    client_id = env.get("SLACK_CLIENT_ID", "").strip()
    if not client_id:
        token = read_needed(env, "SLACK_BOT_TOKEN", "the app's bot token (xoxb-...)")
        return {"slack_bot_token": token, "slack_app_token": app_token}
    if env.get("SLACK_BOT_TOKEN", "").strip():
        hint = "Set one of the two: a token of one workspace, or the app's id for several."
        raise BadSetting("SLACK_BOT_TOKEN", "is set, and so is SLACK_CLIENT_ID", hint)
    teams = read_words(env, "SPLATBOT_WORKSPACES")
    if not teams or not all(re.fullmatch(r"T[A-Z0-9]{2,}", team) for team in teams):
        hint = "Set it to the ids (T...) of the workspaces that may install the app, which pays."
        problem = f"is {' '.join(teams)!r}" if teams else "is not set"
        raise BadSetting("SPLATBOT_WORKSPACES", problem, hint)
    return {
        "slack_bot_token": "",
        "slack_app_token": app_token,
        "slack_client_id": client_id,
        "slack_client_secret": read_needed(env, "SLACK_CLIENT_SECRET", "the app's client secret"),
        "workspaces": teams,
    }


def _api_owners(env: Mapping[str, str]) -> dict[str, Owner]:
    """Read whose each token of the API is. None of the problems that it names holds a token."""
    owners: dict[str, Owner] = {}
    for number, pair in enumerate(read_words(env, "SPLATBOT_API_TOKENS"), start=1):
        name, _, token = pair.partition(":")
        if len(token) < SHORTEST or not token.isascii() or token in owners:
            hint = (
                f"Set it to name:token, separated by commas, each token once and {SHORTEST}"
                " characters or more: `openssl rand -hex 24` makes one."
            )
            raise BadSetting("SPLATBOT_API_TOKENS", f"has a bad token (number {number})", hint)
        owners[token] = _owner(env, "SPLATBOT_API_TOKENS", name)
    return owners


def _inbox(env: Mapping[str, str]) -> Owner | None:
    name = read_word(env, "SPLATBOT_INBOX")
    return _owner(env, "SPLATBOT_INBOX", name) if name else None


def _owner(env: Mapping[str, str], variable: str, name: str) -> Owner:
    """Return whose jobs are that come without Slack; they are shown in a channel, if any.

    A person is told in a direct message where no channel is set.
    """
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,40}", name):
        hint = "Use Slack's id of a person (U...), or a name of a-z, 0-9, '-' and '_'."
        raise BadSetting(variable, "names nobody" if not name else f"names {name[:40]!r}", hint)
    channel = read_word(env, "SPLATBOT_API_CHANNEL")
    if channel and not re.fullmatch(r"[CG][A-Z0-9]{2,}", channel):
        hint = "Set it to the id (C...) of a channel that the bot is in."
        raise BadSetting("SPLATBOT_API_CHANNEL", f"is {channel!r}", hint)
    is_person = re.fullmatch(r"[UW][A-Z0-9]{2,}", name)
    team = next(iter(read_words(env, "SPLATBOT_WORKSPACES")), "")
    return Owner(name, channel or (name if is_person else ""), team)


def _spaces(env: Mapping[str, str]) -> SpacesSettings | None:
    bucket = env.get("SPACES_BUCKET")
    if not bucket:
        return None
    region = env.get("SPACES_REGION") or "ams3"
    endpoint = read_url(env, "SPACES_ENDPOINT_URL", f"https://{region}.digitaloceanspaces.com")
    return SpacesSettings(
        bucket=bucket,
        region=region,
        endpoint_url=endpoint,
        key=read_needed(env, "SPACES_KEY", f"the access key of the bucket {bucket}"),
        secret=read_needed(env, "SPACES_SECRET", f"the secret of the bucket {bucket}"),
    )


def read_droplets(env: Mapping[str, str], spaces: SpacesSettings | None) -> DropletSettings | None:
    """Read the settings of droplets; None when jobs run on the bot's own machine."""
    token = env.get("DIGITALOCEAN_TOKEN", "").strip()
    if not token:
        return None
    if spaces is None:
        hint = "Droplets read photos from a bucket: set SPACES_BUCKET, SPACES_KEY, SPACES_SECRET."
        raise BadSetting("DIGITALOCEAN_TOKEN", "is set, but SPACES_BUCKET is not", hint)
    place = f"{spaces.endpoint_url}/{spaces.bucket}"
    default = DropletSettings
    return DropletSettings(
        token=token,
        api_url=read_url(env, "DIGITALOCEAN_API_URL", _API),
        sizes=read_words(env, "SPLATBOT_SIZES"),
        regions=read_words(env, "SPLATBOT_REGIONS"),
        image=env.get("SPLATBOT_IMAGE") or default.image,
        ssh_keys=read_words(env, "SPLATBOT_SSH_KEYS"),
        volume=env.get("SPLATBOT_VOLUME", "").strip(),
        volume_gb=int(read_number(env, "SPLATBOT_VOLUME_GB", default.volume_gb, 20, 1000)),
        min_vram=int(read_number(env, "SPLATBOT_MIN_VRAM", default.min_vram, 1, 10_000)),
        max_price=read_number(env, "SPLATBOT_MAX_PRICE", default.max_price, 0.01, 1000),
        monthly_budget=read_number(
            env, "SPLATBOT_MONTHLY_BUDGET", default.monthly_budget, 0.01, 1e6
        ),
        slots=int(read_number(env, "SPLATBOT_GPU_SLOTS", default.slots, 1, 100)),
        # Derived from the bucket, so that a bot that has lost its disk knows its droplets.
        install=_install(env) or hashlib.sha256(place.encode()).hexdigest()[:10],
        self_destruct_token=env.get("SPLATBOT_SELF_DESTRUCT_TOKEN", "").strip(),
    )


def _install(env: Mapping[str, str]) -> str:
    """Read the name of this bot in tags, which DigitalOcean compares without regard to case."""
    name = env.get("SPLATBOT_INSTALL", "").strip()
    if not re.fullmatch(r"[a-z0-9_-]{0,50}", name):
        hint = "Set it to 50 characters at most, of a-z, 0-9, '-' and '_'."
        raise BadSetting("SPLATBOT_INSTALL", f"is {name!r}", hint)
    return name


def read_account(env: Mapping[str, str] = os.environ) -> DropletSettings:
    """Read what it takes to speak with DigitalOcean, and nothing else."""
    token = read_needed(env, "DIGITALOCEAN_TOKEN", "a token that may read and delete droplets")
    return DropletSettings(token, read_url(env, "DIGITALOCEAN_API_URL", _API))


def _hook_secrets(env: Mapping[str, str]) -> tuple[str, ...]:
    """Return the secrets of the machines' keys: the first signs, all are accepted.

    Derived from Slack's signing secret unless given, so that there is one secret less to keep,
    and a bot that has lost its disk still understands the machine that it has left behind.
    """
    given = read_words(env, "SPLATBOT_HOOK_SECRETS")
    signing = env.get("SLACK_SIGNING_SECRET", "").encode()
    return given or (hmac.new(signing, b"splatbot hooks", hashlib.sha256).hexdigest(),)


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise BadSetting("PORT", f"is {text!r}", "Set it to a number from 1 to 65535.")
    return int(text)
