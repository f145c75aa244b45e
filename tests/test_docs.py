"""The guides name everything that there is: commands, options, states, settings."""

import re
from pathlib import Path

import pytest
import yaml

from bot import reap
from bot.cli import main
from bot.compute import spool
from bot.compute.droplet import DESTROY_AGAIN, LOOK_FOR
from bot.compute.sightings import APART
from bot.core.dispatcher import RECONCILE
from bot.core.grammar import FLAGS, SWITCHES, VERBS
from bot.core.jobs import Job, State
from bot.core.limits import DEADLINE, PATIENCE, SILENCE
from bot.core.orders import Order
from bot.core.succession import FREEZE, LEASE, TTL
from bot.slack import help
from bot.slack.blocks import STALE
from bot.slack.drainer import LIFETIME, LONGEST_HOLD, PATIENT
from bot.slack.job_wording import STAGE_NAMES, figures
from bot.slack.manifest import SCOPES
from gpu.job import GEOMETRIES, Pipeline
from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
USER_GUIDE = (REPOSITORY / "docs" / "user-guide.md").read_text(encoding="utf-8")
OPERATOR_GUIDE = (REPOSITORY / "docs" / "operator.md").read_text(encoding="utf-8")
INVARIANTS = (REPOSITORY / "docs" / "invariants.md").read_text(encoding="utf-8")
EXAMPLE = (REPOSITORY / ".env.example").read_text(encoding="utf-8")
CONFIG = (REPOSITORY / "bot" / "core" / "config.py").read_text(encoding="utf-8")

_SETTING = r"\"((?:SLACK|SPLATBOT|SPACES|DIGITALOCEAN)_[A-Z_]+|PORT)\""
SETTINGS = sorted(set(re.findall(_SETTING, CONFIG)))


def test_the_settings_are_found_where_they_are_read() -> None:
    assert {"SLACK_BOT_TOKEN", "SPACES_SECRET", "PORT"} <= set(SETTINGS)


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_setting_is_explained(setting: str) -> None:
    assert f"`{setting}`" in OPERATOR_GUIDE
    assert f"{setting}=" in EXAMPLE


def test_the_readme_shows_a_job_in_the_words_of_its_messages() -> None:
    stages = re.findall(r"[✓▸·] ([A-Z][a-z]+(?: [a-z]+)*)", README)
    assert len(stages) > 4
    assert set(stages) <= set(STAGE_NAMES.values())
    metrics = {"held_out": 15, "joined": 15, "psnr": 26.4, "gaussians": 412_000}
    job = Job(
        "a", "T1", "C1", "U1", "p", Pipeline.AERIAL, {}, State.SUCCEEDED, 1, 0.0, 1, metrics=metrics
    )
    for figure in figures(job).split(" · "):
        assert figure in README


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_command_is_explained(verb: str) -> None:
    assert f"`/splat {verb}" in USER_GUIDE
    assert verb == "help" or f"/splat {verb}" in help.HELP


@pytest.mark.parametrize("flag", [*FLAGS, *SWITCHES])
def test_every_option_is_explained(flag: str) -> None:
    name = "--" + flag.replace("_", "-")
    assert name in USER_GUIDE
    assert name in help.HELP
    assert f"`{name}" in help.text("options")


@pytest.mark.parametrize("topic", [*VERBS, *FLAGS, *SWITCHES, *help.WORDS, *help.ALIASES])
def test_every_topic_has_its_help(topic: str) -> None:
    said = help.text("--" + topic.replace("_", "-") if topic in (*FLAGS, *SWITCHES) else topic)
    assert said != help.HELP
    assert "There is no help" not in said
    assert "Did you mean `/splat help datasets`?" in help.text("datsets")


@pytest.mark.parametrize("state", list(State))
def test_every_state_is_explained(state: State) -> None:
    assert f"| `{state}` |" in USER_GUIDE


@pytest.mark.parametrize(
    "words",
    [
        "no droplet yet, nothing is billed", "is being created", "destroyed at",
        "The droplet has been silent for", "the droplet is being destroyed",
        "the bot is making sure that no droplet was created",
        "no droplet was created, it cost nothing",
    ],
)  # fmt: skip
def test_what_a_message_says_of_a_droplet_is_explained(words: str) -> None:
    assert words in USER_GUIDE
    assert words in (REPOSITORY / "bot" / "slack" / "bills.py").read_text(encoding="utf-8")


def test_the_pipelines_own_command_names_every_geometry(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["run", "--help"])
    assert set(GEOMETRIES) <= set(re.findall(r"[a-z0-9]+(?:-[a-z]+)*", unwrapped(capsys)))


def unwrapped(capsys: pytest.CaptureFixture[str]) -> str:
    """What was printed, in one line: argparse breaks lines at hyphens, too."""
    return re.sub(r"(?<=-)\n +", "", capsys.readouterr().out)


def test_every_command_of_the_command_line_is_explained(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = re.findall(r"^ {4}([\w-]+)(?: {2,}|$)", capsys.readouterr().out, re.MULTILINE)
    assert set(commands) >= {"serve", "demo", "run", "doctor", "reap", "slack-manifest"}
    for command in commands:
        assert f"`splatbot {command}" in OPERATOR_GUIDE


# -- the operator's guide -------------------------------------------------------------------------


def test_every_scope_of_the_slack_app_is_explained_alike() -> None:
    for scope, reason in SCOPES.items():
        assert f"| `{scope}` | {reason} |" in OPERATOR_GUIDE


def test_every_field_of_an_order_is_named() -> None:
    said = OPERATOR_GUIDE.partition("The fields of an order are")[2].partition("Refusals")[0]
    assert re.findall(r"`(\w+)`", said) == list(Order.model_fields)


def test_what_is_to_be_copied_can_be_read() -> None:
    blocks = re.findall(r"```yaml\n(.*?)```", OPERATOR_GUIDE, re.DOTALL)
    app, workflow = map(yaml.safe_load, blocks)
    [service] = app["services"]
    assert f"web: {service['run_command']}\n" == (REPOSITORY / "Procfile").read_text()
    assert {each["key"] for each in service["envs"]} <= {*SETTINGS, "HOST"}
    assert [step["run"] for step in workflow["jobs"]["reap"]["steps"] if "env" in step] == [
        "splatbot reap"
    ]


#: Seconds for which a channel waits for its oldest message, at least.
HELD = sum(min(2.0**tries, LONGEST_HOLD) for tries in range(1, PATIENT + 1))

#: What the guide says of times, and the seconds that the code has for each.
TIMES = {
    "After 30 s the bot stops acting": (LEASE, 30),
    "it first waits two minutes": (TTL, 120),
    "frozen for more than 75 s": (FREEZE, 75),
    "by the next look, within 30 s": (RECONCILE, 30),
    "can not be created within six minutes": (PATIENCE, 360),
    "is asked for every ten seconds": (DESTROY_AGAIN, 10),
    "The droplet is looked up for five minutes": (LOOK_FOR, 300),
    "After three minutes the message warns": (STALE, 180),
    "after ten minutes of silence the job fails": (SILENCE, 600),
    "three hours after the start": (DEADLINE, 3 * 3600),
    "Messages wait for 24 hours": (LIFETIME, 24 * 3600),
    "Slack is back within eight minutes": (HELD // 60 * 60, 8 * 60),
    "where the bot reads them every 30 s": (spool.LOOK, 30),
    "three hours and ten minutes\nafter they were created": (reap.LONGEST, 3 * 3600 + 600),
    "for five minutes at most": (reap.PATIENCE, 300),
    "twice, ten seconds apart": (APART, 10),
}


@pytest.mark.parametrize("words", TIMES)
def test_the_times_in_the_guide_are_those_of_the_code(words: str) -> None:
    seconds, said = TIMES[words]
    assert words in OPERATOR_GUIDE
    assert seconds == said


# -- the invariants -------------------------------------------------------------------------------


def test_every_invariant_names_the_code_that_holds_it_and_a_test() -> None:
    rows = [
        line.strip("| ").split(" | ") for line in INVARIANTS.splitlines() if line[2:3].isdigit()
    ]
    assert len(rows) > 20
    for _, _, held_by, tried_by in rows:
        assert _references(held_by)
        assert any(file.startswith("tests/") for file, _ in _references(tried_by)) or (
            "of line 1" in tried_by
        )


def test_the_code_and_the_tests_that_the_invariants_name_exist() -> None:
    for file, name in _references(INVARIANTS):
        text = (REPOSITORY / file).read_text(encoding="utf-8")
        for part in filter(None, name.split(".")):
            assert re.search(rf"^ *(def |class )?{part}\b *[(:=]", text, re.MULTILINE), (file, name)


def _references(text: str) -> list[tuple[str, str]]:
    """Return the files, and what is named in them, as in `bot/cli.py::main`."""
    return re.findall(r"`([\w/.-]+\.(?:py|sh))(?:::([\w.]+))?`", text)


# -- links ----------------------------------------------------------------------------------------

PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?://)([^)]+)\)", page.read_text(encoding="utf-8")):
        file, _, heading = target.partition("#")
        other = (page.parent / file) if file else page
        assert other.exists(), target
        assert not heading or heading in _headings(other), target


def _headings(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in found}
