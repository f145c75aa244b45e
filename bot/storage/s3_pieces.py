"""Pieces of uploads as S3's multipart uploads: a browser sends them straight to the bucket."""

from __future__ import annotations

import mimetypes
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from bot.core.errors import StorageError
from bot.storage.pieces import LIFETIME

#: The name of the rule that lets our page write.
RULE = "splatbot-upload"


class S3Pieces:
    """Multipart uploads of one bucket. `in_words` turns the client's errors into ours."""

    def __init__(
        self, client: Any, bucket: str, in_words: Callable[[], AbstractContextManager[None]]
    ) -> None:
        self._client = client
        self._bucket = bucket
        self._in_words = in_words

    def begin(self, key: str) -> str:
        """Return the newest unfinished upload to a key, else a new one."""
        with self._in_words():
            known = self._client.list_multipart_uploads(Bucket=self._bucket, Prefix=key)
            own = [u for u in known.get("Uploads", ()) if u["Key"] == key]
            if own:
                return str(max(own, key=lambda upload: upload["Initiated"])["UploadId"])
            kind = mimetypes.guess_type(key)[0] or "application/octet-stream"
            made = self._client.create_multipart_upload(
                Bucket=self._bucket, Key=key, ContentType=kind, ACL="private"
            )
        return str(made["UploadId"])

    def there(self, key: str, upload: str) -> Mapping[int, int]:
        """Return the bytes of every piece that has arrived."""
        return {part["PartNumber"]: part["Size"] for part in self._parts(key, upload)}

    def address(self, key: str, upload: str, number: int) -> str:
        """Return a presigned PUT of one piece."""
        where = {"Bucket": self._bucket, "Key": key, "UploadId": upload, "PartNumber": number}
        url: str = self._client.generate_presigned_url(
            "upload_part", Params=where, ExpiresIn=LIFETIME
        )
        return url

    def write(self, key: str, upload: str, number: int, data: bytes) -> None:
        """Raise StorageError: pieces go to the bucket, not through the bot."""
        raise StorageError("Pieces go to the bucket itself.")

    def finish(self, key: str, upload: str) -> bool:
        """Make the object of its pieces, as the bucket has them."""
        parts = [
            {"PartNumber": part["PartNumber"], "ETag": part["ETag"]}
            for part in self._parts(key, upload)
        ]
        with self._in_words():
            self._client.complete_multipart_upload(
                Bucket=self._bucket, Key=key, UploadId=upload, MultipartUpload={"Parts": parts}
            )
        return True

    def let_in(self, origin: str) -> None:
        """Let pages of an address write to the bucket; every other rule stays as it is."""
        from botocore.exceptions import ClientError

        try:
            rules = self._client.get_bucket_cors(Bucket=self._bucket)["CORSRules"]
        except ClientError:  # there are none yet
            rules = []
        if any(origin in rule["AllowedOrigins"] and "PUT" in rule["AllowedMethods"]
               for rule in rules):  # fmt: skip
            return
        ours = {"ID": RULE, "AllowedOrigins": [origin], "AllowedMethods": ["PUT"],
                "AllowedHeaders": ["*"], "MaxAgeSeconds": 3600}  # fmt: skip
        kept = [rule for rule in rules if rule.get("ID") != RULE]
        with self._in_words():
            self._client.put_bucket_cors(
                Bucket=self._bucket, CORSConfiguration={"CORSRules": [*kept, ours]}
            )

    def _parts(self, key: str, upload: str) -> list[dict[str, Any]]:
        pages = self._client.get_paginator("list_parts").paginate(
            Bucket=self._bucket, Key=key, UploadId=upload
        )
        with self._in_words():
            return [part for page in pages for part in page.get("Parts", ())]
