"""What becomes of a link to a splat in Slack: a card with its picture, and the splat itself.

A Work Object (docs.slack.dev/messaging/work-objects-embeds) opens the viewer inside Slack. Where
the app has none switched on, the link gets ordinary blocks.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import parse_qs, urlsplit

from bot.core.jobs import Job
from bot.slack import cards, job_wording
from bot.slack.parts import Block, context, image, section

#: Slack's name of what a splat is to it.
ENTITY = "slack#/entities/file"


def job_of(url: str, viewer: str, jobs: Sequence[Job]) -> Job | None:
    """Return the job whose splat a link shows; None when it is not a link into our viewer.

    `viewer` is our own address: what is elsewhere is none of our business, whatever it says.
    """
    ours, given = urlsplit(viewer), urlsplit(url)
    if (given.scheme, given.netloc) != (ours.scheme, ours.netloc):
        return None
    manifest = parse_qs(given.query).get("manifest", [""])[0]
    return next((job for job in jobs if manifest and job.manifest_url == manifest), None)


def blocks_of(job: Job, picture: str) -> dict[str, list[Block]]:
    """The card below a link, for `unfurls`."""
    card = section(f"{cards.title(job)}\n{cards.figures(job)}".strip())
    if picture:
        card["accessory"] = image(picture, f"The splat of {job.dataset}")
    return {"blocks": [card, context(cards.by(job))]}


def entity(job: Job, url: str, picture: str, *, opened: bool = False) -> dict[str, Any]:
    """A splat as a Work Object; `opened` with the address that Slack shows in its own frame."""
    frame: dict[str, Any] = {"is_supported": True}
    if opened:
        frame |= {"preview_url": f"{job.viewer_url}&embed=1", "mime_type": "text/html"}
    attributes = {
        "title": {"text": job.dataset},
        "display_type": "Splat",
        "display_id": f"#{job.id}",
        "product_name": "Splatbot",
        "full_size_preview": frame,
    }
    return {
        "app_unfurl_url": url,
        "url": job.viewer_url,
        "external_ref": {"id": job.id},
        "entity_type": ENTITY,
        "entity_payload": {"attributes": attributes, "fields": _fields(job, picture),
                           "custom_fields": _figures(job)},
    }  # fmt: skip


def _fields(job: Job, picture: str) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "date_created": {"value": int(job.created_at), "type": "slack#/types/timestamp"},
        "created_by": {"type": "slack#/types/user", "user": {"user_id": job.user}},
    }
    if picture:
        shown = {"type": "slack#/types/image", "image_url": picture}
        fields["preview"] = shown | {"alt_text": f"The splat of {job.dataset}"}
    return fields


def _figures(job: Job) -> list[dict[str, Any]]:
    figures = job_wording.figures(job)
    shown = {"key": "figures", "label": "Figures", "type": "string", "value": figures}
    return [shown] if figures else []
