"""A hundred hostile inputs: none crashes, none hangs, none writes outside, each is told of."""

from pathlib import Path

import pytest

from gpu.ingest.errors import BadInput
from gpu.ingest.fetch import run_fetch
from gpu.ingest.photos import Photos
from gpu.ingest.poses import given_cameras
from gpu.ingest.preprocess import run_preprocess
from gpu.stage import Context
from tests.gpu.hostile import ARCHIVES, CASES, write
from tests.gpu.photos_on_disk import context

#: Seconds that one may take on a slow machine that does something else too.
MOST = 30

#: What may become of an archive: these are refused, all others give their four photos.
REFUSED = {
    "path outside": "paths that lead outside",
    "absolute path": "paths that lead outside",
    "Windows path outside": "paths that lead outside",
    "drive": "paths that lead outside",
    "bomb": "no set of photos",
    "bomb in a zip": "no set of photos",
    "too many levels": "inside more than 3 others",
    "cut off": "is damaged",
    "empty": "holds no photos",
}


def prepared(root: Path, given: Path) -> tuple[Context, Photos]:
    """Fetch and prepare, and check that nothing was written elsewhere."""
    ctx = context(root / "job", given)
    before = elsewhere(root)
    try:
        run_fetch(ctx)
        run_preprocess(ctx)
        photos = Photos.load(ctx.paths)
        given_cameras(ctx.paths.photos, photos.photos)
    finally:
        assert elsewhere(root) == before
    return ctx, photos


def elsewhere(root: Path) -> set[Path]:
    """All files that are not in the job's folder."""
    return {f for f in root.rglob("*") if root / "job" not in f.parents}


def test_there_are_a_hundred() -> None:
    assert len(CASES) + len(ARCHIVES) >= 100


@pytest.mark.timeout(MOST)
@pytest.mark.parametrize("case", CASES)
def test_a_hostile_file_costs_nobody_else_anything(case: str, tmp_path: Path) -> None:
    """The four good photos are used; what is wrong is named with a reason, or was no harm."""
    given = tmp_path / "given"
    given.mkdir()
    write(given, CASES[case])
    ctx, photos = prepared(tmp_path, given)
    good = {f"good_{i}.jpg" for i in range(4)}
    names = {photo.name for photo in photos.photos}
    assert good <= names
    others = {name for name in CASES[case] if not name.startswith(("masks/", "sparse/", "transf"))}
    for name in others:
        told = photos.dropped.get(name)
        assert told or any(used.startswith(name) for used in names), photos.dropped
        assert told is None or 5 < len(told) < 80
    written = {f.name for f in ctx.paths.images.iterdir()}
    assert written == {photo.image for photo in photos.photos}


@pytest.mark.timeout(MOST)
@pytest.mark.parametrize("case", ARCHIVES)
def test_a_hostile_archive_is_refused_in_a_sentence_or_does_no_harm(
    case: str, tmp_path: Path
) -> None:
    archive = tmp_path / "photos.zip"
    archive.write_bytes(ARCHIVES[case])
    if case in REFUSED:
        with pytest.raises(BadInput, match=REFUSED[case]) as refused:
            prepared(tmp_path, archive)
        assert refused.value.hint.endswith(".")
    else:
        _, photos = prepared(tmp_path, archive)
        assert len(photos.photos) >= 4
