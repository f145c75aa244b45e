"""The small pages of the bot itself: the list of splats, the viewer's folder, health, figures."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles

from bot.core.jobs import Job, State
from bot.core.ledger import Ledger

VIEWER = Path(__file__).resolve().parents[2] / "viewer" / "dist"

#: The viewer may be shown inside Slack, and reads splats from wherever its link says.
VIEWER_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; worker-src blob:;"
    " img-src 'self' http: https:; connect-src http: https:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self' https://*.slack.com"
    " https://*.slack-gov.com https://*.slack-mcps.com"
)
PAGE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' http: https:"

NOT_BUILT = "<!doctype html><title>Viewer</title><p>The viewer is not built: run `make setup`."

_STYLE = (
    "body{font:16px/1.5 system-ui;margin:2rem auto;max-width:60rem;padding:0 1rem;"
    "background:#14171a;color:#e8e6e3}a{color:inherit}ul{display:grid;gap:1rem;padding:0;"
    "grid-template-columns:repeat(auto-fill,minmax(16rem,1fr));list-style:none}"
    "img{width:100%;aspect-ratio:4/3;object-fit:cover;border-radius:.5rem;background:#222}"
)


def add_pages(app: FastAPI, ledger: Ledger) -> None:
    """Add `/`, `/healthz`, `/metrics` and `/viewer/`."""
    router = APIRouter()

    @router.get("/", include_in_schema=False)
    def gallery() -> HTMLResponse:
        done = [job for job in ledger.jobs(limit=200) if job.state is State.SUCCEEDED]
        return HTMLResponse(_gallery(done), headers={"Content-Security-Policy": PAGE_POLICY})

    @router.get("/healthz")
    def healthz() -> dict[str, object]:
        return {"ok": True, "active_jobs": len(ledger.active())}

    @router.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> Response:
        return Response(_metrics(ledger), media_type="text/plain; version=0.0.4")

    app.include_router(router)
    if VIEWER.is_dir():
        app.mount("/viewer", StaticFiles(directory=VIEWER, html=True))
    else:
        app.get("/viewer/", include_in_schema=False)(lambda: HTMLResponse(NOT_BUILT, 503))


def _gallery(jobs: Sequence[Job]) -> str:
    cards = "".join(map(_card, jobs)) or "<li>No splats yet."
    style = f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style>"
    return (
        f"<!doctype html><html lang=en><title>Splats</title>{style}<h1>Splats</h1><ul>{cards}</ul>"
    )


def _card(job: Job) -> str:
    name, link = html.escape(f"{job.dataset} #{job.id}"), html.escape(job.viewer_url)
    picture = html.escape(job.manifest_url.replace("manifest.json", "thumbnail.jpg"))
    return f"<li><a href='{link}'><img src='{picture}' alt=''><br>{name}</a>"


def _metrics(ledger: Ledger) -> str:
    states = Counter(job.state for job in ledger.jobs(limit=10_000))
    jobs = [f'splatbot_jobs{{state="{state}"}} {states[state]}' for state in State]
    slots = f"splatbot_slots_taken {len(ledger.holders())}"
    return "\n".join(
        ["# TYPE splatbot_jobs gauge", *jobs, "# TYPE splatbot_slots_taken gauge", slots, ""]
    )
