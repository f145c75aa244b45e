"""The names of everything in a job's folder; the bot and the pipeline agree on them here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gpu.job.spec import Stage

#: What `publish` delivers. The first four and the folder `geometry` are promised to users.
MANIFEST, SPLAT, PLY = "manifest.json", "scene.splat", "scene.ply"
SOG, SPZ = "scene.sog", "scene.spz"
#: What a viewer loads: each adds Gaussians to those before.
LEVELS = tuple(f"level-{number}.sog" for number in range(5))
THUMBNAIL, METRICS = "thumbnail.jpg", "metrics.json"
#: Where the photos were taken, for a viewer.
CAMERAS = "cameras.json"
OUTPUTS = (MANIFEST, SPLAT, PLY, SOG, SPZ, *LEVELS, THUMBNAIL, METRICS, CAMERAS)
#: A first look while the scene still trains, and where its manifest goes: to the final one's place.
PREVIEW, PREVIEW_MANIFEST = "preview.sog", "preview/manifest.json"
#: The photos that are published, where somebody has asked for that; of more, some evenly.
PHOTO_FILES = tuple(f"photos/{number:03}.jpg" for number in range(300))

#: What another machine needs to go on from this job, besides the photos.
CHECKPOINT, RECORD = "checkpoint.npz", "geometry/geometry.json"
MODEL = tuple(f"geometry/{name}.bin" for name in ("cameras", "images", "points3D"))
#: Of that, what finding the cameras leaves.
FOUND = (*MODEL, RECORD)
KEPT = (*FOUND, CHECKPOINT)


@dataclass(frozen=True)
class JobPaths:
    """A job's folder.

    job.json       the specification
    events.jsonl   the events, one a line, appended
    log.txt        what the child process printed
    {OUTPUTS}      the results
    geometry/      a COLMAP model (cameras.bin, images.bin, points3D.bin), world frame
    previews/      JPEG pictures for the thread
    photos/        the photos, smaller, for everybody to see; only of a job that was asked for it
    work/          everything else; may be deleted after the job
    """

    root: Path

    @property
    def spec(self) -> Path:
        return self.root / "job.json"

    @property
    def events(self) -> Path:
        return self.root / "events.jsonl"

    @property
    def log(self) -> Path:
        return self.root / "log.txt"

    @property
    def geometry(self) -> Path:
        return self.root / "geometry"

    @property
    def previews(self) -> Path:
        return self.root / "previews"

    @property
    def published_photos(self) -> Path:
        return (self.root / PHOTO_FILES[0]).parent

    @property
    def work(self) -> Path:
        return self.root / "work"

    @property
    def photos(self) -> Path:
        """Fetched photos, bytes as the user gave them."""
        return self.work / "photos"

    @property
    def images(self) -> Path:
        """Preprocessed photos: upright, RGB JPEG, resized for geometry."""
        return self.work / "images"

    @property
    def masks(self) -> Path:
        """Masks of preprocessed photos, `<image>.png`: white is what counts of the photo."""
        return self.work / "masks"

    @property
    def undistorted(self) -> Path:
        """Pinhole photos (`images/`), their COLMAP model (`sparse/`) and `masks/` for training."""
        return self.work / "undistorted"

    @property
    def checkpoint(self) -> Path:
        """The state of the training run (gpu.training.checkpoint), replaced every minute."""
        return self.work / "checkpoint.npz"

    @property
    def earlier(self) -> Path:
        """What an earlier job has left: `geometry/`. Its checkpoint is where ours will be."""
        return self.work / "earlier"

    def kept(self, name: str) -> Path:
        """The file of a name in KEPT."""
        return self.checkpoint if name == CHECKPOINT else self.root / name

    def gaussians(self, stage: Stage) -> Path:
        """The Gaussians (standard 3DGS .ply) that `train` or `descend` left."""
        return self.work / f"{stage}.ply"

    @property
    def all_photos(self) -> Path:
        """The Gaussians that every photo has shaped, where the held-out ones joined at the end."""
        return self.work / "all-photos.ply"

    @property
    def candidate(self) -> Path:
        """What several GPUs have made of a scene with every photo, before it is looked at."""
        return self.work / "candidate.ply"

    @property
    def together(self) -> Path:
        """The scene that several GPUs have trained."""
        return self.work / "together.ply"

    @property
    def glimpse(self) -> Path:
        """The scene that several GPUs still train, for its preview."""
        return self.work / "glimpse.ply"

    def stamp(self, stage: Stage) -> Path:
        """The record that a stage is complete, with its inputs' hash, metrics and seconds."""
        return self.work / "stages" / f"{stage}.json"
