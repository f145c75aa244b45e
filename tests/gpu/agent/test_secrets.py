"""No secret that was planted anywhere is in anything that leaves the machine."""

from __future__ import annotations

import logging
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gpu.agent.scrub import Scrubber, ScrubbingFormatter, read_tail
from gpu.job import JobSpec, Source
from gpu.job.messages import EVENTS, LOG
from tests.conftest import REPOSITORY
from tests.gpu.agent.bot import ATTEMPT, JOB, KEY, SIGNATURE, TOKEN, FakeBot, serving
from tests.gpu.agent.machine import FakeTime, Machine
from tests.waiting import PATIENCE

PLANTED = {
    "key": KEY, "token": TOKEN, "signature": SIGNATURE, "slack": "xoxb-123456789012-abcdefABCDEF",
    "password": "correct-horse-battery", "bearer": "eyJhbGciOi.J9.c2lnbmF0dXJl",
    "aws": "AKIAABCDEFGHIJKLMNOP", "hugging": "hf_abcdefghijklmnopqrst",
}  # fmt: skip

#: How programs print secrets.
LINES = """\
{key}
the key is {key}, again {key}.
{{"key": "{key}", "token": "{token}"}}
GET https://store.example.com/a.jpg?X-Amz-Credential=abc&X-Amz-Signature={signature} failed
'https://store.example.com/b.jpg?x=1&X-Amz-Signature={signature}': timed out
"GET /c.jpg?X-Amz-Signature={signature} HTTP/1.1" 403
curl -H "Authorization: Bearer {bearer}" https://user:{password}@example.com/
Authorization: Basic {bearer}
{{'authorization': '{bearer}'}}
SLACK_BOT_TOKEN={slack} {slack}
password: {password}
export API_KEY="{password}"
{aws} {hugging}
"""


def texts() -> list[str]:
    return LINES.format(**PLANTED).splitlines()


@pytest.mark.parametrize("line", texts())
def test_a_secret_is_hidden_however_it_is_printed(line: str) -> None:
    scrubbed = Scrubber(KEY, TOKEN).text(line)
    assert not [secret for secret in PLANTED.values() if secret in scrubbed]


def test_an_address_stays_readable_without_its_query() -> None:
    text = "no photo at https://store.example.com/a/b.jpg?X-Amz-Signature=abc (404)"
    assert Scrubber().text(text) == "no photo at https://store.example.com/a/b.jpg (404)"


@pytest.mark.parametrize(
    "line",
    ["Step 350 of 700: loss 0.04", "Traceback (most recent call last):", "Is it there? Yes.",
     "see https://docs.example.com/a#b", "512 photos, 3 of them blurred", "key frames: 40"],
)  # fmt: skip
def test_what_is_no_secret_stays(line: str) -> None:
    assert Scrubber(KEY).text(line) == line


def test_a_traceback_in_the_journal_has_no_secret() -> None:
    formatter = ScrubbingFormatter(Scrubber(KEY))
    try:
        raise ValueError(f"https://host/a?sig={KEY} {KEY}")
    except ValueError:
        record = logging.LogRecord("a", 40, "", 1, "at %s", (KEY,), sys.exc_info())
    assert KEY not in formatter.format(record)


def test_a_log_that_is_cut_is_cut_between_lines(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    log.write_text(f"https://host/a?sig={SIGNATURE}\nthe end\nhalf a li")
    size = log.stat().st_size
    assert all(SIGNATURE[-8:] not in read_tail(log, n) for n in range(18, size - 1))
    assert read_tail(log, 20) == "the end\nhalf a li"
    assert read_tail(log, 20, whole_lines=True) == "the end\n"
    assert read_tail(log, size).startswith("https://host")


def test_planted_secrets_are_nowhere(tmp_path: Path) -> None:
    """The whole agent as a process, with a pipeline that prints and tells all secrets."""
    with serving(FakeBot(time, "secret")) as bot:
        machine = Machine(tmp_path, bot, FakeTime())
        (tmp_path / "secrets").write_text(LINES.format(**PLANTED))
        machine.provision('cat "$SPLATBOT_ROOT/../secrets"; cat "$SPLATBOT_ROOT/../secrets" >&2')
        bot.self_destruct = {"url": f"{bot.url}/v2/droplets/7", "token": TOKEN}
        photos = Source(urls={"a.jpg": f"{bot.url}/a.jpg?X-Amz-Signature={SIGNATURE}"})
        bot.spec = JobSpec(JOB, "secret", photos, attempt=ATTEMPT)
        ended = subprocess.run(
            [sys.executable, "-m", "tests.gpu.agent.crashing", str(machine.write_config())],
            cwd=REPOSITORY, capture_output=True, timeout=PATIENCE, check=True,
        )  # fmt: skip
        said = [event.to_json() for event in bot.told]
        left = [bot.store[LOG].decode(), bot.store[EVENTS].decode(), ended.stderr.decode(), *said]
        assert "the pipeline says hello" in left[0]
        assert len(said) > 4
        assert bot.failures
        for text in left:
            assert not [name for name, secret in PLANTED.items() if secret in text]
        on_disk = [file.read_bytes() for file in machine.job.rglob("*") if file.name == "job.json"]
        assert on_disk
        assert not any(TOKEN.encode() in data for data in on_disk)
