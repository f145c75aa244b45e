"""The user-data of a droplet: one template, and the values of one job, all in one file of JSON.

No value becomes part of YAML's syntax, a script or a command line: the template has one place, and
what goes there is a JSON string (https://yaml.org/spec/1.2.2/, section 1.3: JSON is YAML).
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass, field
from pathlib import Path

from gpu.job.choices import JOB_ID, RANGES, Range
from gpu.job.errors import InvalidValue, SplatError

TEMPLATE = Path(__file__).parent / "cloud_init" / "user-data.yaml"
_PLACE = '"@JOB@"'

#: Where the agent works (gpu.agent.config). Named here so that every path is in the user-data.
PLACES = {"root": "/opt/splatbot", "folder": "/var/lib/splatbot/job"}

#: Bytes of user-data at most, as DigitalOcean's API says of `user_data`.
SIZE_LIMIT = 64 * 1024

#: Printable ASCII without what ends a string: a quotation mark, a backslash, a space.
_URL = re.compile(r"https?://[!#-\[\]-~]+")
_DIGEST = re.compile(r"[0-9a-f]{64}")
#: None, or a name that DigitalOcean's API allows for a volume.
_VOLUME = re.compile(r"(?:[a-z][a-z0-9-]{0,63})?")
_DEADLINE = Range(1, 2**53)


@dataclass(frozen=True, kw_only=True)
class UserData:
    """All that a job's machine knows when it boots: /etc/splatbot/job.json, with PLACES.

    `fence` is the attempt. `key` is of this attempt alone (gpu.job.signing.job_key). `bundle_url`
    is a presigned GET of the pipeline's bundle. `deadline` is the Unix time at which all work has
    to be over. `volume` is the name of the volume with the runtime; empty when there is none.

    Raises InvalidValue that names the field; a secret's value is not in it.
    """

    job: str
    fence: int
    key: str = field(repr=False)
    bot_url: str
    bundle_url: str = field(repr=False)
    bundle_sha256: str
    deadline: int
    volume: str = ""

    def __post_init__(self) -> None:
        RANGES["attempt"].check("fence", self.fence)
        _DEADLINE.check("deadline", self.deadline)
        self._check("job", JOB_ID, "a-z, 0-9 and '-', 63 characters at most")
        self._check("key", _DIGEST, "64 hexadecimal digits")
        self._check("bot_url", _URL, "an http or https address (SPLATBOT_PUBLIC_URL)")
        self._check("bundle_url", _URL, "an http or https address (SPACES_ENDPOINT_URL)")
        self._check("bundle_sha256", _DIGEST, "64 hexadecimal digits")
        self._check("volume", _VOLUME, "a-z, 0-9 and '-', 64 characters at most (SPLATBOT_VOLUME)")

    def _check(self, name: str, form: re.Pattern[str], allowed: str) -> None:
        value = getattr(self, name)
        if not isinstance(value, str) or not form.fullmatch(value):
            shown = value if self.__dataclass_fields__[name].repr else "(not shown)"
            raise InvalidValue(name, shown, allowed)


def render(values: UserData) -> str:
    """Return the cloud-config of one job's machine. Raises SplatError when it is too long."""
    content = json.dumps(json.dumps(asdict(values) | PLACES, indent=2))
    text = TEMPLATE.read_text(encoding="utf-8").replace(_PLACE, content)
    size = len(text.encode())
    if size > SIZE_LIMIT:
        raise SplatError(
            f"The user-data has {size} bytes, and DigitalOcean takes {SIZE_LIMIT}.",
            hint="Shorten SPLATBOT_PUBLIC_URL or SPACES_ENDPOINT_URL.",
        )
    return text
