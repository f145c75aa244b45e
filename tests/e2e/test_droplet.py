"""From a command in Slack to a splat, on a droplet that boots, works, and is gone afterwards."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from bot.slack.drainer import QUIET
from bot.slack.job_wording import STAGE_NAMES
from bot.storage.names import private_key
from gpu.job.messages import EVENTS, LOG
from gpu.parcel.render import generate
from tests.cloud_init.booting import files_of
from tests.e2e.cloud import SECRETS, running_cloud
from tests.fakes.digitalocean.world import Fault, World
from tests.fakes.slack import SECRET, TOKEN, buttons

pytestmark = [pytest.mark.slow, pytest.mark.alone]

#: `splatbot serve`, only less patient: it follows a crashed one after seconds instead of two
#: minutes, looks every second instead of every ten whether a droplet is gone, and posts faster.
IMPATIENT = (sys.executable, "-c", """
import sys
from bot import cli, relay
from bot.compute import sightings
from bot.core import limits, succession
from bot.slack import drainer
relay.RENEWAL, relay.FOLLOW = 0.2, 0.1
succession.LEASE, succession.TTL = 2.0, 8.0
sightings.LOOK = sightings.APART = limits.FAREWELL = 1.0
drainer.POST_SPACING = 0.1
sys.exit(cli.main(["serve"]))
""")  # fmt: skip


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve photos of 256x192: as few and as small as can be told apart."""
    folder = tmp_path_factory.mktemp("photos")
    generate(folder, photos=12, size=(256, 192), seed=7, progress=lambda *_: None)
    return folder


def test_a_command_becomes_a_droplet_a_link_and_no_droplet(
    tmp_path: Path, photos: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with running_cloud(tmp_path, photos) as cloud:
        cloud.start("walk", iterations=60)
        cloud.wait("the splat", lambda: says(cloud.thread("walk"), "|open it>"))
        assert_tells_each_stage_once(cloud.thread("walk"))
        cloud.wait("the pictures", lambda: cloud.pictures("walk") >= 3)
        assert_opens(buttons(cloud.status("walk"))["Open viewer"]["url"])
        cloud.wait("the droplet's end", lambda: not cloud.world.existing())
        assert cloud.world.creates() == 1
        [droplet] = cloud.world.droplets
        private = [cloud.bucket.read(private_key("walk", name)) for name in (LOG, EVENTS)]
        said = [cloud.centre.console(droplet), *cloud.messages(), *private]
    assert_keeps_secrets(droplet.user_data, [*said, *capfd.readouterr()])


def assert_keeps_secrets(user_data: str, said: list[str]) -> None:
    """A droplet knows nothing secret but its own key and addresses, and nobody says those."""
    secrets = [SECRETS["SPACES_SECRET"], World.token, TOKEN, SECRET]
    assert [secret for secret in secrets if secret in user_data] == []
    [job] = [f["content"] for path, f in files_of(user_data).items() if path.endswith("job.json")]
    secrets += [SECRETS["SPACES_KEY"], json.loads(job)["key"], "X-Amz-Signature"]
    assert [(secret, text) for text in said for secret in secrets if secret in text] == []


def says(messages: list[str], words: str) -> bool:
    return any(words in message for message in messages)


def assert_tells_each_stage_once(thread: list[str]) -> None:
    """Every stage that is told of in the thread has one line, the machine's preparation too."""
    ends = [line for message in thread if "white_check_mark" in (line := message.splitlines()[0])]
    told = [name for line in ends for name in STAGE_NAMES.values() if f"*{name}*" in line]
    assert told == [name for stage, name in STAGE_NAMES.items() if stage not in QUIET]
    assert "The runtime is ready (compute capability 9.0)." in ends[0]


def assert_opens(link: str) -> None:
    """Fetch what a browser does at a viewer's link."""
    page = httpx.get(link, trust_env=False, follow_redirects=True)
    assert "<script" in page.raise_for_status().text
    [manifest] = parse_qs(urlsplit(link).query)["manifest"]
    told = httpx.get(manifest, trust_env=False).raise_for_status().json()
    splat = httpx.get(urljoin(manifest, told["splat_url"]), trust_env=False).raise_for_status()
    assert told["metadata"]["photos_registered"] >= 10
    assert len(splat.content) == 32 * told["metadata"]["gaussians"]


def test_a_first_job_provisions_and_cancel_ends_every_process(tmp_path: Path, photos: Path) -> None:
    with running_cloud(tmp_path, photos, command=IMPATIENT, is_provisioned=False) as cloud:
        cloud.start("stop", iterations=20000)
        cloud.wait("the pipeline", lambda: says(cloud.thread("stop"), "Fetched 12 photos"))
        everything = cloud.centre.processes(cloud.droplet())
        assert len(everything) >= 3  # the droplet's first one, the agent, the pipeline
        cloud.press("Cancel", "stop")
        cloud.wait("the droplet's end", lambda: not cloud.world.existing())
        assert [pid for pid in everything if Path(f"/proc/{pid}").exists()] == []
        cloud.wait("the word", lambda: says(cloud.thread("stop"), "was cancelled by"))
        assert cloud.world.creates() == 1
        log = cloud.bucket.read(private_key("stop", LOG))
        assert "Formatting the volume" in cloud.centre.console(cloud.world.droplets[0])
        assert "Installing Python" in log
        assert "Compiling gsplat's kernels" in log


@pytest.mark.parametrize("disk", ["kept", "lost"])
def test_whatever_is_lost_on_the_way_one_droplet_does_the_job_once(
    tmp_path: Path, photos: Path, disk: str
) -> None:
    """DigitalOcean's answer to the create is lost; then the agent, the bot, perhaps its disk."""
    with running_cloud(tmp_path, photos, command=IMPATIENT) as cloud:
        cloud.world.faults.append(Fault("POST", "/v2/droplets", "503", moment="after"))
        cloud.start("again", iterations=60)
        cloud.wait("the pipeline", lambda: says(cloud.thread("again"), "Fetched 12 photos"))
        droplet = cloud.droplet()
        [agent] = [pid for pid in cloud.centre.processes(droplet) if "gpu.agent" in words_of(pid)]
        os.kill(agent, signal.SIGKILL)  # systemd starts it again
        cloud.bot.crash()
        if disk == "lost":  # as on hosts that give every start a new one
            shutil.rmtree(cloud.bot.environment["SPLATBOT_DATA"])
        cloud.bot.start()
        cloud.wait("the splat", lambda: says(cloud.thread("again"), "|open it>"), 120)
        cloud.wait("the droplet's end", lambda: not cloud.world.existing())
        assert_tells_each_stage_once(cloud.thread("again"))
        assert cloud.world.droplets == [droplet]
        assert cloud.world.creates() == 1
        assert "splatbot-job.service has ended with -9" in cloud.centre.console(droplet)


def words_of(pid: int) -> list[str]:
    """Return the command line of a process."""
    return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
