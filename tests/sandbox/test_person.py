"""What Slack itself does about what a person types, presses and submits."""

import httpx
import pytest

from bot.sandbox import state
from bot.sandbox.person import Person
from tests.sandbox.conftest import Bot, Slack, modal, open_modal, plain, section


def test_an_acknowledged_command_says_nothing(bot: Bot, person: Person, slack: Slack) -> None:
    person.type("/splat help")
    assert slack.texts() == []


@pytest.mark.parametrize("answer", ["hello", {"text": "hello"}, {"blocks": [section("hello")]}])
def test_an_answer_to_a_command_is_for_the_person_alone(
    bot: Bot, person: Person, slack: Slack, answer: dict[str, object] | str
) -> None:
    bot.says(answer)
    person.type("/splat help")
    assert slack.last().visible_to == state.PERSON
    assert "hello" in f"{slack.last().text}{slack.last().blocks}"


def test_an_answer_may_be_for_the_channel(bot: Bot, person: Person, slack: Slack) -> None:
    bot.says({"text": "all", "response_type": "in_channel"})
    person.type("/splat help")
    assert slack.last().visible_to is None


def test_an_answer_with_wrong_blocks_fails(bot: Bot, person: Person, slack: Slack) -> None:
    bot.says({"text": "x", "blocks": [{"type": "sektion"}]})
    person.type("/splat help")
    assert "`/splat` failed with the error “invalid_blocks”" in slack.last().text


def raising(error: type[Exception]) -> Bot:
    def answer(_: httpx.Request) -> httpx.Response:
        raise error("x")

    bot = Bot()
    bot.answer = answer
    return bot


@pytest.mark.parametrize(
    ("error", "said"),
    [(httpx.ReadTimeout, "operation_timeout"), (httpx.ConnectError, "dispatch_failed")],
)
def test_a_bot_that_does_not_answer_is_said_not_to(
    bot: Bot, person: Person, slack: Slack, error: type[Exception], said: str
) -> None:
    bot.answer = raising(error)
    person.type("/splat help")
    assert slack.last().text == f"`/splat` failed with the error “{said}”"
    assert (slack.last().user, slack.last().visible_to) == (state.SLACK, state.PERSON)


def test_an_error_of_the_bot_is_a_failed_dispatch(bot: Bot, person: Person, slack: Slack) -> None:
    bot.says("traceback", status=500)
    person.type("/splat help")
    assert slack.texts() == ["`/splat` failed with the error “dispatch_failed”"]


def test_slack_gives_an_app_three_seconds(slack: Slack) -> None:
    from bot.sandbox.sender import Sender

    http = Sender(slack.workspace, "http://bot", "s", "http://sandbox/")._http
    assert http.timeout == httpx.Timeout(3.0)


def test_a_command_that_nobody_registered_is_not_sent(
    bot: Bot, person: Person, slack: Slack
) -> None:
    person.type("/weather today")
    assert "`/weather` is not a valid command" in slack.last().text
    assert bot.requests == []


def test_commands_do_not_work_in_threads(bot: Bot, person: Person, slack: Slack) -> None:
    first = slack.post()["ts"]
    person.type("/splat status", first)
    assert slack.last().text == "`/splat` is not supported in threads. Sorry!"
    assert slack.last().thread_ts == first
    assert bot.requests == []


def test_plain_words_are_a_message(bot: Bot, person: Person, slack: Slack) -> None:
    person.type("and /splat in the middle")
    assert (slack.last().user, slack.last().text) == (state.PERSON, "and /splat in the middle")
    assert bot.requests == []


def test_a_press_that_fails_is_said_to(bot: Bot, person: Person, slack: Slack) -> None:
    ts = slack.post()["ts"]
    bot.says("", status=500)
    person.press(ts, {"action_id": "go"})
    assert slack.last().text == "We had some trouble connecting. Try again?"


def test_a_submitted_dialog_closes(bot: Bot, person: Person, slack: Slack) -> None:
    open_modal(slack)
    person.submit({})
    assert slack.workspace.modal is None
    person.submit({})
    assert len(bot.requests) == 1


def test_a_dialog_stays_open_with_the_errors(bot: Bot, person: Person, slack: Slack) -> None:
    view = open_modal(slack)
    bot.says({"response_action": "errors", "errors": {"n": "too small"}})
    person.submit({})
    assert (slack.workspace.modal, slack.workspace.modal_errors) == (view, {"n": "too small"})
    bot.says({})
    person.submit({})
    assert (slack.workspace.modal, slack.workspace.modal_errors) == (None, {})


def test_a_dialog_may_be_replaced(bot: Bot, person: Person, slack: Slack) -> None:
    view = open_modal(slack)
    bot.says({"response_action": "update", "view": modal(title=plain("Next"))})
    person.submit({})
    assert slack.workspace.modal is not None
    assert slack.workspace.modal["title"]["text"] == "Next"
    assert slack.workspace.modal["id"] == view["id"]


@pytest.mark.parametrize(
    ("body", "status"),
    [("", 500), ({"response_action": "update", "view": modal(title=plain("x" * 25))}, 200)],
)
def test_a_submission_that_fails_leaves_the_dialog_open(
    bot: Bot, person: Person, slack: Slack, body: str, status: int
) -> None:
    view = open_modal(slack)
    bot.says(body, status=status)
    person.submit({})
    assert slack.workspace.modal == view
    assert slack.workspace.modal_errors == {"": "We had some trouble connecting. Try again?"}


def test_an_ephemeral_message_can_be_dismissed_and_no_other(person: Person, slack: Slack) -> None:
    stays = slack.post(text="stays")["ts"]
    person.type("/weather")
    person.dismiss(slack.last().ts)
    person.dismiss(stays)
    assert slack.texts() == ["stays"]


def test_in_the_direct_conversation_the_bot_answers_there(
    bot: Bot, person: Person, slack: Slack
) -> None:
    bot.says("hello")
    person.type("/splat help", channel=state.DIRECT)
    assert bot.form()["channel_id"] == state.DIRECT
    assert slack.last().channel == state.DIRECT
