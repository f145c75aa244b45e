"""Who may start, who may stop, and who may touch what is not ours."""

import pytest

from bot.compute.base import Foreign
from bot.core.config import Settings
from bot.core.environment import BadSetting
from bot.core.errors import NotAllowed
from bot.core.jobs import State
from bot.core.roles import Roles
from bot.sandbox import state
from bot.sandbox.web_api import Reply
from bot.slack.groups import UserGroups
from bot.slack.workspaces import OneWorkspace
from tests.core.test_settings import ENOUGH
from tests.fakes.slack import text_of
from tests.slack.conftest import Bot

BOX = Foreign("42", "training-box", "gpu-h100x1-80gb", "tor1", 3.39, 1_789_990_000.0)


def answer(bot: Bot, text: str) -> str:
    bot.slack.person.type(text)
    return text_of(bot.slack.whispers()[-1])


def test_without_a_list_everybody_may(bot: Bot) -> None:
    assert "is job `#a`" in answer(bot, "/splat demo/parcel --job-id a")


def test_only_those_who_are_named_may_start(bot: Bot) -> None:
    bot.desk.roles = Roles(starters=("U0OTHER", "C0ELSE", "S0TEAM"))
    said = answer(bot, "/splat demo/parcel")
    assert "You may not start jobs here." in said
    assert bot.ledger.jobs() == []
    bot.desk.roles = Roles(starters=(state.PERSON,))
    assert "is job `#a`" in answer(bot, "/splat demo/parcel --job-id a")


def test_an_empty_list_means_nobody() -> None:
    with pytest.raises(NotAllowed, match="start"):
        Roles(starters=()).check_start("U1", "C1")


def test_the_refusal_says_who_may() -> None:
    with pytest.raises(NotAllowed) as refused:
        Roles(starters=("U0OTHER", "C0ELSE", "S0TEAM")).check_start("U1", "C1")
    assert "<@U0OTHER>, <#C0ELSE>, <!subteam^S0TEAM>" in refused.value.hint


def test_the_refusal_names_people_as_slack_shows_them(bot: Bot) -> None:
    bot.desk.roles = Roles(starters=("U0OTHER",))
    assert "These may: <@U0OTHER>." in answer(bot, "/splat demo/parcel")


def test_in_a_channel_that_is_named_everybody_may_start() -> None:
    roles = Roles(starters=("C0ELSE",))
    roles.check_start("U1", "C0ELSE")
    with pytest.raises(NotAllowed):
        roles.check_start("U1", "C1")


def test_anybody_may_stop_whoever_may_start(bot: Bot) -> None:
    bot.start()
    bot.desk.roles = Roles(starters=("U0OTHER",))
    bot.press(bot.status(), "Cancel")
    assert bot.ledger.job("a").state is State.CANCELLING


def test_only_admins_touch_what_is_not_ours(bot: Bot) -> None:
    bot.ledger.intents.set_foreign([BOX])
    bot.desk.roles = Roles(admins=("U0BOSS",))
    with pytest.raises(NotAllowed, match="not ours"):
        bot.desk.destroy_foreign("42", state.PERSON)
    assert bot.ledger.intents.open() == []
    assert bot.desk.destroy_foreign("42", "U0BOSS") == BOX


def test_who_is_no_admin_presses_in_vain_and_is_told_who_is(bot: Bot) -> None:
    bot.ledger.intents.set_foreign([BOX])
    bot.desk.roles = Roles(admins=("U0BOSS",))
    answer(bot, "/splat destroy")
    [shown] = bot.slack.whispers()
    [pressed] = [b["accessory"] for b in shown.blocks if "accessory" in b]
    bot.slack.person.press(shown.ts, {**pressed, "block_id": "b"})
    bot.wait_until(lambda: len(bot.slack.whispers()) == 2, "nothing was said")
    assert "These may: <@U0BOSS>." in text_of(bot.slack.whispers()[-1])
    assert bot.ledger.intents.open() == []
    assert "destroy_foreign" not in [note["action"] for note in bot.ledger.audit_log()]


# -- user groups ----------------------------------------------------------------------------------


def test_whoever_is_in_a_named_group_may_start(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    people = {"S0TEAM": [state.PERSON]}
    real = bot.slack.api.answer

    def with_groups(method: str, token: str | None, params: dict[str, str]) -> Reply:
        if method == "usergroups.users.list":
            users = people.get(params["usergroup"])
            found = {"ok": True, "users": users} if users else {"ok": False, "error": "no_such"}
            return Reply(200, found)
        return real(method, token, params)

    monkeypatch.setattr(bot.slack.api, "answer", with_groups)
    groups = UserGroups(OneWorkspace(bot.settings), ["U0BOSS", "S0TEAM", "S0GONE"])
    bot.desk.roles = Roles(starters=("S0TEAM",), members=groups.members)
    assert "You may not start" in answer(bot, "/splat demo/parcel")  # nobody has looked yet
    groups.look()
    assert "is job `#a`" in answer(bot, "/splat demo/parcel --job-id a")
    people.clear()  # while Slack does not answer, the last answer counts
    groups.look()
    assert groups.members("S0TEAM") == {state.PERSON}
    assert groups.members("S0GONE") == frozenset()


# -- settings -------------------------------------------------------------------------------------


def test_the_lists_are_read_from_the_environment() -> None:
    settings = Settings.from_env(
        ENOUGH | {"SPLATBOT_STARTERS": "U123, C456 S789", "SPLATBOT_ADMINS": "U123"}
    )
    assert settings.starters == ("U123", "C456", "S789")
    assert settings.admins == ("U123",)
    assert Settings.from_env(ENOUGH).starters == ("everybody",)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("SPLATBOT_STARTERS", "@anna"),
        ("SPLATBOT_STARTERS", "U123 general"),
        ("SPLATBOT_ADMINS", "C456"),  # everybody in a channel is no admin
    ],
)
def test_what_is_no_id_is_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(BadSetting, match=variable) as refused:
        Settings.from_env(ENOUGH | {variable: value})
    assert "ids of Slack" in refused.value.hint
