"""The methods `views.*` and `files.*`."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping

from bot.sandbox import state
from bot.sandbox.answers import Body, Params, Refused, parsed, view, whole
from bot.sandbox.conversations import Conversations
from bot.sandbox.state import File, Workspace


class Views:
    """The App Home, and the one dialog that may be open."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def methods(self) -> dict[str, Callable[[Params], Body]]:
        """Return the methods by Slack's names."""
        return {
            "views.open": self.open,
            "views.update": self.update,
            "views.publish": self.publish,
        }

    def open(self, params: Params) -> Body:
        """Open a dialog in exchange for a trigger."""
        shown = view(params, view_id=f"V{secrets.token_hex(5).upper()}")
        if wrong := self._workspace.use_trigger(params.get("trigger_id", "")):
            raise Refused(wrong)
        self._workspace.show_modal(shown)
        return {"view": shown}

    def update(self, params: Params) -> Body:
        """Replace the dialog that is open, or the App Home, by its id."""
        for name in ("modal", "home"):
            old: Body | None = getattr(self._workspace, name)
            if old and old["id"] == params.get("view_id"):
                break
        else:
            raise Refused("not_found")
        if params.get("hash") not in {None, "", old["hash"]}:
            raise Refused("hash_conflict")
        shown = view(params, view_id=old["id"])
        setattr(self._workspace, name, shown)
        self._workspace.touch()
        return {"view": shown}

    def publish(self, params: Params) -> Body:
        """Show an App Home."""
        if params.get("user_id") != state.PERSON:
            raise Refused("not_found")
        self._workspace.home = view(params, view_id="V0HOME")
        self._workspace.touch()
        return {"view": self._workspace.home}


class Files:
    """Uploads: ask for an address, send the bytes there, then share."""

    def __init__(
        self, workspace: Workspace, conversations: Conversations, base_url: Callable[[], str]
    ) -> None:
        self._workspace = workspace
        self._conversations = conversations
        self._base_url = base_url

    def methods(self) -> dict[str, Callable[[Params], Body]]:
        """Return the methods by Slack's names."""
        return {
            "files.getUploadURLExternal": self.upload_url,
            "files.completeUploadExternal": self.complete,
            "files.info": self.info,
        }

    def upload_url(self, params: Params) -> Body:
        """Return where to send a file's bytes."""
        if not params.get("filename") or whole(params, "length", 0) <= 0:
            raise Refused("invalid_arguments")
        file = File(f"F{secrets.token_hex(5).upper()}", params["filename"])
        self._workspace.files[file.id] = file
        return {"upload_url": f"{self._base_url()}upload/{file.id}", "file_id": file.id}

    def complete(self, params: Params) -> Body:
        """Share uploaded files. As in Slack, the message with them comes a while later."""
        files = [self._uploaded(each) for each in parsed(params.get("files")) or []]
        if not files:
            raise Refused("invalid_arguments")
        if params.get("channel_id"):
            channel = self._conversations.writable(params)
            self._workspace.later(
                self._workspace.file_seconds, lambda: self._share(files, channel, params)
            )
        return {"files": [{"id": f.id, "title": f.title} for f in files]}

    def info(self, params: Params) -> Body:
        """Describe a file; it has `shares` once its message is there."""
        file = self._workspace.files.get(params.get("file", ""))
        if file is None:
            raise Refused("file_not_found")
        shares = [m for m in self._workspace.messages if file.id in m.files]
        body = {
            "id": file.id,
            "name": file.name,
            "title": file.title or file.name,
            "size": len(file.content),
            "url_private": f"{self._base_url()}files/{file.id}",
            "shares": {"public": {m.channel: [{"ts": m.ts}] for m in shares}} if shares else {},
        }
        return {"file": body}

    def _uploaded(self, asked: Mapping[str, str]) -> File:
        file = self._workspace.files.get(asked.get("id", ""))
        if file is None or not file.content:
            raise Refused("file_not_found")
        file.title = asked.get("title") or file.name
        return file

    def _share(self, files: list[File], channel: str, params: Params) -> None:
        for file in files:
            file.shared = True
        self._workspace.post(
            channel=channel,
            user=state.BOT,
            text=params.get("initial_comment") or "",
            thread_ts=params.get("thread_ts") or None,
            files=[file.id for file in files],
        )
