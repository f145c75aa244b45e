"""The methods `chat.*`, `conversations.*` and `reactions.add`, and answers to a response_url."""

from __future__ import annotations

import html
from collections.abc import Callable
from typing import Any

from bot.sandbox import state
from bot.sandbox.answers import (
    EDITED_TEXT,
    Body,
    Params,
    Refused,
    content,
    metadata,
    named,
    parsed,
    shown,
    whole,
)
from bot.sandbox.blocks_check import problems
from bot.sandbox.state import Message, Workspace

#: Messages of a page of `conversations.history`, unless told.
PAGE = 100


class Conversations:
    """Messages in the channel, in threads, and to one person alone."""

    def __init__(self, workspace: Workspace, base_url: Callable[[], str]) -> None:
        self._workspace = workspace
        self._base_url = base_url

    def methods(self) -> dict[str, Callable[[Params], Body]]:
        """Return the methods by Slack's names."""
        return {
            "chat.postMessage": self.post,
            "chat.update": self.update,
            "chat.delete": self.delete,
            "chat.postEphemeral": self.post_ephemeral,
            "chat.getPermalink": self.permalink,
            "chat.unfurl": self.unfurl,
            "entity.presentDetails": self.present,
            "conversations.replies": self.replies,
            "conversations.history": self.history,
            "conversations.info": self.info,
            "reactions.add": self.react,
        }

    def post(self, params: Params) -> Body:
        """Post into the channel, a thread, or (to a user's id) a direct message."""
        message = self._workspace.post(
            channel=self.writable(params),
            user=state.BOT,
            thread_ts=params.get("thread_ts") or None,
            metadata=metadata(params),
            **content(params),
        )
        return {"channel": message.channel, "ts": message.ts, "message": shown(message)}

    def update(self, params: Params) -> Body:
        """Edit one of the bot's own messages; text without blocks removes the blocks."""
        message = self._own(params, "cant_update_message", str(params.get("ts", "")))
        said = content(params, most=EDITED_TEXT)
        message.metadata = metadata(params) or message.metadata
        self._edit(message, said)
        return {
            "channel": message.channel,
            "ts": message.ts,
            "text": message.text,
            "message": shown(message),
        }

    def delete(self, params: Params) -> Body:
        """Delete one of the bot's own messages."""
        message = self._own(params, "cant_delete_message", str(params.get("ts", "")))
        message.deleted = True
        self._workspace.touch()
        return {"channel": message.channel, "ts": message.ts}

    def post_ephemeral(self, params: Params) -> Body:
        """Say something to one person of the channel alone."""
        if params.get("user") != state.PERSON:
            raise Refused("user_not_in_channel")
        message = self._workspace.post(
            channel=self.writable(params),
            user=state.BOT,
            visible_to=state.PERSON,
            thread_ts=params.get("thread_ts") or None,
            **content(params),
        )
        return {"message_ts": message.ts}

    def unfurl(self, params: Params) -> Body:
        """Show cards below the links of a message: Work Objects, or blocks."""
        message = self._workspace.find(self.readable(params), str(params.get("ts", "")))
        if message is None:
            raise Refused("cannot_find_message")
        cards: Body = parsed(params.get("unfurls")) or {}
        entities = (parsed(params.get("metadata")) or {}).get("entities", [])
        if not cards and not entities:
            raise Refused("missing_unfurls")
        if entities and not self._workspace.entities:
            raise Refused("invalid_metadata_format")  # Work Objects are not switched on
        if any(problems(card.get("blocks", [])) for card in cards.values()):
            raise Refused("cannot_parse_attachment")
        links = [*cards, *(each["app_unfurl_url"] for each in entities)]
        if not all(link in html.unescape(message.text) for link in links):
            raise Refused("cannot_unfurl_url")
        message.unfurls = [{"blocks": named(card["blocks"])} for card in cards.values()]
        message.unfurls += [{"entity": each} for each in entities]
        self._workspace.touch()
        return {}

    def present(self, params: Params) -> Body:
        """Open a Work Object at the page's side in exchange for a trigger."""
        if wrong := self._workspace.use_trigger(params.get("trigger_id", "")):
            raise Refused(wrong)
        self._workspace.opened = parsed(params.get("metadata"))
        self._workspace.touch()
        return {}

    def permalink(self, params: Params) -> Body:
        """Return a message's address on the page."""
        channel, ts = self.readable(params), str(params.get("message_ts", ""))
        if not self._workspace.find(channel, ts):
            raise Refused("message_not_found")
        return {"channel": channel, "permalink": f"{self._base_url()}#{ts}"}

    def replies(self, params: Params) -> Body:
        """Return a thread, oldest first, the message that began it included."""
        thread = self._workspace.thread(self.readable(params), params.get("ts", ""))
        if not thread:
            raise Refused("thread_not_found")
        return {"messages": [_read(m, params) for m in thread], "has_more": False}

    def history(self, params: Params) -> Body:
        """Return a conversation's messages, newest first, without threads' replies."""
        channel, most = self.readable(params), whole(params, "limit", PAGE)
        newest = reversed(self._workspace.messages)
        tops = [m for m in newest if m.channel == channel and _is_public(m) and not m.thread_ts]
        messages = [_read(m, params) for m in tops[:most]]
        return {"messages": messages, "has_more": len(tops) > most}

    def info(self, params: Params) -> Body:
        """Describe a conversation."""
        channel = self.readable(params)
        return {
            "channel": {
                "id": channel,
                "name": state.CHANNELS[channel],
                "is_channel": channel == state.CHANNEL,
                "is_im": channel == state.DIRECT,
                "is_archived": self._workspace.closed.get(channel) == "is_archived",
                "is_member": self._workspace.closed.get(channel) != "not_in_channel",
            }
        }

    def react(self, params: Params) -> Body:
        """Add an emoji to a message."""
        channel, ts = self.writable(params), str(params.get("timestamp", ""))
        message, name = self._workspace.find(channel, ts), params.get("name")
        if message is None:
            raise Refused("message_not_found")
        if not name:
            raise Refused("no_item_specified" if not ts else "invalid_name")
        if name in message.reactions:
            raise Refused("already_reacted")
        message.reactions.append(name)
        self._workspace.touch()
        return {}

    def respond(self, key: str, params: Params) -> None:
        """Take an answer to a response_url; raises Refused when it is too late or wrong."""
        response = self._workspace.use_response_url(key)
        if isinstance(response, str):
            raise Refused(response)
        origin = response.origin
        if origin and _is_true(params.get("delete_original")):
            origin.deleted = True
            self._workspace.touch()
        elif origin and _is_true(params.get("replace_original")):
            self._edit(origin, content(params))
        else:
            in_channel = params.get("response_type") == "in_channel"
            self._workspace.post(
                channel=response.channel,
                user=state.BOT,
                visible_to=None if in_channel else response.user,
                thread_ts=params.get("thread_ts") or None,
                **content(params),
            )

    def readable(self, params: Params) -> str:
        """Return the conversation that is meant; a user's id means the direct one."""
        channel = params.get("channel") or params.get("channel_id")
        channel = state.DIRECT if channel == state.PERSON else channel
        if channel not in state.CHANNELS:
            raise Refused("channel_not_found")
        return str(channel)

    def writable(self, params: Params) -> str:
        """Return the conversation that is meant, if it takes messages."""
        channel = self.readable(params)
        if error := self._workspace.closed.get(channel):
            raise Refused(error)
        return channel

    def _own(self, params: Params, otherwise: str, ts: str) -> Message:
        message = self._workspace.find(self.writable(params), ts)
        if message is None:
            raise Refused("message_not_found")
        if message.user != state.BOT:
            raise Refused(otherwise)
        return message

    def _edit(self, message: Message, said: Body) -> None:
        message.text, message.blocks = said["text"], said["blocks"]
        # Slack marks an edit of text alone; blocks change without a mark.
        message.edited = not message.blocks
        self._workspace.touch()


def _is_public(message: Message) -> bool:
    return not message.deleted and not message.visible_to


def _is_true(value: Any) -> bool:
    return str(value).lower() in {"true", "1"}


def _read(message: Message, params: Params) -> Body:
    return shown(message, with_metadata=_is_true(params.get("include_all_metadata")))
