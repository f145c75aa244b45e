"""Photos by (presigned) URL: streamed to disk, a few at a time, each tried more than once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from urllib.parse import urlsplit

import httpx

from gpu.ingest.errors import BadArchive, DownloadFailed
from gpu.ingest.names import safe_name
from gpu.job.public_client import public_client
from gpu.stage import Progress
from gpu.transfer import TransferFailed, retried

TOGETHER = 8
TIMEOUT = httpx.Timeout(60, connect=15)
#: More than any photo or archive that we would unpack, and the most from a stranger's server.
MOST_BYTES, MOST_FROM_STRANGERS = 100 << 30, 20 << 30


def download(
    urls: Mapping[str, str],
    folder: Path,
    progress: Progress,
    *,
    wait: Callable[[float], None] = time.sleep,
) -> list[Path]:
    """Read every URL into `folder` under its name.

    Raises DownloadFailed with the file's name (a presigned URL is never shown), and BadArchive
    for a name that leads outside the folder.
    """
    targets = {name: folder / _checked(name) for name in urls}
    done: list[Path] = []
    pool = ThreadPoolExecutor(TOGETHER)
    with httpx.Client(timeout=TIMEOUT, follow_redirects=True) as client:
        jobs = [pool.submit(_fetch, client, urls[n], n, targets[n], wait) for n in urls]
        try:
            for job in jobs:
                done.append(job.result())
                progress(len(done) / len(urls), f"Fetched {len(done)} of {len(urls)} files")
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # who stops a job does not wait for it
    return done


def download_stranger(
    address: str,
    folder: Path,
    progress: Progress,
    *,
    client: httpx.Client | None = None,
    wait: Callable[[float], None] = time.sleep,
) -> Path:
    """Read the .zip that a person named by its address into `folder`; return it.

    Raises DownloadFailed, and NotPublic when the address, or where it leads, is not public.
    """
    name = PurePosixPath(urlsplit(address).path).name
    path = folder / _checked(name)
    progress(0.0, f"Fetching {name}")
    with client or public_client(TIMEOUT) as stranger:
        return _fetch(stranger, address, name, path, wait, MOST_FROM_STRANGERS)


def _checked(name: str) -> str:
    path = safe_name(name)
    if path is None:
        raise BadArchive(f"{name!r} is not a file's name.", hint="Rename the file and try again.")
    return str(path)


def _fetch(
    client: httpx.Client,
    url: str,
    name: str,
    target: Path,
    wait: Callable[[float], None],
    most: int = MOST_BYTES,
) -> Path:
    """Read one URL to `target`."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        return retried(lambda: _stream(client, url, target, most), wait)
    except TransferFailed as failed:
        raise DownloadFailed(
            f"{name} could not be fetched ({failed}).",
            hint="Check that the file is still there, then start the job again.",
        ) from None


def _stream(client: httpx.Client, url: str, target: Path, most: int) -> Path:
    with client.stream("GET", url) as answer, target.open("wb") as out:
        answer.raise_for_status()
        announced = answer.headers.get("Content-Length", "")
        if announced.isdecimal() and int(announced) > most:
            raise _too_large(target)
        for chunk in answer.iter_bytes():
            out.write(chunk)
            if out.tell() > most:
                raise _too_large(target)
    return target


def _too_large(target: Path) -> DownloadFailed:
    return DownloadFailed(f"{target.name} is too large.", hint="Use fewer photos.")
