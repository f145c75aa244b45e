"""What Slack delivers again is heeded once; what was never heard is heeded whenever it comes."""

import pytest
from slack_bolt import BoltRequest, BoltResponse

from bot.slack.deliveries import MOST, REMEMBERED, Deliveries
from tests.core.conftest import Clock

OK = BoltResponse(status=200)


def mention(ts: str = "1.1", event_id: str = "Ev1", **more: str) -> dict[str, object]:
    event = {"type": "app_mention", "channel": "C1", "ts": ts, **more}
    return {"type": "event_callback", "team_id": "T1", "event_id": event_id, "event": event}


class Heard:
    """A middleware, and what came through."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.deliveries = Deliveries(self.clock)
        self.count = 0

    def deliver(self, body: dict[str, object]) -> bool:
        """Deliver something; return whether it came through. It is acknowledged either way."""
        before = self.count
        request = BoltRequest(body=dict(body), mode="socket_mode")
        assert self.deliveries.process(req=request, resp=OK, next=self._through).status == 200
        return self.count > before

    def _through(self) -> BoltResponse:
        self.count += 1
        return OK


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_three_repetitions_and_a_second_id_are_one_event(heard: Heard) -> None:
    assert heard.deliver(mention())
    for seconds in (0, 60, 300):  # as Slack repeats
        heard.clock.move(seconds)
        assert not heard.deliver(mention())
        assert not heard.deliver(mention(event_id="Ev2"))


@pytest.mark.parametrize(
    "other",
    [
        mention("1.2", "Ev2"), mention(channel="C2"), mention(type="message"),
        mention(subtype="message_changed"), {**mention(), "team_id": "T2"},
    ],
)  # fmt: skip
def test_another_event_is_another_event(heard: Heard, other: dict[str, object]) -> None:
    assert heard.deliver(mention())
    assert heard.deliver(other)


def test_an_event_without_a_place_is_known_by_its_id(heard: Heard) -> None:
    opened = {"event_id": "Ev1", "event": {"type": "app_home_opened", "user": "U1"}}
    assert heard.deliver(opened)
    assert not heard.deliver(opened)
    assert heard.deliver({**opened, "event_id": "Ev2"})


def test_what_went_wrong_is_heeded_when_it_comes_again(heard: Heard) -> None:
    assert heard.deliver(mention())
    heard.deliveries.forget(mention())
    assert heard.deliver(mention())


def test_commands_buttons_and_dialogs_always_come_through(heard: Heard) -> None:
    for body in ({"command": "/splat", "trigger_id": "1"}, {"type": "block_actions"}):
        assert heard.deliver(body)
        assert heard.deliver(body)


def test_the_memory_ends_after_a_while_and_has_a_bound(heard: Heard) -> None:
    for number in range(MOST + 50):
        heard.deliver(mention(str(number)))
    assert len(heard.deliveries._seen) <= MOST + 1
    heard.clock.move(REMEMBERED + 1)
    assert heard.deliver(mention(str(MOST)))
    assert len(heard.deliveries._seen) == 1
