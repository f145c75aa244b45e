"""The settings of the bot. All come from the environment; docs/operator-guide.md lists them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from gpu.job import SplatError


class BadSetting(SplatError):
    """A variable of the environment is missing or wrong."""

    def __init__(self, variable: str, problem: str, hint: str) -> None:
        super().__init__(f"{variable} {problem}.", hint=hint)
        self.variable = variable


@dataclass(frozen=True)
class SpacesSettings:
    """A bucket of DigitalOcean Spaces, or of any other S3 server."""

    bucket: str
    region: str
    endpoint_url: str
    key: str = field(repr=False)
    secret: str = field(repr=False)


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
        return cls(
            slack_bot_token=_needed(env, "SLACK_BOT_TOKEN", "the app's bot token (xoxb-...)"),
            slack_signing_secret=_needed(env, "SLACK_SIGNING_SECRET", "the app's signing secret"),
            slack_api_url=_url(env, "SLACK_API_URL", "https://slack.com/api") + "/",
            public_url=_url(env, "SPLATBOT_PUBLIC_URL", f"http://127.0.0.1:{port}"),
            host=env.get("HOST") or "127.0.0.1",
            port=port,
            data=Path(env.get("SPLATBOT_DATA") or "data").absolute(),
            spaces=_spaces(env),
        )


def _spaces(env: Mapping[str, str]) -> SpacesSettings | None:
    bucket = env.get("SPACES_BUCKET")
    if not bucket:
        return None
    region = env.get("SPACES_REGION") or "ams3"
    endpoint = _url(env, "SPACES_ENDPOINT_URL", f"https://{region}.digitaloceanspaces.com")
    return SpacesSettings(
        bucket=bucket,
        region=region,
        endpoint_url=endpoint,
        key=_needed(env, "SPACES_KEY", f"the access key of the bucket {bucket}"),
        secret=_needed(env, "SPACES_SECRET", f"the secret of the bucket {bucket}"),
    )


def _needed(env: Mapping[str, str], variable: str, what: str) -> str:
    value = env.get(variable, "").strip()
    if not value:
        hint = f"Set it to {what}. `splatbot demo` needs no settings at all."
        raise BadSetting(variable, "is not set", hint)
    return value


def _url(env: Mapping[str, str], variable: str, default: str) -> str:
    """Read the address of a server, without a slash at its end."""
    text = (env.get(variable, "").strip() or default).rstrip("/")
    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"http", "https"} and parts.hostname
    except ValueError:
        whole = None
    if not whole:
        raise BadSetting(variable, f"is {text!r}", f"Set it to an address such as {default}.")
    return text


def _port(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65535:
        raise BadSetting("PORT", f"is {text!r}", "Set it to a number from 1 to 65535.")
    return int(text)
