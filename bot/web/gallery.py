"""The list of finished splats: posters, dates, sizes, and a search that needs no script."""

from __future__ import annotations

import html
from collections.abc import Sequence
from datetime import UTC, datetime
from urllib.parse import quote, urljoin

from bot.core.jobs import Job
from gpu.job.paths import SOG, THUMBNAIL
from gpu.job.sizes import human_size

#: PlayCanvas's editor opens a splat by its address: https://developer.playcanvas.com/user-manual/
#: gaussian-splatting/editing/supersplat/. The splat goes from the storage to the person's browser.
EDITOR = "https://superspl.at/editor?load="

POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src 'self' http: https:;"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)

_STYLE = """
:root{color-scheme:dark}body{font:16px/1.5 system-ui;margin:0 auto;max-width:72rem;padding:2rem
1.25rem;background:#0d1014;color:#e8eaed}header{display:flex;flex-wrap:wrap;gap:1rem;align-items:
baseline;justify-content:space-between}h1{font-size:1.5rem;margin:0}input{font:inherit;color:
inherit;background:#171c22;border:1px solid #38414b;border-radius:.5rem;padding:.4rem .75rem;width:
16rem;max-width:100%}ul{display:grid;gap:1.25rem;padding:0;list-style:none;margin:1.5rem 0;
grid-template-columns:repeat(auto-fill,minmax(16rem,1fr))}li{background:#171c22;border-radius:
.75rem;overflow:hidden}img{display:block;width:100%;aspect-ratio:4/3;object-fit:cover;background:
#222a32}h2{font-size:1rem;margin:0;overflow-wrap:anywhere}div{padding:.75rem 1rem}p{margin:.25rem 0
0;color:#a9b3bd;font-size:.875rem}a{color:inherit;text-decoration:none}a:focus-visible,a:hover h2,
p a{text-decoration:underline}a:focus-visible,input:focus-visible{outline:2px solid #7fd1b9}
"""


def gallery_page(jobs: Sequence[Job], search: str) -> str:
    """Return the page with the splats that match; names and searches are text, never HTML."""
    words = search.lower().split()
    found = [
        job for job in jobs if all(word in f"{job.dataset} {job.id}".lower() for word in words)
    ]
    nothing = "Nothing matches." if search else "No splats yet: ask for one with /splat in Slack."
    cards = "".join(map(_card, found))
    wanted = html.escape(search[:100], quote=True)
    return (
        "<!doctype html><html lang=en><head><meta charset=utf-8><title>Splats</title>"
        f"<meta name=viewport content='width=device-width'><style>{_STYLE}</style></head><body>"
        "<header><h1>Splats</h1><form role=search><input type=search name=q placeholder=Search"
        f" aria-label='Search for a dataset' value=\"{wanted}\"></form></header><main>"
        f"{f'<ul>{cards}</ul>' if cards else f'<p>{nothing}</p>'}</main></body></html>"
    )


def _card(job: Job) -> str:
    name, link = html.escape(job.dataset), html.escape(job.viewer_url)
    picture = html.escape(urljoin(job.manifest_url, THUMBNAIL))
    scene = quote(urljoin(job.manifest_url, SOG), safe="")
    edit = html.escape(f"{EDITOR}{scene}")
    return (
        f"<li><a href='{link}'><img src='{picture}' alt='' loading=lazy><div><h2>{name}</h2>"
        f"<p>{html.escape(describe(job))}</p></div></a><div><p>{html.escape(job.id)} · "
        f"<a href='{edit}' rel='noopener noreferrer' target=_blank>Edit in SuperSplat</a></p></div>"
    )


def describe(job: Job) -> str:
    """Return date, Gaussians and size in one line, as far as they are known."""
    parts = []
    if job.finished_at:
        parts.append(f"{datetime.fromtimestamp(job.finished_at, UTC):%-d %B %Y}")
    if isinstance(gaussians := job.metrics.get("gaussians"), int | float):
        parts.append(f"{int(gaussians):,} Gaussians")
    if (size := job.shown_bytes) is not None:
        parts.append(human_size(size))
    return " · ".join(parts)
