"""User-data is valid for any job, says exactly the job's values, and no other secret."""

import json
import re
import shutil
import string
import subprocess
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from bot.compute import userdata
from bot.compute.userdata import PLACES, SIZE_LIMIT, UserData, render
from bot.core.config import Settings
from gpu.job import SplatError
from tests.cloud_init.booting import PREFIXES, files_of

VALUES = UserData(
    job="20261121-demo-1",
    fence=1,
    key="0123456789abcdef" * 4,
    bot_url="https://bot.example",
    bundle_url="https://ams3.example/bucket/bundle.tar.gz?X-Amz-Expires=21600&X-Amz-Signature=ab%2F",
    bundle_sha256="ab" * 32,
    deadline=1_800_000_000,
    volume="splatbot-runtime",
)
_ASCII = st.text(alphabet=string.ascii_letters + string.digits + "-._~:/?#[]@!$&'()*+,;=%{}<>|`^")
_DIGESTS = st.text(alphabet="0123456789abcdef", min_size=64, max_size=64)
GOOD = st.builds(
    UserData,
    job=st.from_regex(r"[a-z0-9][a-z0-9-]{0,62}", fullmatch=True),
    fence=st.integers(1, 1000),
    key=_DIGESTS,
    bot_url=_ASCII.map("https://b".__add__),
    bundle_url=_ASCII.map("https://s".__add__),
    bundle_sha256=_DIGESTS,
    deadline=st.integers(1, 2**53),
    volume=st.from_regex(r"(?:[a-z][a-z0-9-]{0,63})?", fullmatch=True),
)
ANYTHING = st.one_of(
    st.text(),
    st.integers(),
    st.none(),
    st.booleans(),
    st.floats(),
    st.sampled_from(
        ['"\nruncmd: [reboot]\n"', "'; reboot; '", "$(reboot)", "a b", "a\\", "\x7f", "@JOB@", "é"]
    ).map("https://x".__add__),
)


def job_json(text: str) -> object:
    return json.loads(files_of(text)["/etc/splatbot/job.json"]["content"])


def rest(text: str) -> list[object]:
    """Everything but the job's values."""
    config = yaml.safe_load(text)
    files = [each for each in config["write_files"] if each["path"] != "/etc/splatbot/job.json"]
    return [files, config["runcmd"], sorted(config)]


@given(GOOD)
def test_the_values_arrive_as_they_are_and_change_nothing_else(values: UserData) -> None:
    text = render(values)
    assert text.startswith("#cloud-config\n")
    assert job_json(text) == asdict(values) | PLACES
    assert rest(text) == rest(render(VALUES))


@given(st.sampled_from(sorted(asdict(VALUES))), ANYTHING)
def test_anything_else_is_refused_or_arrives_as_it_is(field: str, value: object) -> None:
    try:
        values = replace(VALUES, **{field: value})
    except SplatError as refused:
        assert field in refused.user_message
        assert refused.hint
    else:
        assert job_json(render(values)) == asdict(values) | PLACES
        assert rest(render(values)) == rest(render(VALUES))


@pytest.mark.parametrize("end", ['"', "\\", " ", "\n", "\t", "\x7f", "\x85", "\u2028", "é", "😀"])
@pytest.mark.parametrize("field", ["bot_url", "bundle_url"])
def test_what_ends_a_string_somewhere_is_in_no_address(field: str, end: str) -> None:
    """curl reads the address from a file in which it stands in quotation marks."""
    with pytest.raises(SplatError):
        replace(VALUES, **{field: f"https://bot.example/{end}x"})


@pytest.mark.parametrize("field", ["key", "bundle_url"])
def test_a_refused_secret_is_not_shown(field: str) -> None:
    with pytest.raises(SplatError) as refused:
        replace(VALUES, **{field: "hunter2 hunter2"})
    assert "hunter2" not in str(refused.value)
    assert VALUES.key not in repr(VALUES)
    assert VALUES.bundle_url not in repr(VALUES)


def test_no_other_secret_is_in_it(monkeypatch: pytest.MonkeyPatch) -> None:
    secrets = {
        name: f"planted-{name.lower()}"
        for name in (
            "SLACK_BOT_TOKEN", "SLACK_SIGNING_SECRET", "SPACES_KEY", "SPACES_SECRET",
            "DIGITALOCEAN_TOKEN", "SPLATBOT_SELF_DESTRUCT_TOKEN", "SPLATBOT_HOOK_SECRETS",
        )
    }  # fmt: skip
    for name, secret in {**secrets, "SPACES_BUCKET": "photos"}.items():
        monkeypatch.setenv(name, secret)
    settings = Settings.from_env()
    text = render(replace(VALUES, bot_url=settings.public_url))
    assert not [secret for secret in secrets.values() if secret in text]
    assert text.count(VALUES.key) == 1


def test_longer_than_digitalocean_takes_is_an_error() -> None:
    room = SIZE_LIMIT - len(render(VALUES))
    longer = replace(VALUES, bundle_url=VALUES.bundle_url + "x" * room)
    assert len(render(longer).encode()) == SIZE_LIMIT
    with pytest.raises(SplatError) as refused:
        render(replace(longer, bundle_url=longer.bundle_url + "x"))
    assert str(SIZE_LIMIT) in refused.value.user_message


def test_it_is_far_from_the_limit() -> None:
    assert len(render(VALUES)) < SIZE_LIMIT / 4


def test_every_path_lies_where_a_simulator_can_map_it() -> None:
    scripts = [file["content"] for file in files_of(render(VALUES)).values()]
    text = "\n".join(line for each in scripts for line in each.splitlines() if line[:2] != "#!")
    text = text.replace("/32", "").replace(VALUES.bundle_url, "").replace(VALUES.bot_url, "")
    absolute = re.findall(r"(?<![\w./])/[\w./-]+", text)
    assert absolute
    assert not [path for path in absolute if not path.startswith(PREFIXES)]


def test_debians_cloud_init_finds_it_valid(tmp_path: Path) -> None:
    if shutil.which("cloud-init") is None:
        pytest.skip("needs cloud-init: scripts/cloud-init.sh installs it")
    file = tmp_path / "user-data"
    file.write_text(render(VALUES))
    command = ["cloud-init", "schema", "--config-file", str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    file.write_text(render(VALUES).replace('permissions: "0600"', "permissions: [0600]"))
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0


def test_the_template_has_one_place() -> None:
    assert userdata.TEMPLATE.read_text().count('"@JOB@"') == 1
