"""The sandbox over HTTP: slack_sdk's own client on one side, the page on the other."""

import json
from collections.abc import Iterator

import httpx
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.webhook import WebhookClient

from bot.sandbox import state
from tests.fakes.slack import TOKEN, FakeSlack, fake_slack
from tests.ports import HOST, held_port
from tests.sandbox.conftest import modal, plain, section
from tests.waiting import PATIENCE


@pytest.fixture(scope="module")
def served() -> Iterator[FakeSlack]:
    with held_port() as nobody, fake_slack(f"http://{HOST}:{nobody}") as slack:
        yield slack


@pytest.fixture
def client(served: FakeSlack) -> WebClient:
    return WebClient(token=TOKEN, base_url=f"{served.url}api/", timeout=PATIENCE)


@pytest.fixture
def page(served: FakeSlack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=served.url, trust_env=False) as page:
        yield page


def test_the_sdk_posts_edits_and_reads(client: WebClient) -> None:
    posted = client.chat_postMessage(
        channel=state.CHANNEL,
        text="x",
        blocks=[section()],
        metadata={"event_type": "e", "event_payload": {"key": "k"}},
    )
    client.chat_update(channel=state.CHANNEL, ts=posted["ts"], text="y")
    read = client.conversations_replies(
        channel=state.CHANNEL, ts=posted["ts"], include_all_metadata=True
    )
    [message] = read["messages"]
    assert (message["text"], message["metadata"]["event_payload"]) == ("y", {"key": "k"})


def test_the_sdk_uploads_a_file_which_then_can_be_seen(
    client: WebClient, served: FakeSlack, page: httpx.Client
) -> None:
    uploaded = client.files_upload_v2(
        channel=state.CHANNEL, filename="a.jpg", file=b"\xff\xd8 picture", title="A"
    )
    seen = page.get(f"files/{uploaded['files'][0]['id']}")
    assert (seen.content, seen.headers["content-type"]) == (b"\xff\xd8 picture", "image/jpeg")
    assert served.workspace.messages[-1].files == [uploaded["files"][0]["id"]]


def test_a_file_that_is_no_picture_is_never_shown_as_a_page(
    client: WebClient, page: httpx.Client
) -> None:
    for name in ("a.html", "a.svg", "a"):
        file = client.files_upload_v2(
            channel=state.CHANNEL, filename=name, file=b"<script>alert(1)</script>"
        )["files"][0]
        seen = page.get(f"files/{file['id']}")
        assert seen.headers["content-type"] == "application/octet-stream"
        assert seen.headers["x-content-type-options"] == "nosniff"


def test_a_file_is_not_seen_before_it_is_shared(client: WebClient, page: httpx.Client) -> None:
    asked = client.files_getUploadURLExternal(filename="a.jpg", length=3)
    assert page.post(asked["upload_url"], content=b"abc").status_code == 200
    assert page.get(f"files/{asked['file_id']}").status_code == 404
    assert page.post("upload/F404", content=b"abc").status_code == 404


def test_the_sdk_is_told_what_is_wrong_with_its_blocks(client: WebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        client.chat_postMessage(channel=state.CHANNEL, text="x", blocks=[{"type": "sektion"}])
    assert refused.value.response["error"] == "invalid_blocks"
    assert "unsupported type: sektion" in str(refused.value)


def test_the_sdk_meets_a_rate_limit_once(client: WebClient, page: httpx.Client) -> None:
    fault = {"method": "auth.test", "status": 429, "times": 1, "retry_after": 9}
    page.post("sandbox/faults", json=fault)
    with pytest.raises(SlackApiError) as limited:
        client.auth_test()
    assert limited.value.response.status_code == 429
    assert limited.value.response.headers["Retry-After"] == "9"
    assert client.auth_test()["user_id"] == state.BOT


def test_the_sdk_opens_a_dialog(client: WebClient, served: FakeSlack) -> None:
    client.views_open(trigger_id=served.workspace.new_trigger(), view=modal(title=plain("Hi")))
    assert served.workspace.modal is not None
    assert served.workspace.modal["title"]["text"] == "Hi"


def test_the_sdk_answers_a_response_url(served: FakeSlack) -> None:
    key = served.workspace.new_response_url(state.CHANNEL, state.PERSON)
    hook = WebhookClient(f"{served.url}response/{key}")
    assert hook.send(text="later", response_type="ephemeral").status_code == 200
    assert served.whispers()[-1].text == "later"


@pytest.mark.parametrize("key", ["none", "x" * 24])
def test_an_unknown_response_url_is_not_found(page: httpx.Client, key: str) -> None:
    answer = page.post(f"response/{key}", json={"text": "x"})
    assert (answer.status_code, answer.json()["error"]) == (404, "expired_url")


def test_a_call_needs_the_bots_token(page: httpx.Client) -> None:
    def error(**request: object) -> str:
        body = page.post("api/auth.test", **request).json()  # type: ignore[arg-type]
        return str(body.get("error", ""))

    assert error() == "not_authed"
    assert error(headers={"Authorization": "Bearer xoxb-other"}) == "invalid_auth"
    assert error(headers={"Authorization": f"Basic {TOKEN}"}) == "not_authed"
    assert error(headers={"Authorization": f"Bearer {TOKEN}"}) == ""
    assert error(data={"token": TOKEN}) == ""


def test_arguments_come_as_a_form_as_json_or_in_the_address(page: httpx.Client) -> None:
    page.headers["Authorization"] = f"Bearer {TOKEN}"
    asked = {"user": state.PERSON}
    for answer in (
        page.post("api/users.info", data=asked),
        page.post("api/users.info", json=asked),
        page.get("api/users.info", params=asked),
    ):
        assert answer.json()["user"]["id"] == state.PERSON


def test_what_is_no_json_is_refused(page: httpx.Client) -> None:
    broken = page.post("api/users.info", content="{", headers={"Content-Type": "application/json"})
    assert broken.status_code == 400


def test_nothing_on_the_page_may_come_from_elsewhere(page: httpx.Client) -> None:
    policy = page.get("sandbox/state").headers["content-security-policy"]
    rules = dict(rule.split(maxsplit=1) for rule in policy.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == rules["style-src"] == rules["connect-src"] == "'self'"
    assert "unsafe" not in policy
    assert "https:" not in policy


def test_another_name_for_this_machine_does_not_reach_the_sandbox(page: httpx.Client) -> None:
    assert page.get("sandbox/state", headers={"Host": "evil.example"}).status_code == 400


def test_another_sites_page_can_not_act_for_the_person(page: httpx.Client) -> None:
    """A browser sends JSON across sites only after asking, and it is not told yes."""
    plain_text = {"Content-Type": "text/plain"}
    assert page.post("sandbox/type", content='{"text": "x"}', headers=plain_text).is_client_error
    asking = {"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"}
    assert "access-control-allow-origin" not in page.options("sandbox/type", headers=asking).headers


def test_what_the_page_can_not_do_is_not_found(page: httpx.Client) -> None:
    assert page.post("sandbox/_check", json={}).status_code == 404


def test_the_page_hears_of_every_change(page: httpx.Client) -> None:
    with page.stream("GET", "sandbox/updates") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        updates = (json.loads(line[6:]) for line in stream.iter_lines() if line.startswith("data:"))
        before = next(updates)
        page.post("sandbox/type", json={"text": "hello"})
        after = next(updates)
    assert after["version"] > before["version"]
    assert after["messages"][-1]["text"] == "hello"
