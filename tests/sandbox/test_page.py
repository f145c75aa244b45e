"""The sandbox's page in a browser: what a newcomer sees, types and presses."""

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI, Request, Response
from playwright.sync_api import Browser, Page, expect
from slack_bolt import App
from slack_bolt.adapter.fastapi import SlackRequestHandler
from slack_sdk import WebClient

from bot.sandbox import state
from bot.sandbox.app import STATIC
from tests.fakes.slack import SECRET, TOKEN, FakeSlack, fake_slack, serving
from tests.ports import HOST, held_port
from tests.sandbox.conftest import button, modal, plain, section

pytestmark = pytest.mark.slow

#: The smallest picture: one black pixel.
GIF = bytes.fromhex("47494638396101000100800000000000000000002c00000000010001000002024401003b")
VIEWER = "http://127.0.0.1:3000/viewer/?manifest=http%3A%2F%2F127.0.0.1%2Fmanifest.json"
CONFIRM = {
    "title": plain("Cancel?"),
    "text": plain("It stops."),
    "confirm": plain("Yes"),
    "deny": plain("No"),
}
PICK = {
    "type": "input",
    "block_id": "photos",
    "label": plain("Photos"),
    "element": {"type": "external_select", "action_id": "pick", "min_query_length": 0},
}
#: A text that is told when Enter is pressed.
FOLLOWED = {
    "type": "input",
    "block_id": "followed",
    "label": plain("Steps"),
    "element": {
        "type": "plain_text_input", "action_id": "followed",
        "dispatch_action_config": {"trigger_actions_on": ["on_enter_pressed"]},
    },
    "dispatch_action": True,
    "optional": True,
}  # fmt: skip


class Bot:
    """A bot of a few lines behind the real Bolt; notes what it hears."""

    def __init__(self, slack: FakeSlack) -> None:
        self.slack = slack
        self.client = WebClient(token=TOKEN, base_url=f"{slack.url}api/")
        self.heard: list[str] = []
        app = App(client=self.client, signing_secret=SECRET, token_verification_enabled=False)
        app.command("/splat")(self.command)
        app.action("go")(self.action)
        app.options("pick")(self.options)
        app.action("followed")(self.followed)
        app.view("start")(self.submitted)
        app.event("app_home_opened")(self.home)
        self.web = FastAPI()
        handler = SlackRequestHandler(app)

        @self.web.post("/slack/events")
        async def events(request: Request) -> Response:
            return await handler.handle(request)

    def command(self, ack: Any, body: dict[str, Any]) -> None:
        self.heard.append(f"command {body['text']}")
        if body["text"] == "dialog":
            ack()
            view = modal(callback_id="start", blocks=[PICK, *modal()["blocks"], FOLLOWED])
            self.client.views_open(trigger_id=body["trigger_id"], view=view)
            return
        ack(f"*You* said `{body['text']}`")

    def action(self, ack: Any, action: dict[str, Any]) -> None:
        self.heard.append(f"action {action['value']}")
        ack()

    def followed(self, ack: Any, action: dict[str, Any], body: dict[str, Any]) -> None:
        self.heard.append(f"followed {action['value']}")
        ack()
        said = section(f"It is {action['value']} now")
        blocks = [said, PICK, *modal()["blocks"], FOLLOWED]
        self.client.views_update(
            view_id=body["view"]["id"], view=modal(callback_id="start", blocks=blocks)
        )

    def options(self, ack: Any, payload: dict[str, Any]) -> None:
        names = [n for n in ("parcel", "fountain") if payload["value"] in n]
        ack(options=[{"text": plain(n), "value": n} for n in names])

    def submitted(self, ack: Any, view: dict[str, Any]) -> None:
        values = view["state"]["values"]
        chosen, number = values["photos"]["pick"]["selected_option"], values["n"]["n"]["value"]
        self.heard.append(f"view {chosen['value']} {number}")
        errors = {"n": "From 50 to 100."} if number == "5" else {}
        ack(response_action="errors", errors=errors) if errors else ack()

    def home(self, event: dict[str, Any]) -> None:
        view = {"type": "home", "blocks": [section("You are *home*")]}
        self.client.views_publish(user_id=event["user"], view=view)


@pytest.fixture
def bot() -> Iterator[Bot]:
    """A bot and the workspace that it is in."""
    assert (STATIC / "index.html").is_file(), "build the page first: make setup"
    with held_port() as port, fake_slack(f"http://{HOST}:{port}") as slack:
        bot = Bot(slack)
        with serving(bot.web, port):
            yield bot


@pytest.fixture
def page(browser: Browser, bot: Bot) -> Iterator[Page]:
    """The page, which must not complain nor ask anybody else for anything."""
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    page = context.new_page()
    complaints: list[str] = []
    hosts: set[str | None] = set()
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: hosts.add(urlsplit(request.url).hostname))
    page.goto(bot.slack.url)
    page.get_by_test_id("message-input").wait_for()
    yield page
    assert complaints == []
    assert hosts - {None, "127.0.0.1"} == set()
    context.close()


def say(page: Page, text: str) -> None:
    box = page.get_by_test_id("message-input")
    box.fill(text)
    box.press("Enter")


def test_a_newcomer_presses_the_suggested_first_message(page: Page, bot: Bot) -> None:
    expect(page.get_by_role("status")).to_contain_text("Nothing leaves it")
    page.get_by_test_id("suggestion").click()
    expect(page.get_by_test_id("message-input")).to_have_value("/splat demo/parcel aerial")
    answer = page.get_by_test_id("message")
    expect(answer).to_contain_text("You said demo/parcel aerial")
    expect(answer).to_contain_text("Only visible to you")
    assert bot.heard == ["command demo/parcel aerial"]
    expect(page.get_by_test_id("suggestion")).to_have_count(0)
    page.get_by_test_id("dismiss").click()
    expect(answer).to_have_count(0)


def test_what_is_sent_while_the_sandbox_is_away_stays_in_the_box(page: Page, bot: Bot) -> None:
    page.route("**/sandbox/type", lambda route: route.fulfill(body="no answer of the sandbox's"))
    with page.expect_response("**/sandbox/type"):
        say(page, "/splat again")
    expect(page.get_by_test_id("message-input")).to_have_value("/splat again")
    page.unroute("**/sandbox/type")
    page.get_by_test_id("message-input").press("Enter")
    expect(page.get_by_test_id("message")).to_contain_text("You said again")


def test_the_suggestion_waits_for_who_asks_for_help_first(page: Page, bot: Bot) -> None:
    say(page, "/splat help")
    expect(page.get_by_test_id("message")).to_contain_text("You said help")
    expect(page.get_by_test_id("suggestion")).to_be_visible()
    expect(page.get_by_text("Send the message that is suggested below")).to_be_visible()
    expect(page.get_by_role("heading", name="Make your first splat")).to_be_visible()
    bot.client.chat_postMessage(channel=state.CHANNEL, text="demo/parcel · aerial · #a: Started.")
    expect(page.get_by_test_id("suggestion")).to_have_count(0)
    expect(page.get_by_text("Type /splat and choose photos")).to_be_visible()


def test_who_comes_back_with_other_photos_is_offered_those(page: Page, bot: Bot) -> None:
    bot.client.chat_postMessage(channel=state.CHANNEL, text="datasets/old · splat · #a: Ready.")
    expect(page.get_by_role("heading", name="Make a splat")).to_be_visible()
    expect(page.get_by_test_id("suggestion")).to_contain_text("/splat demo/parcel aerial")
    expect(page.get_by_text("Send the message that is suggested below")).to_be_visible()


def fill_the_channel(bot: Bot, count: int = 30) -> list[str]:
    """Post more than the window shows; return the time stamps."""
    where = {"channel": state.CHANNEL}
    words = "This is message {} of many, with words enough to need more lines in a narrow window. "
    return [
        bot.client.chat_postMessage(text=words.format(n) * 2, **where)["ts"] for n in range(count)
    ]


def test_who_sends_sees_the_answer_also_from_further_up(page: Page, bot: Bot) -> None:
    fill_the_channel(bot)
    messages = page.get_by_test_id("message")
    expect(messages).to_have_count(30)
    messages.first.scroll_into_view_if_needed()
    expect(messages.last).not_to_be_in_viewport()
    say(page, "/splat help")
    expect(page.get_by_text("You said help")).to_be_in_viewport()


#: Has a message of before become lower, and the newest as much higher at the same moment.
LOWER_AND_HIGHER = """async () => {
    const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
    const list = document.querySelector(".messages");
    const all = list.querySelectorAll("[data-testid=message]");
    const pad = (message, pixels) => { message.style.paddingBottom = `${pixels}px`; };
    const [first, last] = [all[0], all[all.length - 1]];
    [[first, 300], [last, 0]].forEach(([message, pixels]) => pad(message, pixels));
    await frame(); await frame();
    pad(first, 0); pad(last, 300);
    await frame(); await frame();
    pad(last, 340);
    await frame(); await frame();
    return list.scrollHeight - list.scrollTop - list.clientHeight;
}"""


def test_a_list_stays_at_its_end_though_messages_get_lower_and_higher(page: Page, bot: Bot) -> None:
    """As when one job ends and loses its bar, and the next one begins, on a busy machine."""
    fill_the_channel(bot)
    expect(page.get_by_test_id("message")).to_have_count(30)
    assert page.evaluate(LOWER_AND_HIGHER) < 1


def test_a_thread_opens_beside_its_message(page: Page, bot: Bot) -> None:
    """The channel gets narrower and its messages higher: the one that was read stays in view."""
    stamps = fill_the_channel(bot)
    bot.client.chat_postMessage(channel=state.CHANNEL, text="reply", thread_ts=stamps[20])
    opening = page.get_by_test_id("thread-open")
    opening.evaluate("(button) => button.scrollIntoView({ block: 'center' })")
    opening.click()
    expect(page.get_by_test_id("thread-pane")).to_contain_text("reply")
    expect(page.get_by_test_id("message").nth(20)).to_be_in_viewport()


def test_commands_are_found_and_completed_with_the_keyboard(page: Page, bot: Bot) -> None:
    box = page.get_by_test_id("message-input")
    expect(box).to_be_focused()
    box.press_sequentially("/sp")
    page.get_by_role("option", name="/splat help").wait_for()
    for key in ("ArrowUp", "Enter"):
        box.press(key)
    expect(box).to_have_value("/splat help")
    expect(page.get_by_role("option")).to_have_count(0)
    box.press("Enter")
    expect(box).to_have_value("")
    expect(page.get_by_test_id("message")).to_contain_text("You said help")


def test_an_edit_changes_the_words_and_keeps_the_element(page: Page, bot: Bot) -> None:
    where = {"channel": state.CHANNEL}
    ts = bot.client.chat_postMessage(text="x", blocks=[section("50 %"), button()], **where)["ts"]
    message = page.get_by_test_id("message")
    expect(message).to_contain_text("50 %")
    page.get_by_test_id("button-go").evaluate("(element) => { element.mark = 'same'; }")
    bot.client.chat_update(ts=ts, text="x", blocks=[section("60 %"), button()], **where)
    expect(message).to_contain_text("60 %")
    assert page.get_by_test_id("button-go").evaluate("(element) => element.mark") == "same"


def test_a_button_asks_back_before_it_acts(page: Page, bot: Bot) -> None:
    bot.client.chat_postMessage(
        channel=state.CHANNEL, text="x", blocks=[button(confirm=CONFIRM, style="danger")]
    )
    page.get_by_test_id("button-go").click()
    expect(page.get_by_role("alertdialog")).to_contain_text("It stops.")
    page.get_by_test_id("confirm-cancel").click()
    page.get_by_test_id("button-go").click()
    page.keyboard.press("Escape")
    expect(page.get_by_role("alertdialog")).to_have_count(0)
    assert bot.heard == []
    page.get_by_test_id("button-go").click()
    with page.expect_response("**/sandbox/press"):
        page.get_by_test_id("confirm-ok").click()
    assert bot.heard == ["action 7"]


def test_replies_and_their_pictures_are_in_the_thread(page: Page, bot: Bot) -> None:
    where = {"channel": state.CHANNEL}
    ts = bot.client.chat_postMessage(text="the job", **where)["ts"]
    bot.client.chat_postMessage(text=f"<@{state.PERSON}> <{VIEWER}|open it>", thread_ts=ts, **where)
    bot.client.files_upload_v2(filename="a.gif", file=GIF, title="Preview", thread_ts=ts, **where)
    expect(page.get_by_test_id("message")).to_have_count(1)
    expect(page.get_by_test_id("thread-open")).to_contain_text("2 replies")
    page.get_by_test_id("thread-open").click()
    pane = page.get_by_test_id("thread-pane")
    link = pane.get_by_test_id("viewer-link")
    expect(link).to_have_attribute("href", VIEWER)
    expect(link).to_have_attribute("target", "_blank")
    expect(pane).to_contain_text("@you")
    picture = pane.get_by_role("img", name="Preview")
    expect(picture).to_be_visible()
    assert picture.evaluate("(image) => image.decode().then(() => image.naturalWidth)") == 1
    pane.get_by_test_id("thread-input").fill("/splat status")
    pane.get_by_test_id("thread-input").press("Enter")
    expect(pane).to_contain_text("is not supported in threads")
    page.get_by_test_id("thread-close").click()
    expect(pane).to_have_count(0)


def test_a_dialog_is_filled_in_corrected_and_sent(page: Page, bot: Bot) -> None:
    say(page, "/splat dialog")
    dialog = page.get_by_test_id("modal")
    dialog.wait_for()
    expect(page.get_by_test_id("field-photos")).to_be_focused()
    page.get_by_test_id("modal-submit").click()
    expect(dialog.get_by_role("alert").first).to_contain_text("complete this required field")
    page.get_by_test_id("field-photos").fill("foun")
    expect(page.get_by_test_id("option")).to_have_text(["fountain"])
    page.get_by_test_id("field-photos").press("Enter")
    page.get_by_test_id("field-n").fill("5")
    page.get_by_test_id("field-n").press("Enter")
    expect(dialog.get_by_role("alert")).to_have_text("From 50 to 100.")
    expect(page.get_by_test_id("field-photos")).to_have_value("fountain")
    page.get_by_test_id("field-n").fill("50")
    page.get_by_test_id("modal-submit").click()
    expect(dialog).to_have_count(0)
    assert bot.heard[1:] == ["view fountain 5", "view fountain 50"]


def test_a_dialog_shows_what_is_wrong_also_in_a_low_window(page: Page, bot: Bot) -> None:
    page.set_viewport_size({"width": 390, "height": 330})
    say(page, "/splat dialog")
    page.get_by_test_id("field-photos").fill("foun")
    page.get_by_test_id("option").click()
    page.get_by_test_id("field-n").fill("5")
    page.get_by_test_id("field-photos").scroll_into_view_if_needed()
    page.get_by_test_id("modal-submit").click()
    expect(page.get_by_text("From 50 to 100.")).to_be_in_viewport(ratio=1)


def test_enter_in_a_text_that_is_followed_tells_the_bot_and_sends_nothing(
    page: Page, bot: Bot
) -> None:
    say(page, "/splat dialog")
    dialog = page.get_by_test_id("modal")
    page.get_by_test_id("field-photos").fill("foun")
    page.get_by_test_id("option").click()
    page.get_by_test_id("field-n").fill("50")
    page.get_by_test_id("field-followed").fill("7000")
    page.get_by_test_id("field-followed").press("Enter")
    expect(dialog).to_contain_text("It is 7000 now")
    for name, value in {"photos": "fountain", "n": "50", "followed": "7000"}.items():
        expect(page.get_by_test_id(f"field-{name}")).to_have_value(value)
    assert bot.heard[1:] == ["followed 7000"]
    page.get_by_test_id("field-n").press("Enter")
    expect(dialog).to_have_count(0)
    assert bot.heard[2:] == ["view fountain 50"]


def test_escape_closes_a_dialog(page: Page, bot: Bot) -> None:
    say(page, "/splat dialog")
    page.get_by_test_id("modal").wait_for()
    page.keyboard.press("Escape")
    expect(page.get_by_test_id("modal")).to_have_count(0)
    assert bot.slack.workspace.modal is None


def test_the_bots_home_and_its_direct_messages(page: Page, bot: Bot) -> None:
    bot.client.chat_postMessage(channel=state.PERSON, text="just for you")
    expect(page.get_by_test_id("message")).to_have_count(0)
    page.get_by_test_id("home-tab").click()
    expect(page.get_by_test_id("home")).to_contain_text("You are home")
    page.get_by_role("tab", name="Messages").click()
    expect(page.get_by_test_id("message")).to_contain_text("just for you")


def test_markup_is_shown_as_slack_shows_it_and_nothing_runs(page: Page, bot: Bot) -> None:
    text = (
        "*bold* _italic_ ~gone~ `a*b*c` &lt;b&gt; 2*3*4 <javascript:alert(1)|no> :warning: :nope:"
    )
    bot.client.chat_postMessage(channel=state.CHANNEL, text=text)
    message = page.get_by_test_id("message")
    expect(message).to_contain_text("<b> 2*3*4 no")
    expect(message.locator("i")).to_have_text("italic")
    expect(message.locator("s")).to_have_text("gone")
    expect(message.locator("code")).to_have_text("a*b*c")
    expect(message.get_by_role("img", name="warning")).to_be_visible()
    expect(message).to_contain_text(":nope:")
    expect(message.locator("a")).to_have_count(0)


def test_an_address_is_a_link_without_the_full_stop_behind_it(page: Page, bot: Bot) -> None:
    page.get_by_test_id("message-input").fill("Look: http://h.org/viewer/?m=a&b=1_2_3. Nice?")
    page.keyboard.press("Enter")
    link = page.get_by_test_id("message").get_by_role("link")
    expect(link).to_have_text("http://h.org/viewer/?m=a&b=1_2_3")
    expect(link).to_have_attribute("href", "http://h.org/viewer/?m=a&b=1_2_3")


def test_a_moment_is_shown_in_the_readers_own_time(page: Page, bot: Bot) -> None:
    text = "gone at <!date^1795271520^{date_short} {time}|14:32 UTC>"
    bot.client.chat_postMessage(channel=state.CHANNEL, text=text)
    date, time = page.evaluate(
        """() => { const when = new Date(1795271520000); return [
            when.toLocaleDateString([], {year: 'numeric', month: 'short', day: 'numeric'}),
            when.toTimeString().slice(0, 5)]; }"""
    )
    expect(page.get_by_test_id("message")).to_contain_text(f"gone at {date} {time}")
    expect(page.locator("time").last).to_have_attribute("title", re.compile(r"\d{4} \d\d:\d\d$"))


def test_on_a_phone_everything_fits(page: Page, bot: Bot) -> None:
    page.set_viewport_size({"width": 390, "height": 780})
    page.get_by_test_id("message-input").fill("/")
    expect(page.get_by_role("option").last).to_be_in_viewport(ratio=1)
    page.get_by_test_id("message-input").fill("")
    ts = bot.client.chat_postMessage(
        channel=state.CHANNEL, text="x", blocks=[section("`" + "x" * 200 + "`"), button()]
    )["ts"]
    bot.client.chat_postMessage(channel=state.CHANNEL, text="reply", thread_ts=ts)
    page.get_by_test_id("thread-open").click()
    expect(page.get_by_test_id("thread-input")).to_be_in_viewport()
    width = page.evaluate("() => document.documentElement.scrollWidth")
    assert width == 390
