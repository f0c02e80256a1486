"""Files in a bucket of a service that speaks S3.

A file arrives as a multipart upload. Its parts are gathered in unnamed files of the data folder,
which go with their process. A request that ends within a part leaves the beginning of that part as
an object of its own, “key.part-offset”, which whoever goes on reads first: any process on any
machine can. https://docs.aws.amazon.com/AmazonS3/latest/userguide/qfacts.html has the limits.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Generator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError
from django.conf import settings
from django.utils import timezone

from apps.library.stores.answers import GONE, answering
from apps.library.stores.base import PIECE, Content, Says, Store, Writer
from apps.library.stores.parts import PartWriter

if TYPE_CHECKING:
    from apps.library.models import StoredFile

MIB = 1 << 20
LEAST_PART, MOST_PART, MOST_PARTS = 8 * MIB, 5 << 30, 10_000
MOST_AT_ONCE = 4 * MIB
#: A look into a file asks for this much; the next looks are mostly near.
NEAR = 256 << 10
#: An upload that no row is about is left alone for this long: its row may be on its way.
UNTOUCHED = timedelta(days=1)


def part_bytes(size: int) -> int:
    """How large parts of a file are: whole MiB, and few enough of them."""
    needed = -(-size // MOST_PARTS)
    return max(LEAST_PART, -(-needed // MIB) * MIB)


class S3Content(Content):
    def __init__(self, client: Any, place: dict[str, str]) -> None:
        self._client, self._place = client, place
        with answering():
            self.size = int(client.head_object(**place)["ContentLength"])
        self._near: tuple[int, bytes] = (0, b"")

    def read(self, offset: int, length: int) -> bytes:
        if offset < 0 or length <= 0 or offset >= self.size:
            return b""
        length = min(length, MOST_AT_ONCE, self.size - offset)
        start, held = self._near
        if not start <= offset <= offset + length <= start + len(held):
            last = min(offset + max(length, NEAR), self.size) - 1
            start, held = offset, b"".join(self.pieces(offset, last))
            self._near = (start, held)
        return held[offset - start : offset - start + length]

    def pieces(self, first: int, last: int) -> Generator[bytes, None, None]:
        with answering():
            body = self._client.get_object(**self._place, Range=f"bytes={first}-{last}")["Body"]
            try:
                yield from body.iter_chunks(PIECE)
            finally:
                body.close()

    def close(self) -> None:
        """Each request has ended with its answer."""


class S3Store(Store):
    largest = MOST_PART * MOST_PARTS

    def __init__(self, backend: Any) -> None:
        self._bucket = str(backend.bucket_name)
        self._prefix = str(backend.location).strip("/")
        # A client serves all threads; the storage would make one for each.
        self.client = backend.connection.meta.client

    def place(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": f"{self._prefix}/{key}".lstrip("/")}

    @property
    def folder(self) -> Path:
        """Where parts are gathered."""
        found = Path(settings.FABRIC_DATA_DIR) / "parts"
        found.mkdir(mode=0o700, parents=True, exist_ok=True)
        return found

    def begin(self, file: StoredFile) -> dict[str, Any]:
        with answering():
            begun = self.client.create_multipart_upload(
                **self.place(file.key), ContentType="application/octet-stream"
            )
        return {"upload": begun["UploadId"], "part_bytes": part_bytes(file.size_bytes)}

    def writer(self, file: StoredFile, offset: int, says: Says) -> Writer:
        if file.incoming is None:
            raise FileNotFoundError(file.key)
        return PartWriter(self, file, offset, says)

    def finish(self, file: StoredFile) -> None:
        if file.incoming is None:
            return
        place = self.place(file.key)
        upload = {**place, "UploadId": file.incoming["upload"]}
        with answering():
            try:
                parts = self._parts(upload)
                self.client.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
            except ClientError as error:
                if error.response["Error"]["Code"] not in GONE:
                    raise
                # it was finished before, or it is gone: then this says so
                self.client.head_object(**place)
            self._remove_beginnings(place)

    def _parts(self, upload: dict[str, str]) -> list[dict[str, Any]]:
        pages = self.client.get_paginator("list_parts").paginate(**upload)
        return [
            {"PartNumber": part["PartNumber"], "ETag": part["ETag"]}
            for page in pages
            for part in page.get("Parts", ())
        ]

    def _remove_beginnings(self, place: dict[str, str]) -> None:
        pages = self.client.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=f"{place['Key']}.part-"
        )
        for page in pages:
            for one in page.get("Contents", ()):
                self.client.delete_object(Bucket=self._bucket, Key=one["Key"])

    def open(self, file: StoredFile) -> Content:
        return S3Content(self.client, self.place(file.key))

    def remove(self, file: StoredFile) -> Callable[[], None]:
        place, incoming = self.place(file.key), file.incoming
        return lambda: self._remove(place, incoming)

    def _remove(self, place: dict[str, str], incoming: dict[str, Any] | None) -> None:
        with answering():
            if incoming is not None:
                try:
                    self.client.abort_multipart_upload(**place, UploadId=incoming["upload"])
                except ClientError as error:
                    if error.response["Error"]["Code"] not in GONE:
                        raise
                self._remove_beginnings(place)
            self.client.delete_object(**place)

    def free_bytes(self) -> int | None:
        """What the folder of parts has room for isn’t what a bucket has room for."""
        return None if shutil.disk_usage(self.folder).free > 2 * LEAST_PART else 0

    def tidy(self, known: Callable[[str], bool]) -> int:
        """Uploads that nobody ended, as one whose removal met a service that was away."""
        gone, old = 0, timezone.now() - UNTOUCHED
        with answering():
            pages = self.client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            )
            for one in (one for page in pages for one in page.get("Uploads", ())):
                key = one["Key"].removeprefix(f"{self._prefix}/")
                if one["Initiated"] < old and not known(key):
                    self._remove(self.place(key), {"upload": one["UploadId"]})
                    gone += 1
        return gone
