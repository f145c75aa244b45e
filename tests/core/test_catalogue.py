"""Listing photos takes long in a bucket; a command is answered from what was seen last."""

from collections.abc import Sequence

import pytest

from bot.core.catalogue import Catalogue
from bot.core.errors import InvalidValue, NothingReadable, UnknownDataset
from bot.storage.base import Dataset


class CountingStorage:
    """Only what the catalogue uses of a storage."""

    def __init__(self, *names: str) -> None:
        self.names = list(names)
        self.looks = 0

    def key_of(self, address: str) -> str | None:
        scheme, _, key = address.partition("://ours/")
        return key if scheme == "s3" else None

    def unread(self, dataset: str) -> Sequence[str]:
        return ["a.dng", "b.dng"] if dataset == "mine/raw" else []

    def datasets(self, prefix: str = "") -> Sequence[Dataset]:
        self.looks += 1
        return [
            Dataset(name, 0 if name.endswith(".zip") else 1, 1)
            for name in self.names
            if name.startswith(prefix)
        ]


def test_a_known_dataset_is_answered_without_a_look() -> None:
    storage = CountingStorage("demo/parcel", "mine/house")
    catalogue = Catalogue(storage)  # type: ignore[arg-type]
    catalogue.refresh()
    for _ in range(5):
        catalogue.require("demo/parcel")
        assert [d.name for d in catalogue.datasets("mine/")] == ["mine/house"]
    assert storage.looks == 1


def test_photos_that_have_just_come_are_found_by_a_second_look() -> None:
    storage = CountingStorage("demo/parcel")
    catalogue = Catalogue(storage)  # type: ignore[arg-type]
    catalogue.refresh()
    storage.names.append("mine/house")
    catalogue.require("mine/house")


@pytest.mark.parametrize("typed", ["My/Gärten", "my/gärten", "my/ga\u0308rten"])
def test_a_name_that_only_looks_different_is_the_name_that_is_there(typed: str) -> None:
    catalogue = Catalogue(CountingStorage("my/ga\u0308rten"))  # type: ignore[arg-type]
    assert catalogue.require(typed) == "my/ga\u0308rten"


def test_of_two_names_that_look_alike_the_exact_one_is_meant() -> None:
    catalogue = Catalogue(CountingStorage("a/House", "a/house"))  # type: ignore[arg-type]
    assert catalogue.require("a/house") == "a/house"
    with pytest.raises(UnknownDataset):
        catalogue.require("A/HOUSE")


def test_a_name_that_nothing_has_is_answered_with_near_ones() -> None:
    catalogue = Catalogue(CountingStorage("demo/parcel"))  # type: ignore[arg-type]
    with pytest.raises(UnknownDataset, match="Did you mean `demo/parcel`"):
        catalogue.require("demo/parcl")


# -- what a dataset may be called -----------------------------------------------------------------


@pytest.mark.parametrize("typed", ["/home/me/photos", "~/photos", "./photos", "C:\\photos"])
def test_a_folder_of_somebodys_computer_is_answered_with_the_way_to_upload_it(typed: str) -> None:
    catalogue = Catalogue(CountingStorage("demo/parcel"))  # type: ignore[arg-type]
    with pytest.raises(UnknownDataset) as refused:
        catalogue.require(typed)
    assert f"under `{typed}`" in refused.value.user_message
    assert "`/splat upload`" in refused.value.hint


def test_a_slash_in_front_of_a_name_does_not_matter() -> None:
    catalogue = Catalogue(CountingStorage("demo/parcel", "mine/house"))  # type: ignore[arg-type]
    assert catalogue.require("/demo/parcel") == "demo/parcel"
    with pytest.raises(UnknownDataset) as refused:
        catalogue.require("/home/me/house")
    assert "Did you mean `mine/house`?" in refused.value.hint


def test_a_name_that_only_raw_files_have_is_answered_with_the_remedy() -> None:
    catalogue = Catalogue(CountingStorage("mine/house"))  # type: ignore[arg-type]
    with pytest.raises(NothingReadable) as refused:
        catalogue.require("mine/raw")
    assert refused.value.user_message == "There is nothing under `mine/raw` that can be read here."
    assert refused.value.hint == "2 raw files were left out: export them as JPEG."


def test_a_folder_of_folders_is_one_dataset_as_a_cameras_card_has_them() -> None:
    card = CountingStorage("flights/june/100MEDIA", "flights/june/101MEDIA", "flights/june/x.zip")
    catalogue = Catalogue(card)  # type: ignore[arg-type]
    assert catalogue.require("Flights/June") == "flights/june"
    assert catalogue.find("flights/june") == Dataset("flights/june", 2, 2)
    assert catalogue.find("flights/june/100MEDIA").photos == 1


def test_the_folder_at_the_top_is_a_shelf_and_no_dataset() -> None:
    catalogue = Catalogue(CountingStorage("datasets/a", "datasets/b"))  # type: ignore[arg-type]
    with pytest.raises(UnknownDataset):
        catalogue.require("datasets")


def test_an_address_of_our_own_bucket_is_as_good_as_the_name() -> None:
    catalogue = Catalogue(CountingStorage("demo/parcel"))  # type: ignore[arg-type]
    assert catalogue.require("s3://ours/demo/parcel/") == "demo/parcel"
    with pytest.raises(UnknownDataset, match="`demo/parcel`"):
        catalogue.require("s3://ours/demo/parcl")


def test_an_address_elsewhere_is_that_of_a_zip_that_anybody_can_read() -> None:
    catalogue = Catalogue(CountingStorage())  # type: ignore[arg-type]
    assert catalogue.require("https://host.org/a.zip") == "https://host.org/a.zip"
    for typed in ("s3://theirs/photos", "https://host.org/photos/", "http://host.org/a.zip"):
        with pytest.raises(InvalidValue, match="bot's own bucket"):
            catalogue.require(typed)
