"""The viewer's page for a link: with a title, a description and the poster before any script.

Slack and others show a link by what its HTML says, and run no scripts; a person sees the poster
with the first bytes. Only for manifests of our own jobs: the page says nothing of foreign ones.
"""

from __future__ import annotations

import html
from pathlib import Path
from urllib.parse import urljoin

from bot.core.jobs import Job
from bot.web.gallery import describe
from gpu.job.paths import THUMBNAIL

TITLE = "<title>Splatbot viewer</title>"


def shared_page(viewer: Path, job: Job | None) -> str:
    """Return the viewer's index.html, with what a finished job adds. https://ogp.me"""
    page = (viewer / "index.html").read_text(encoding="utf-8")
    if job is None:
        return page
    title, picture = job.dataset, urljoin(job.manifest_url, THUMBNAIL)
    tags = {
        "og:type": "website",
        "og:site_name": "Splatbot",
        "og:title": title,
        "og:description": _description(job),
        "og:url": job.viewer_url,
        "og:image": picture,
        "og:image:alt": f"A view of {title}",
        "twitter:card": "summary_large_image",
    }
    meta = "".join(
        f'<meta property="{name}" content="{_text(value)}">' for name, value in tags.items()
    )
    meta += f'<meta name="description" content="{_text(_description(job))}">'
    poster = f'<img class="poster exact" src="{_text(picture)}" alt="Preview picture of the scene">'
    page = page.replace(TITLE, f"<title>{_text(title)} · Splatbot viewer</title>{meta}", 1)
    return page.replace("<body>", f"<body>{poster}", 1)


def _description(job: Job) -> str:
    return f"A 3D Gaussian splat to walk in. {describe(job)}".strip()


def _text(value: str) -> str:
    return html.escape(value, quote=True)
