"""The job specification, events and errors that the bot and the pipeline share."""

from gpu.job.choices import GEOMETRIES, MIN_PHOTOS, NON_COMMERCIAL, RANGES
from gpu.job.errors import InvalidValue, SplatError
from gpu.job.events import Event, Status
from gpu.job.paths import JobPaths
from gpu.job.spec import JobSpec, Pipeline, Source, Stage, Target, stages_of

__all__ = [
    "GEOMETRIES",
    "MIN_PHOTOS",
    "NON_COMMERCIAL",
    "RANGES",
    "Event",
    "InvalidValue",
    "JobPaths",
    "JobSpec",
    "Pipeline",
    "Source",
    "SplatError",
    "Stage",
    "Status",
    "Target",
    "stages_of",
]
