"""Storage in DigitalOcean Spaces, or in any other S3 server."""

from __future__ import annotations

import mimetypes
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from bot.core.config import SpacesSettings
from bot.core.errors import StorageError, UnknownDataset
from bot.core.near import nearest
from bot.storage.base import Dataset
from bot.storage.names import (
    RESULTS,
    check_private,
    is_archive,
    is_capture,
    is_ours,
    is_photo,
    is_set,
    is_wanted,
    result_key,
)
from bot.storage.s3_pieces import S3Pieces
from gpu.job import Source, Target
from gpu.job.captures import kind_unread, unread
from gpu.job.messages import GEOMETRY
from gpu.job.paths import MANIFEST, OUTPUTS, PHOTO_FILES, PREVIEW, PREVIEW_MANIFEST

#: Seconds for which a presigned URL is good: the longest job, and then some.
LIFETIME = 6 * 3600

#: Seconds for a connection and for an answer, and how often a call is tried. By default it would
#: be 60 s and five times; but a bot whose call hangs for half a minute may not act any more.
CONNECT, READ, ATTEMPTS = 5.0, 10.0, 3

#: Bytes of an object that is read as a whole, at most: a job's machine writes some of them.
MOST = 64 << 20

#: Objects that are opened to everybody at the same time: a job may have some hundred photos.
AT_ONCE = 8

#: What the pipeline may write: the results, and the COLMAP model.
WRITABLE = (*OUTPUTS, *GEOMETRY)


class SpacesStorage:
    """Objects of one bucket. The pipeline gets presigned URLs and never a key of ours."""

    def __init__(self, settings: SpacesSettings) -> None:
        self._bucket = settings.bucket
        self._client = _client(settings)
        self._pieces = S3Pieces(self._client, self._bucket, _in_words)
        self._endpoint = settings.endpoint_url
        self._public = f"{settings.endpoint_url.rstrip('/')}/{settings.bucket}"

    @property
    def pieces(self) -> S3Pieces:
        """What takes files from browsers, in pieces."""
        return self._pieces

    def datasets(self, prefix: str = "") -> Sequence[Dataset]:
        """List prefixes that directly hold photos or videos, and .zip objects."""
        found: dict[str, dict[str, int]] = defaultdict(dict)
        archives = []
        for key, size in self._objects(prefix):
            folder, _, name = key.rpartition("/")
            if is_ours(key):
                continue
            if folder and (is_capture(name) or kind_unread(name)):
                found[folder][name] = size
            elif is_archive(name):
                archives.append(Dataset(key, 0, size))
        sets = [Dataset.of(folder, sizes) for folder, sizes in found.items() if is_set(folder)]
        return sorted([s for s in sets if s.is_folder] + archives, key=lambda d: d.name)

    def photos(self, dataset: str) -> Sequence[str]:
        """List the keys of a dataset's photos, with subfolders, sorted; none of an archive."""
        files = (key for key in self._files(dataset) if is_photo(key.rsplit("/", 1)[-1]))
        return [key for key in files if is_set(key.rpartition("/")[0])]

    def _files(self, dataset: str) -> Sequence[str]:
        """List the keys of all that a job reads of a dataset."""
        prefix = dataset.rstrip("/") + "/"
        return [key for key in self._inside(prefix) if is_wanted(key.removeprefix(prefix))]

    def _inside(self, prefix: str) -> Sequence[str]:
        """List the keys of all that is in a dataset."""
        return [] if is_ours(prefix) or prefix == "/" else self.keys(prefix)

    def unread(self, dataset: str) -> Sequence[str]:
        """List the captures under a name that nothing here reads, with subfolders, sorted."""
        return self._known(dataset)[1]

    def key_of(self, address: str) -> str | None:
        """Return what an address names in this bucket: s3://, either form of https, or its CDN's.

        https://docs.digitalocean.com/products/spaces/concepts/endpoints
        """
        scheme, _, rest = address.partition("?")[0].partition("://")
        host, _, path = rest.partition("/")
        server = urlsplit(self._endpoint).netloc.lower()
        if scheme.lower() == "s3":
            return path if host == self._bucket else None
        if host.lower() == server and path.startswith(f"{self._bucket}/"):
            return unquote(path.removeprefix(f"{self._bucket}/"))
        cdn = server.replace(".digitaloceanspaces.", ".cdn.digitaloceanspaces.")
        mine = host.lower() in {f"{self._bucket}.{server}", f"{self._bucket}.{cdn}"}
        return unquote(path) if mine else None

    def source(self, dataset: str) -> Source:
        """Return presigned GETs of a dataset's photos. Raises UnknownDataset with near names."""
        known, lost = self._known(dataset)
        if not known:
            names = [each.name for each in self.datasets()]
            raise UnknownDataset(dataset, nearest(dataset, names))
        urls = {name: self.sign_get(key, LIFETIME) for name, key in known.items()}
        return Source(urls=urls, unread=lost or None)

    def _known(self, dataset: str) -> tuple[dict[str, str], list[str]]:
        """Return the keys of what a job reads by name, and the captures that nothing reads."""
        if is_archive(dataset):
            return ({dataset.rsplit("/", 1)[-1]: dataset} if self._exists(dataset) else {}), []
        every = {key.removeprefix(f"{dataset}/"): key for key in self._inside(f"{dataset}/")}
        known = {name: key for name, key in every.items() if is_wanted(name)}
        return (known if any(map(is_capture, known)) else {}), unread(every)

    def target(self, job_id: str, *, photos: bool = False) -> Target:
        """Return presigned PUTs for a job's results, and for its photos only when asked.

        What a preview needs is for everybody to read at once: nothing has to open it.
        """
        names = (*WRITABLE, *PHOTO_FILES) if photos else WRITABLE
        urls = {name: self.sign_put(result_key(job_id, name), LIFETIME) for name in names}
        early = {PREVIEW: PREVIEW, PREVIEW_MANIFEST: MANIFEST}
        public = {
            name: self._sign("put_object", result_key(job_id, file), LIFETIME, ACL="public-read")
            for name, file in early.items()
        }
        return Target(urls=urls | public)

    def reveal(self, job_id: str) -> None:
        """Make a job's results public and name their types.

        Both would have to be headers of the upload, which the pipeline can not know of.
        """
        keys = self.keys(f"{RESULTS}/{job_id}/")
        with _in_words(), ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(self._reveal, keys))

    def _reveal(self, key: str) -> None:
        self._client.copy_object(
            Bucket=self._bucket,
            Key=key,
            CopySource={"Bucket": self._bucket, "Key": key},
            MetadataDirective="REPLACE",
            ContentType=mimetypes.guess_type(key)[0] or "application/octet-stream",
            ACL="public-read",
        )

    def put(self, key: str, data: bytes, content_type: str, *, private: bool = False) -> None:
        """Write one object, for everybody to read unless it is private."""
        acl: Any = "private" if private else "public-read"
        with _in_words():
            self._client.put_object(
                Bucket=self._bucket, Key=key, Body=data, ContentType=content_type, ACL=acl
            )

    def add(self, key: str, file: Path) -> bool:
        """Keep a user's file, where no other is. False when there is one already."""
        if self.size(key) is not None:
            return False
        kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
        with _in_words():
            self._client.upload_file(
                str(file), self._bucket, key, ExtraArgs={"ContentType": kind, "ACL": "private"}
            )
        return True

    def size(self, key: str) -> int | None:
        """Return an object's bytes; None when it is not there."""
        return next((size for found, size in self._objects(key) if found == key), None)

    def get(self, key: str) -> bytes:
        """Read one object; raises KeyError when it is not there."""
        with _in_words():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key)
            except self._client.exceptions.NoSuchKey:
                raise KeyError(key) from None
            if answer["ContentLength"] > MOST:
                answer["Body"].close()
                raise StorageError(f"`{key}` is larger than {MOST >> 20} MiB.", hint=_REMEDY)
            body: bytes = answer["Body"].read()
        return body

    def part(self, key: str, start: int, count: int) -> bytes:
        """Read some bytes of one object; raises KeyError when it is not there."""
        span = f"bytes={start}-{start + count - 1}"
        with _in_words():
            try:
                answer = self._client.get_object(Bucket=self._bucket, Key=key, Range=span)
            except self._client.exceptions.NoSuchKey:
                raise KeyError(key) from None
            except self._client.exceptions.ClientError as refused:
                if refused.response["Error"]["Code"] != "InvalidRange":
                    raise
                return b""  # nothing is that far behind
            with answer["Body"] as body:
                part: bytes = body.read(count)  # a server that knows no ranges sends everything
        return part

    def keys(self, prefix: str) -> Sequence[str]:
        """List the keys that start with `prefix`, sorted."""
        return sorted(key for key, _ in self._objects(prefix))

    def url(self, key: str) -> str:
        """Return the object's public address."""
        return f"{self._public}/{quote(key)}"

    def sign_get(self, key: str, seconds: int) -> str:
        """Return a presigned GET of one object."""
        return self._sign("get_object", key, seconds)

    def sign_put(self, key: str, seconds: int) -> str:
        """Return a presigned PUT of one object."""
        return self._sign("put_object", key, seconds)

    def delete(self, key: str) -> None:
        """Remove one object of ours. What a user uploaded is never removed: InvalidValue."""
        check_private(key)
        with _in_words():
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def _sign(self, method: str, key: str, seconds: int, **more: str) -> str:
        url: str = self._client.generate_presigned_url(
            method, Params={"Bucket": self._bucket, "Key": key, **more}, ExpiresIn=seconds
        )
        return url

    def _objects(self, prefix: str) -> list[tuple[str, int]]:
        pages = self._client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=prefix
        )
        with _in_words():
            return [(o["Key"], o["Size"]) for page in pages for o in page.get("Contents", ())]

    def _exists(self, key: str) -> bool:
        return self.size(key) is not None


@contextmanager
def _in_words() -> Iterator[None]:
    """Turn what the S3 client raises into a sentence, without the keys that its texts may hold."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except ClientError as refused:
        reason = refused.response.get("Error", {}).get("Code", "an error")
        raise StorageError(f"The bucket answered {reason}.", hint=_REMEDY) from None
    except BotoCoreError as failed:
        reason = type(failed).__name__
        raise StorageError(f"The bucket did not answer ({reason}).", hint=_REMEDY) from None


_REMEDY = "Try again; if it stays, the operator should check the SPACES_ settings."


def _client(settings: SpacesSettings) -> Any:
    # Imported here: boto3 costs a second and 30 MB, which a bot with local storage never needs.
    import boto3
    from botocore.config import Config

    return boto3.client(
        "s3",
        region_name=settings.region,
        endpoint_url=settings.endpoint_url,
        aws_access_key_id=settings.key,
        aws_secret_access_key=settings.secret,
        config=Config(
            signature_version="s3v4",
            connect_timeout=CONNECT,
            read_timeout=READ,
            retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
            # S3-compatible servers answer the newer default checksums with errors.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
