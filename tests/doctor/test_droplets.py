"""What the doctor says of DigitalOcean: each thing with its remedy, and nothing changed."""

import json
from collections.abc import Iterator, Mapping

import pytest

from bot.compute.digitalocean import DigitalOcean
from bot.compute.tags import tags_of
from bot.core.rounds import Finding
from bot.doctor.digitalocean import READS, findings
from tests.compute.lab import IN_MEMORY, settings
from tests.core.conftest import Clock
from tests.fakes.digitalocean import contract
from tests.fakes.digitalocean.answers import error
from tests.fakes.digitalocean.api import Answer, Api
from tests.fakes.digitalocean.transport import transport_to
from tests.fakes.digitalocean.world import Fault, Size, Volume, World

H100 = Size("gpu-h100x1-80gb", 3.39, ("nyc2", "tor1"), 80, 1, "nvidia_h100")


class Office:
    """A doctor, and the account that is looked at."""

    def __init__(self) -> None:
        self.world = World(Clock())

    def examine(self, **changes: object) -> list[Finding]:
        droplets = settings(self.world, IN_MEMORY, **changes)
        return list(findings(DigitalOcean(droplets, transport=self.transport()), droplets))

    def transport(self) -> object:
        return transport_to(Api(self.world))

    def wrong(self, **changes: object) -> list[str]:
        return [str(finding) for finding in self.examine(**changes) if not finding.ok]


@pytest.fixture
def office() -> Iterator[Office]:
    office = Office()
    yield office
    assert {method for _, method, _ in office.world.requests} <= {"GET"}


def test_all_is_well(office: Office) -> None:
    said = "\n".join(map(str, office.examine(max_price=3.5)))
    assert "✗" not in said
    assert "the account is active" in said
    assert "SSH keys for droplets: surveyor@laptop." in said
    first = "gpu-6000adax1-48gb in tor1 at $1.57/h, gpu-h100x1-80gb in nyc2 at $3.39/h"
    assert f"In stock, in this order: {first}" in said
    assert "and 1 more." in said
    assert "(gpu-h100x1-base)" in said
    assert "GPU droplets on the account: none." in said


def test_a_revoked_token_is_one_line(office: Office) -> None:
    [wrong] = office.wrong(token="dop_v1_old")
    assert "Check DIGITALOCEAN_TOKEN: it is wrong or was revoked" in wrong
    assert "dop_v1_old" not in wrong


def test_no_connection_is_one_line(office: Office) -> None:
    office.world.faults = [Fault("GET", "/v2/account", "refuse")]
    [wrong] = office.wrong()
    assert "could not be reached" in wrong


@pytest.mark.parametrize(
    ("path", "scope"),
    [
        ("/v2/account/keys", "ssh_key:read"),
        ("/v2/sizes", "sizes:read and regions:read"),
        ("/v2/images", "image:read"),
        ("/v2/volumes", "block_storage:read"),
        ("/v2/droplets", "droplet:read"),
    ],
)
def test_a_missing_scope_is_named(office: Office, path: str, scope: str) -> None:
    volume = "runtime" if path == "/v2/volumes" else ""
    office.world.faults = [Fault("GET", path, "403")]
    [wrong] = office.wrong(volume=volume)
    assert f"The token lacks the scope {scope}. Give DIGITALOCEAN_TOKEN {scope}" in wrong


def test_the_scopes_are_those_of_digitaloceans_own_description() -> None:
    if not contract.DESCRIPTION.is_file():
        pytest.skip(f"needs DigitalOcean's API description in {contract.DESCRIPTION}")
    paths = json.loads(contract.DESCRIPTION.read_text())["paths"]
    for what, scopes in READS.items():
        path, _, parameter = what.partition("?")
        if parameter:
            [described] = [p for p in paths[path]["get"]["parameters"] if p["name"] == parameter]
            assert f"Requires `{scopes}` scope" in described["description"]
            continue
        [security] = paths[path]["get"]["security"]
        wanted = {scope for scope in security["bearer_auth"] if not scope.startswith("api:")}
        assert set(scopes.split(" and ")) == wanted


def test_a_token_that_may_not_list_by_tag(office: Office) -> None:
    """The bot and `splatbot reap` do that besides: a list of GPU droplets takes no tag."""

    class Tagless(Api):
        def _list_droplets(self, query: Mapping[str, str]) -> Answer:
            if "tag_name" in query:
                return Answer(403, error("forbidden", "You are not authorized"))
            return super()._list_droplets(query)

    office.transport = lambda: transport_to(Tagless(office.world))  # type: ignore[method-assign]
    [wrong] = office.wrong()
    assert "The token lacks the scope tag:read. Give DIGITALOCEAN_TOKEN tag:read" in wrong


def test_a_token_that_may_not_read_the_account_is_good_enough(office: Office) -> None:
    office.world.faults = [Fault("GET", "/v2/account", "403")]
    assert office.wrong() == []


def test_ssh_keys(office: Office) -> None:
    assert office.wrong(ssh_keys=("7",)) == office.wrong(ssh_keys=("aa:bb:cc:dd",)) == []
    [wrong] = office.wrong(ssh_keys=("7", "99"))
    assert "SPLATBOT_SSH_KEYS names 99, which the account does not have" in wrong
    office.world.ssh_keys = []
    [wrong] = office.wrong()
    assert "The account has no SSH key. Add one under Settings, Security" in wrong


def test_stock(office: Office) -> None:
    [wrong] = office.wrong(sizes=("gpu-l40sx1-48gb",))
    assert "gpu-l40sx1-48gb is sold out" in wrong
    assert "SPLATBOT_SIZES" in wrong
    [wrong] = office.wrong(sizes=("gpu-h100x1-80gb", "gpu-h900"))
    assert "SPLATBOT_SIZES names gpu-h900, which DigitalOcean has not. There are" in wrong
    [wrong] = office.wrong(max_price=0.5)
    assert "no size fits the settings" in wrong


def test_the_volume(office: Office) -> None:
    def said() -> str:
        return "\n".join(map(str, office.examine(volume="runtime")))

    assert "The volume runtime does not exist yet" in said()
    volume = Volume("vol-0", "runtime", "tor1", 40, 0.0)
    office.world.volumes = [volume]
    assert "The volume runtime is in tor1, 40 GB, free." in said()
    office.world.create("splat-a-1", H100, "tor1", tags=tuple(tags_of("lab", "a", 1, 9e9)))
    volume.droplet_id = 1000
    assert "40 GB, in use by our droplet." in said()
    office.world.create("notebook", Size("s-1vcpu-1gb", 0.01, ("tor1",)), "tor1")
    volume.droplet_id = 1001
    assert "attached to the droplet 1001, which is not ours. Detach it" in said()


def test_droplets_that_are_not_ours_are_named_with_their_price(office: Office) -> None:
    office.world.create("splat-a-1", H100, "tor1", tags=tuple(tags_of("lab", "a", 1, 9e9)))
    assert office.wrong() == []
    office.world.create("splat-b-1", H100, "tor1", tags=tuple(tags_of("other", "b", 1, 9e9)))
    office.world.create("training-box", H100, "nyc2")
    wrong = office.wrong()
    assert "splat-b-1" in wrong[0]
    assert "The GPU droplet training-box (gpu-h100x1-80gb in nyc2, $3.39/h) is not ours" in wrong[1]
    assert "`/splat destroy` asks first" in wrong[1]
