"""The upload page: a link of one's own, and pieces that go on where they stopped."""

import re
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest
from playwright.sync_api import Browser, Page, Route, expect

from bot.core.config import SpacesSettings
from bot.storage.pieces import PIECE, Pieces
from bot.storage.s3_pieces import RULE
from bot.storage.spaces import SpacesStorage
from tests.fakes.slack import buttons, text_of
from tests.slack.conftest import Bot
from tests.slack.test_drops import photo

LONG = b"\xff\xd8" + bytes(range(256)) * (PIECE // 256) + b"the end"


class Client:
    """Asks as the page does."""

    def __init__(self, bot: Bot, command: str = "/splat upload Old-Shed!") -> None:
        bot.slack.person.type(command)
        self.link = str(buttons(bot.slack.whispers()[-1])["Upload photos"]["url"])
        base, _, seal = self.link.partition("/upload/#")
        headers = {"Authorization": f"Bearer {seal}"}
        self.http = httpx.Client(base_url=f"{base}/api/uploads", headers=headers, trust_env=False)

    def session(self, **headers: str) -> httpx.Response:
        known = {"Authorization": self.http.headers["Authorization"]}
        url = str(self.http.base_url).rstrip("/")
        return httpx.get(url, headers=known | headers, trust_env=False)

    def begin(self, name: str, data: bytes) -> httpx.Response:
        return self.http.post("/files", json={"name": name, "size": len(data)})

    def put(self, name: str, data: bytes, *numbers: int) -> None:
        for number in numbers:
            piece = data[(number - 1) * PIECE : number * PIECE]
            where = self.http.post("/pieces", json={"name": name, "number": number}).json()["url"]
            assert where == ""  # this store is a folder of the bot's
            params = {"name": name}
            assert self.http.put(f"/pieces/{number}", params=params, content=piece).is_success

    def finish(self, name: str, data: bytes) -> httpx.Response:
        return self.http.post("/finished", json={"name": name, "size": len(data)})

    def send(self, name: str, data: bytes) -> None:
        self.begin(name, data)
        self.put(name, data, *range(1, -(-len(data) // PIECE) + 1))
        assert self.finish(name, data).is_success


def test_the_command_gives_a_link_that_only_the_person_sees(bot: Bot) -> None:
    client = Client(bot)
    assert "`datasets/old-shed`" in text_of(bot.slack.whispers()[-1])
    assert client.session().json()["dataset"] == "datasets/old-shed"
    assert bot.slack.channel() == []
    assert bot.ledger.audit_log(limit=1)[0]["action"] == "upload"


def test_without_a_name_there_is_one_all_the_same(bot: Bot) -> None:
    for command in ("/splat upload", "/splat upload !!", "/splat upload datasets/"):
        bot.slack.person.type(command)
        assert re.search(r"`datasets/photos-\d{6}-\w{4}`", text_of(bot.slack.whispers()[-1]))


def test_a_file_arrives_whole_and_then_a_job_is_offered(bot: Bot) -> None:
    client = Client(bot)
    for number in range(3):
        client.send(f"{number}.jpg", photo(number))
    client.send("long.jpg", LONG)
    key = "datasets/old-shed/long.jpg"
    assert bot.storage.get(key) == LONG
    assert client.http.post("/done").is_success
    assert client.http.post("/done").is_success  # pressed twice
    bot.intake.work()
    [offer] = bot.slack.channel()
    assert "*4 photos*" in text_of(offer)
    bot.press(offer, "Make a splat")
    assert bot.ledger.jobs()[0].dataset == "datasets/old-shed"


def test_what_has_arrived_is_not_asked_for_again(bot: Bot) -> None:
    client = Client(bot)
    assert client.begin("long.jpg", LONG).json() == {"done": False, "there": []}
    client.put("long.jpg", LONG, 2)
    again = Client(bot)  # another day, another link
    assert again.begin("long.jpg", LONG).json() == {"done": False, "there": [2]}
    assert again.finish("long.jpg", LONG).status_code == 409
    again.put("long.jpg", LONG, 1)
    assert again.finish("long.jpg", LONG).is_success
    assert again.finish("long.jpg", LONG).is_success
    assert client.begin("long.jpg", LONG).json() == {"done": True, "there": []}


def test_no_photo_takes_the_place_of_another(bot: Bot) -> None:
    client = Client(bot)
    client.send("a.jpg", b"first")
    refused = client.begin("a.jpg", b"another")
    assert refused.status_code == 409
    assert "Rename yours" in refused.json()["detail"]
    assert client.finish("a.jpg", b"another").status_code == 409
    assert bot.storage.get("datasets/old-shed/a.jpg") == b"first"


@pytest.mark.parametrize("name", ["../../evil.jpg", "/etc/a.jpg", "a/../../b.jpg", "..\\c.jpg"])
def test_a_name_leads_nowhere_else(bot: Bot, name: str) -> None:
    Client(bot).send(name, b"x")
    [key] = [key for key in bot.storage.keys("") if key.endswith(".jpg") and "demo" not in key]
    assert key.startswith("datasets/old-shed/")
    assert key.count("/") == 2


def test_only_what_can_be_used_is_taken(bot: Bot) -> None:
    client = Client(bot)
    assert client.begin("virus.exe", b"x").status_code == 415
    assert client.begin("a.jpg", b"").status_code == 422
    too_long = client.http.put("/pieces/1", params={"name": "a.jpg"}, content=LONG)
    assert too_long.status_code == 413


def test_a_link_ends_and_can_not_be_made_by_others(bot: Bot) -> None:
    client = Client(bot)
    bot.clock.move(2 * 24 * 3600 + 1)
    assert client.session().status_code == 403
    for seal in ("", "Bearer x.y", "Bearer eyJuYW1lIjoiYSJ9.AAAA"):
        assert client.session(Authorization=seal).status_code == 403


def test_who_may_not_start_jobs_gets_no_link(bot: Bot) -> None:
    object.__setattr__(bot.desk.roles, "starters", ("U0ELSE",))
    bot.slack.person.type("/splat upload shed")
    assert "You may not start jobs here." in text_of(bot.slack.whispers()[-1])


# -- straight into a bucket -----------------------------------------------------------------------


@pytest.fixture
def bucket(s3_server: str) -> SpacesStorage:
    key = {"aws_access_key_id": "k", "aws_secret_access_key": "s", "region_name": "us-east-1"}
    boto3.client("s3", endpoint_url=s3_server, **key).create_bucket(Bucket="uploads")
    return SpacesStorage(SpacesSettings("uploads", "us-east-1", s3_server, "k", "s"))


def test_a_browser_puts_pieces_into_the_bucket_itself(bucket: SpacesStorage) -> None:
    pieces: Pieces = bucket.pieces
    key = "datasets/shed/long.jpg"
    upload = pieces.begin(key)
    for number in (2, 1):
        data = LONG[(number - 1) * PIECE : number * PIECE]
        url = pieces.address(key, upload, number)
        assert httpx.put(url, content=data, trust_env=False).is_success
        assert pieces.begin(key) == upload  # whoever comes again goes on with the same
    assert pieces.there(key, upload) == {1: PIECE, 2: len(LONG) - PIECE}
    assert bucket.size(key) is None  # nothing is there before it is whole
    assert pieces.finish(key, upload)
    assert bucket.get(key) == LONG


def test_our_page_is_let_in_and_other_rules_stay(bucket: SpacesStorage) -> None:
    client: Any = bucket._client
    theirs = {"ID": "theirs", "AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET"]}
    client.put_bucket_cors(Bucket="uploads", CORSConfiguration={"CORSRules": [theirs]})
    for _ in range(2):
        bucket.pieces.let_in("https://splat.example")
    rules = client.get_bucket_cors(Bucket="uploads")["CORSRules"]
    assert [rule["ID"] for rule in rules] == ["theirs", RULE]
    assert rules[1]["AllowedOrigins"] == ["https://splat.example"]


# -- the page -------------------------------------------------------------------------------------


@pytest.fixture
def page(browser: Browser) -> Any:
    """A phone."""
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, is_mobile=True, has_touch=True
    )
    yield context.new_page()
    context.close()


def choose(page: Page, files: dict[str, bytes]) -> None:
    given = [{"name": n, "mimeType": "image/jpeg", "buffer": d} for n, d in files.items()]
    page.locator("#files").set_input_files(given)  # type: ignore[arg-type]


@pytest.mark.slow
def test_what_is_chosen_before_the_bot_has_answered_is_uploaded_too(bot: Bot, page: Page) -> None:
    held = list[Route]()

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/api/uploads", hold)
    with page.expect_request("**/api/uploads"):
        page.goto(Client(bot).link)
    choose(page, {"a.jpg": photo(1)})
    assert page.locator("#count").text_content() == ""
    held[0].continue_()
    expect(page.locator("#count")).to_have_text("1 of 1 photo")


@pytest.mark.slow
def test_photos_are_uploaded_on_the_page_and_offered(bot: Bot, page: Page) -> None:
    client = Client(bot)
    page.goto(client.link)
    expect(page.locator("#what")).to_contain_text("They are kept as datasets/old-shed.")
    expect(page.locator("#what")).to_contain_text(re.compile(r"good until .+ \d\d:\d\d\.$"))
    choose(page, {"a.jpg": photo(1), "b.jpg": photo(2), "long.jpg": LONG, "notes.txt": b"x"})
    expect(page.locator("#count")).to_have_text("3 of 3 photos")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#done").click()
    said = page.locator("#what")
    expect(said).to_contain_text("3 files are kept as datasets/old-shed.")
    expect(said).to_contain_text("tells you in Slack")
    bot.intake.work()
    assert "*3 photos*" in text_of(bot.slack.channel()[0])
    assert bot.storage.get("datasets/old-shed/long.jpg") == LONG


@pytest.mark.slow
def test_a_phone_is_offered_its_camera_and_not_to_drop_files(bot: Bot, page: Page) -> None:
    page.goto(Client(bot).link)
    expect(page.get_by_role("button", name="Take a photo")).to_be_visible()
    expect(page.get_by_text("Drop photos")).to_be_hidden()


@pytest.mark.slow
def test_the_page_says_what_of_a_folder_it_leaves_out(bot: Bot, page: Page, tmp_path: Path) -> None:
    """Without its folder a mask would be kept, and used, as a photo."""
    for name in ("set/a.jpg", "set/masks/a.png", "set/b.CR2", "set/.hidden.jpg"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(photo(1))
    page.goto(Client(bot).link)
    choose(page, {"more.zip": b"x"})
    expect(page.locator("#count")).to_have_text("1 of 1 archive")
    page.locator("#folders").set_input_files(tmp_path / "set")
    expect(page.locator("#count")).to_have_text("2 of 2 files: 1 photo and 1 archive")
    said = page.locator("#what")
    expect(said).to_contain_text("2 files were left out: ")
    expect(said).to_contain_text("Export raw files as JPEG. To bring masks, put all into one .zip.")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.slow
def test_after_a_reload_the_page_goes_on_where_it_stopped(bot: Bot, page: Page) -> None:
    client = Client(bot)
    sent: list[str] = []
    page.on("request", lambda r: sent.append(r.url) if r.method == "PUT" else None)
    page.route("**/pieces/2*", lambda route: route.abort())  # the connection is lost in between
    page.goto(client.link)
    choose(page, {"long.jpg": LONG})
    expect(page.locator("li small")).to_contain_text("trying again")
    page.on("dialog", lambda dialog: dialog.accept())
    page.reload()
    expect(page.locator("#drop")).to_be_visible()
    page.unroute("**/pieces/2*")  # only now: the page from before would have tried again
    sent.clear()
    choose(page, {"long.jpg": LONG})
    expect(page.locator("#count")).to_have_text("1 of 1 photo")
    assert [url.partition("/pieces/")[2][0] for url in sent] == ["2"]
    assert bot.storage.get("datasets/old-shed/long.jpg") == LONG


@pytest.mark.slow
def test_a_wrong_link_says_what_to_do(bot: Bot, page: Page) -> None:
    page.goto(f"{bot.settings.public_url}/upload/#nonsense")
    expect(page.locator("#what")).to_contain_text("Type /splat upload in Slack.")
