"""The pipeline's code as the bot has it: what a droplet runs never differs from its bot.

The bundle is a .tar.gz of the same bytes whenever the files are the same, and its key in the
storage is its digest, so that it is uploaded once a version.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gpu.job
from bot.storage.base import Storage
from bot.storage.names import PRIVATE

#: Where the pipeline and the files of cloud-init are, in a checkout and in an installed wheel.
GPU = Path(gpu.job.__file__).parent.parent
CLOUD_INIT = Path(__file__).parent / "cloud_init"

#: What a droplet needs of cloud-init's files, besides the user-data.
PROVISIONING = ("provision.sh", "runtime.lock")


@dataclass(frozen=True)
class Bundle:
    """A bundle in the storage: its key, and the SHA-256 of its bytes as hexadecimal digits."""

    key: str
    sha256: str


def publish(storage: Storage) -> Bundle:
    """Upload the bundle unless it is there. Raises StorageError."""
    data = build()
    sha256 = hashlib.sha256(data).hexdigest()
    bundle = Bundle(f"{PRIVATE}/bundles/{sha256}.tar.gz", sha256)
    if bundle.key not in storage.keys(bundle.key):
        storage.put(bundle.key, data, "application/gzip", private=True)
    return bundle


def build(gpu_folder: Path = GPU, cloud_init: Path = CLOUD_INIT) -> bytes:
    """Return the bundle; the same files give the same bytes, wherever and whenever."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, file in sorted(_files(gpu_folder, cloud_init)):
            data = file.read_bytes()
            entry = tarfile.TarInfo(name)  # its time, owner and group are zero
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return gzip.compress(packed.getvalue(), mtime=0)


def _files(gpu_folder: Path, cloud_init: Path) -> Iterator[tuple[str, Path]]:
    for file in gpu_folder.rglob("*.py"):
        yield f"gpu/{file.relative_to(gpu_folder).as_posix()}", file
    for name in PROVISIONING:
        yield f"cloud-init/{name}", cloud_init / name
