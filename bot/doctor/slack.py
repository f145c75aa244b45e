"""Whether Slack knows the token, and whether the app was installed with all of its scopes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from bot.core.rounds import Finding
from bot.slack.answers import error_of
from bot.slack.manifest import SCOPES

_WHERE = (
    "Check SLACK_BOT_TOKEN: the app's page, OAuth & Permissions, Bot User OAuth Token (xoxb-…)."
)


def findings(client: WebClient) -> Iterator[Finding]:
    """Look at the token."""
    try:
        answer = client.auth_test()
    except SlackApiError as refused:
        yield Finding(False, f"Slack refuses the bot's token: {error_of(refused)}.", _WHERE)
        return
    except (SlackClientError, OSError) as lost:
        yield Finding(False, f"Slack does not answer ({type(lost).__name__}).", _REACH)
        return
    yield Finding(True, f"Slack knows the bot as {answer['user']} in {answer['team']}.")
    yield _scopes(_granted(answer.headers))


def socket(client: WebClient, app_token: str) -> Finding:
    """Look whether Slack would open a connection for Socket Mode."""
    try:
        client.apps_connections_open(app_token=app_token)
    except SlackApiError as refused:
        what = f"Slack opens no connection for Socket Mode: {error_of(refused)}."
        remedy = "Check SLACK_APP_TOKEN (xapp-…, scope connections:write), and the app's manifest."
        return Finding(False, what, f"{remedy} `splatbot slack-manifest --socket` prints it.")
    except (SlackClientError, OSError) as lost:
        return Finding(False, f"Slack does not answer ({type(lost).__name__}).", _REACH)
    return Finding(True, "Slack opens a connection for Socket Mode.")


def nowhere(public_url: str) -> Finding:
    """Say that no workspace has installed the app."""
    return Finding(False, "No workspace has the app yet.", f"Open {public_url}/slack/install.")


def _scopes(granted: set[str]) -> Finding:
    missing = sorted(SCOPES.keys() - granted)
    if not missing:
        return Finding(True, f"The Slack app has its {len(SCOPES)} scopes.")
    what = f"The Slack app lacks the scopes {', '.join(missing)}."
    remedy = "Add them under OAuth & Permissions and install the app again, or use the manifest."
    return Finding(False, what, f"{remedy} `splatbot slack-manifest` prints it.")


def _granted(headers: Mapping[str, str]) -> set[str]:
    """Read the scopes that Slack names in the header of every answer."""
    named = {name.lower(): value for name, value in headers.items()}
    return set(named.get("x-oauth-scopes", "").replace(" ", "").split(","))


_REACH = "Check SLACK_BOT_TOKEN and SLACK_API_URL, and that this machine reaches slack.com."
