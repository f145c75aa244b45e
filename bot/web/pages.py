"""The small pages of the bot itself: the list of splats, the viewer's folder, health, figures."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import HTMLResponse, PlainTextResponse
from fastapi.staticfiles import StaticFiles

from bot.core.jobs import Job, State
from bot.core.ledger import Ledger
from bot.web.gallery import POLICY, gallery_page
from bot.web.shared import shared_page

VIEWER = Path(__file__).resolve().parents[2] / "viewer" / "dist"

#: The viewer may be shown inside Slack and any other secure site (it hands out the code for that,
#: and has nothing that a click could do in somebody's name). It reads splats from wherever its
#: link says.
VIEWER_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; worker-src blob:;"
    " img-src 'self' http: https:; connect-src http: https:;"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'self' https:"
)
#: Of what a browser lets pages do to people, the viewer needs a screen and a headset.
VIEWER_PERMISSIONS = (
    "fullscreen=(self), xr-spatial-tracking=(self), gamepad=(self), clipboard-write=(self),"
    " camera=(), microphone=(), geolocation=(), display-capture=(), usb=(), payment=()"
)
#: Jobs that are looked through for the list, and for a link.
SHOWN = 500

NOT_BUILT = "<!doctype html><title>Viewer</title><p>The viewer is not built: run `make setup`."


def add_pages(app: FastAPI, ledger: Ledger) -> None:
    """Add `/`, `/healthz`, `/metrics` and `/viewer/`."""
    router = APIRouter()

    @router.get("/", include_in_schema=False)
    def gallery(q: str = "") -> HTMLResponse:
        done = [job for job in ledger.jobs(limit=SHOWN) if job.state is State.SUCCEEDED]
        return HTMLResponse(gallery_page(done, q), headers={"Content-Security-Policy": POLICY})

    @router.get("/healthz")
    def healthz() -> dict[str, object]:
        return {"ok": True, "active_jobs": ledger.count_active()}

    @router.get("/metrics", response_class=PlainTextResponse)
    def metrics() -> Response:
        return Response(_metrics(ledger), media_type="text/plain; version=0.0.4")

    @router.get("/viewer/", include_in_schema=False)
    def viewer(manifest: str = "") -> HTMLResponse:
        if not (VIEWER / "index.html").is_file():
            return HTMLResponse(NOT_BUILT, 503)
        job = _of(ledger, manifest)
        return HTMLResponse(shared_page(VIEWER, job))

    app.include_router(router)
    if VIEWER.is_dir():
        app.mount("/viewer", StaticFiles(directory=VIEWER, html=True))


def _of(ledger: Ledger, manifest: str) -> Job | None:
    """Return the finished job that a viewer's link is for."""
    jobs = (job for job in ledger.jobs(limit=SHOWN) if job.state is State.SUCCEEDED)
    return next((job for job in jobs if manifest and job.manifest_url == manifest), None)


def _metrics(ledger: Ledger) -> str:
    states = Counter(job.state for job in ledger.jobs(limit=10_000))
    jobs = [f'splatbot_jobs{{state="{state}"}} {states[state]}' for state in State]
    slots = f"splatbot_slots_taken {len(ledger.holders())}"
    return "\n".join(
        ["# TYPE splatbot_jobs gauge", *jobs, "# TYPE splatbot_slots_taken gauge", slots, ""]
    )
