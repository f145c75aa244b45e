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
    "im:history": "photos that are dropped into the bot's direct messages",
    "usergroups:read": "who is in the user groups of `SPLATBOT_STARTERS` and `SPLATBOT_ADMINS`",
}

EVENTS = ("app_home_opened", "app_mention", "message.im")

#: The shortcut on a message with photos.
SHORTCUT, SHORTCUT_NAME = "make_splat", "Make a splat from these"
COMMAND = "/splat"


def manifest(public_url: str) -> dict[str, Any]:
    """Return the app's manifest for a bot at `public_url`; raises InvalidValue without https."""
    parts = urlsplit(public_url)
    if parts.scheme != "https" or not parts.hostname:
        raise InvalidValue("public URL", public_url, "an https address, the only ones Slack calls")
    url = f"{public_url.rstrip('/')}/slack/events"
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "Splatbot",
            "description": "Photos in, a 3D scene out that you can walk in",
            "background_color": "#14171a",
        },
        "features": {
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
                    "url": url,
                    "description": "Make a splat of photos, and look after jobs",
                    "usage_hint": "datasets/myparcel [splat|aerial] | help",
                    "should_escape": False,
                }
            ],
        },
        "oauth_config": {"scopes": {"bot": sorted(SCOPES)}},
        "settings": {
            "event_subscriptions": {"request_url": url, "bot_events": list(EVENTS)},
            "interactivity": {
                "is_enabled": True,
                "request_url": url,
                "message_menu_options_url": url,
            },
            "org_deploy_enabled": False,
            "socket_mode_enabled": False,
            "token_rotation_enabled": False,
        },
    }
