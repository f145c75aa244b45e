"""Stage `publish`: the results to where the job says, the manifest last.

Whoever sees the manifest finds everything that it names.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx

from gpu.export.figures import seconds_of
from gpu.job import JobPaths, SplatError
from gpu.job.paths import MANIFEST, METRICS, OUTPUTS
from gpu.stage import Context, Outcome
from gpu.transfer import TransferFailed, retried

TIMEOUT = httpx.Timeout(300, connect=15)


class PublishFailed(SplatError):
    """A result could not be written to where it belongs. Names the file, never its URL."""

    def __init__(self, name: str, reason: str) -> None:
        super().__init__(
            f"{name} could not be published ({reason}).",
            hint="Check the storage, then start the job again: all stages before are kept.",
        )


def run_publish(ctx: Context) -> Outcome:
    """Copy or upload the results. A job without a target keeps them in its own folder."""
    _add_seconds(ctx)
    files, target = dict(_results(ctx.paths)), ctx.spec.target
    if target is None:
        return Outcome(f"The results are in {ctx.paths.root.name}.", _metrics(files))
    if target.path is not None:
        copy_all(files, Path(target.path))
    else:
        upload_all(files, target.urls, ctx.progress)
    return Outcome(f"Published {len(files)} files.", _metrics(files))


def _add_seconds(ctx: Context) -> None:
    """Enter the seconds of every stage up to here, which only now are known."""
    file = ctx.paths.root / METRICS
    figures = json.loads(file.read_text(encoding="utf-8"))
    figures["seconds"] = seconds_of(ctx.spec, ctx.paths)
    partial = file.with_name(f".{file.name}.partial")
    partial.write_text(json.dumps(figures, indent=1), encoding="utf-8")
    partial.replace(file)


def _results(paths: JobPaths) -> Iterator[tuple[str, Path]]:
    """Yield name and file of all results; the manifest is the last."""
    for folder in (paths.geometry, paths.previews, paths.published_photos):
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                yield file.relative_to(paths.root).as_posix(), file
    for name in sorted(OUTPUTS, key=lambda name: name == MANIFEST):
        yield name, paths.root / name


def _metrics(files: Mapping[str, Path]) -> dict[str, int]:
    return {"files": len(files), "bytes": sum(file.stat().st_size for file in files.values())}


def copy_all(files: Mapping[str, Path], folder: Path) -> None:
    """Copy every file; a reader sees a file whole or not at all."""
    for name, file in files.items():
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.partial")
        try:
            shutil.copyfile(file, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)


def upload_all(
    files: Mapping[str, Path],
    urls: Mapping[str, str],
    progress: Callable[[float, str], None],
    *,
    wait: Callable[[float], None] = time.sleep,
) -> None:
    """Put every file to its URL. Files without one stay here, but the promised ones must have it.

    Raises PublishFailed.
    """
    missing = [name for name in OUTPUTS if name not in urls]
    if missing:
        raise PublishFailed(missing[0], "the job has no URL for it")
    wanted = [name for name in files if name in urls]
    with httpx.Client(timeout=TIMEOUT) as client:
        for done, name in enumerate(wanted, start=1):
            _put(client, urls[name], name, files[name], wait)
            progress(done / len(wanted), f"Published {done} of {len(wanted)} files")


def headers_for(url: str, size: int) -> dict[str, str]:
    """Return what has to be sent with so many bytes to a presigned URL."""
    signed = parse_qs(urlsplit(url).query).get("X-Amz-SignedHeaders", [""])[0].split(";")
    public = {"x-amz-acl": "public-read"} if "x-amz-acl" in signed else {}
    return {"Content-Length": str(size), **public}


def _put(
    client: httpx.Client, url: str, name: str, file: Path, wait: Callable[[float], None]
) -> None:
    """Put one file to its URL."""

    def put() -> None:
        headers = headers_for(url, file.stat().st_size)
        with file.open("rb") as content:
            client.put(url, content=content, headers=headers).raise_for_status()

    try:
        retried(put, wait)
    except TransferFailed as failed:
        raise PublishFailed(name, str(failed)) from None
