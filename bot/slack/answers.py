"""What Slack's refusals mean for a message: too early, perhaps sent, gone, closed, or wrong."""

from __future__ import annotations

from slack_sdk.errors import SlackApiError

#: Slack says of these that part of what was asked may have been done.
DOUBTFUL = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})

#: The message that we edit, or under which we reply, is not there any more.
GONE = frozenset({"message_not_found", "thread_not_found"})

#: The channel takes no message from us; the person does, directly.
CLOSED = frozenset({
    "channel_not_found", "ekm_access_denied", "is_archived", "not_in_channel",
    "restricted_action", "restricted_action_read_only_channel",
})  # fmt: skip

#: The app may not read the channel: it was installed without the history scopes.
UNREADABLE = frozenset({"channel_not_found", "missing_scope", "not_in_channel"})

#: The bot's token is no good until an operator sets another one: no message is wrong.
LOCKED_OUT = frozenset({
    "account_inactive", "invalid_auth", "not_authed", "token_expired", "token_revoked",
})  # fmt: skip

#: Seconds to wait when Slack does not say how long.
PAUSE = 3.0


def error_of(refused: SlackApiError) -> str:
    """Return Slack's word for what is wrong, or the HTTP status where there is none."""
    data = refused.response.data
    word = data.get("error") if isinstance(data, dict) else None
    return str(word or refused.response.status_code)


def is_too_early(refused: SlackApiError) -> bool:
    """Whether Slack wants to be asked later; it did nothing yet."""
    return bool(refused.response.status_code == 429)


def is_doubtful(refused: SlackApiError) -> bool:
    """Whether what we asked for may have been done all the same."""
    return bool(refused.response.status_code >= 500 or error_of(refused) in DOUBTFUL)


def retry_after(refused: SlackApiError) -> float:
    """Return the seconds to wait before the next try."""
    try:
        return float(refused.response.headers.get("Retry-After", PAUSE))
    except ValueError:
        return PAUSE
