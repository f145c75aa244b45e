"""The Slack app as Slack takes it: api.slack.com/apps, Create New App, From a manifest.

The format is that of docs.slack.dev/reference/app-manifest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from bot.core.errors import InvalidValue

#: The bot token's scopes, and what needs each of them.
SCOPES: Mapping[str, str] = {
    "app_mentions:read": "`@splat status` and the like, in a job's thread",
    "channels:history": "whether a message arrived whose answer was lost, in public channels",
    "chat:write": "every message",
    "commands": "`/splat`",
    "files:read": "photos that are dropped into Slack, to be made a splat of",
    "files:write": "the pictures in the threads",
    "groups:history": "the same as `channels:history`, in private channels",
    "im:history": "the bot's direct messages: words, and photos that are dropped there",
    "links.embed:write": "splats that open inside Slack",
    "links:read": "links to splats that somebody shares",
    "links:write": "the cards below such links",
    "usergroups:read": "who is in the user groups of `SPLATBOT_STARTERS` and `SPLATBOT_ADMINS`",
}

EVENTS = (
    "app_home_opened", "app_mention", "entity_details_requested", "link_shared", "message.im",
)  # fmt: skip

#: What an app hears besides that may be in several workspaces.
OF_SEVERAL = ("app_uninstalled", "tokens_revoked")

#: The shortcut on a message with photos.
SHORTCUT, SHORTCUT_NAME = "make_splat", "Make a splat from these"
COMMAND = "/splat"

#: Where Slack sends people back to who have installed the app.
REDIRECT = "/slack/oauth_redirect"


def manifest(public_url: str, *, socket: bool = False, several: bool = False) -> dict[str, Any]:
    """Return the app's manifest for a bot at `public_url`; raises InvalidValue without https.

    With `socket` (Socket Mode) Slack calls no address of ours, so that none is needed. With
    `several` the app may be installed in several workspaces, which needs one to come back to.
    """
    if several or not socket:
        _check_url(public_url)
    base = public_url.rstrip("/")
    url = {} if socket else {"url": f"{base}/slack/events"}
    oauth: dict[str, Any] = {"scopes": {"bot": sorted(SCOPES)}}
    if several:
        oauth["redirect_urls"] = [f"{base}{REDIRECT}"]
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "Splatbot",
            "description": "Photos in, a 3D scene out that you can walk in",
            "background_color": "#14171a",
        },
        "features": _features(url, urlsplit(public_url).hostname),
        "oauth_config": oauth,
        "settings": _settings(url.get("url"), several),
    }


def _check_url(public_url: str) -> None:
    parts = urlsplit(public_url)
    if parts.scheme != "https" or not parts.hostname:
        raise InvalidValue("public URL", public_url, "an https address, the only ones Slack calls")


def _features(url: Mapping[str, str], domain: str | None) -> dict[str, Any]:
    return {
        # Links to splats get a card; without an address of ours there are none.
        **({"unfurl_domains": [domain]} if domain else {}),
        "app_home": {
            "home_tab_enabled": True,
            "messages_tab_enabled": True,
            "messages_tab_read_only_enabled": False,  # photos are dropped there
        },
        "shortcuts": [
            {
                "name": SHORTCUT_NAME,
                "type": "message",
                "callback_id": SHORTCUT,
                "description": "Takes the photos of a message",
            }
        ],
        "bot_user": {"display_name": "splat", "always_online": True},
        "slash_commands": [
            {
                "command": COMMAND,
                **url,
                "description": "Make a splat of photos, and look after jobs",
                "usage_hint": "datasets/myparcel [splat|aerial] | help",
                "should_escape": False,
            }
        ],
    }


def _settings(url: str | None, several: bool) -> dict[str, Any]:
    events: dict[str, Any] = {"bot_events": [*EVENTS, *(OF_SEVERAL if several else ())]}
    interactivity: dict[str, Any] = {"is_enabled": True}
    if url is not None:
        events["request_url"] = url
        interactivity |= {"request_url": url, "message_menu_options_url": url}
    return {
        "event_subscriptions": events,
        "interactivity": interactivity,
        "org_deploy_enabled": False,
        "socket_mode_enabled": url is None,
        # A token from the settings is good until somebody revokes it; nobody could change it.
        "token_rotation_enabled": several,
    }
