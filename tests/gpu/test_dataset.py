"""Photos for training: read, resized, held out, and stacked on the device that trains."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from PIL import Image

from gpu.training.album import Album, Batch
from gpu.training.dataset import NoModel, View, load_dataset
from gpu.training.render import render_batch, render_view
from tests.gpu.photographed import HEIGHT, WIDTH, aerial_views, job, photograph, truth

CPU = torch.device("cpu")


class TestDataset:
    def test_every_eighth_photo_by_name_is_held_out_and_never_trained_on(
        self, tmp_path: Path
    ) -> None:
        ctx = job(tmp_path)
        dataset = load_dataset(ctx.paths.undistorted, WIDTH, holdout=8)
        assert [v.name for v in dataset.held_out] == ["photo_00.jpg", "photo_08.jpg"]
        assert not {v.name for v in dataset.held_out} & {v.name for v in dataset.train}
        assert len(dataset.train) == 10

    def test_cameras_and_points_come_back(self, tmp_path: Path) -> None:
        dataset = load_dataset(job(tmp_path).paths.undistorted, WIDTH, holdout=8)
        wanted = aerial_views()[1]
        assert torch.allclose(dataset.train[0].viewmat, wanted.viewmat, atol=1e-5)
        assert torch.allclose(dataset.train[0].position, wanted.position, atol=1e-4)
        assert torch.allclose(dataset.points[0], truth().means[0], atol=1e-5)

    def test_a_smaller_photo_keeps_its_field_of_view(self, tmp_path: Path) -> None:
        dataset = load_dataset(job(tmp_path).paths.undistorted, WIDTH // 2, holdout=8)
        view = dataset.train[0]
        assert (view.width, view.height) == (WIDTH // 2, HEIGHT // 2)
        assert torch.allclose(view.K[:2], aerial_views()[1].K[:2] / 2)
        half = Batch.of([view]).reduced(2)
        assert torch.allclose(half.Ks[0, :2], view.K[:2] / 2)

    def test_photos_are_never_enlarged(self, tmp_path: Path) -> None:
        dataset = load_dataset(job(tmp_path).paths.undistorted, 4 * WIDTH, holdout=8)
        assert dataset.train[0].width == WIDTH

    def test_a_missing_model_is_said_in_words(self, tmp_path: Path) -> None:
        with pytest.raises(NoModel, match="can not be read"):
            load_dataset(tmp_path, WIDTH, holdout=8)

    def test_a_damaged_photo_is_named(self, tmp_path: Path) -> None:
        ctx = job(tmp_path)
        (ctx.paths.undistorted / "images" / "photo_03.jpg").write_bytes(b"\xff\xd8 no photo")
        with pytest.raises(NoModel, match=r"photo_03\.jpg can not be read"):
            load_dataset(ctx.paths.undistorted, WIDTH, holdout=8)

    def test_a_photo_counts_where_its_mask_is_white(self, tmp_path: Path) -> None:
        ctx = job(tmp_path)
        mask = Image.new("L", (WIDTH, HEIGHT), 255)
        mask.paste(0, (0, 0, WIDTH // 2 + 1, HEIGHT))
        (ctx.paths.undistorted / "masks").mkdir()
        mask.save(ctx.paths.undistorted / "masks" / "photo_01.jpg.png")
        first, second = load_dataset(ctx.paths.undistorted, WIDTH // 2, holdout=8).train[:2]
        assert second.mask is None
        assert first.mask is not None
        assert not first.mask[:, : WIDTH // 4 + 1].any()  # a pixel counts when all of it does
        assert first.mask[:, WIDTH // 4 + 1 :].all()


class TestAlbum:
    def mixed(self) -> list[View]:
        """Seven photos of two sizes, one of them with a mask."""
        views = [photograph(truth(), view) for view in aerial_views(7)]
        views[5] = replace(views[5], image=views[5].image[: HEIGHT // 2])
        return [*views[:6], replace(views[6], mask=torch.ones(HEIGHT, WIDTH, dtype=torch.bool))]

    def test_photos_of_a_batch_have_one_size_and_each_has_its_turn(self) -> None:
        album = Album(self.mixed(), [1], CPU)
        order = album.order(2, seed=3)
        turns = [next(order) for _ in range(70)]
        for photos in turns:
            batch = album.batch(photos, 1)
            assert len(batch.images) == 2
        times = Counter(i for photos in turns for i in photos)
        assert set(times) == set(range(7))
        assert max(times.values()) - min(times.values()) <= 2

    def test_a_batch_holds_the_photos_that_were_asked_for(self) -> None:
        views = self.mixed()
        batch = Album(views, [1, 2], CPU).batch((4, 1), 1)
        assert torch.equal(batch.images[0], views[4].image)
        assert torch.equal(batch.viewmats[1], views[1].viewmat)
        assert torch.allclose(batch.positions[1], views[1].position)

    def test_a_reduced_photo_is_the_mean_of_its_pixels(self) -> None:
        views = self.mixed()
        small = Album(views, [4], CPU).batch((6,), 4)
        assert small.masks is not None and small.masks.all()
        assert (small.width, small.height) == (WIDTH // 4, HEIGHT // 4)
        mean = views[6].pixels[:4, :4].mean((0, 1))
        assert torch.allclose(small.pixels[0, 0, 0], mean, atol=0.5 / 255)

    def test_a_reduced_mask_knows_a_pixel_only_where_all_of_it_is_known(self) -> None:
        view = self.mixed()[6]
        assert view.mask is not None
        view.mask[0, 0] = False
        masks = Batch.of([view]).reduced(2).masks
        assert masks is not None
        assert not masks[0, 0, 0] and int((~masks).sum()) == 1

    def test_it_renders_like_single_views(self) -> None:
        make = torch.Generator().manual_seed(0)
        scene = replace(truth(), shN=0.3 * torch.randn(900, 3, 3, generator=make))
        views, opacities = aerial_views(3), scene.opacities
        renders = render_batch(scene, opacities, Batch.of(views), sh_degree=1, absgrad=False)[0]
        for view, render in zip(views, renders, strict=True):
            assert torch.allclose(render, render_view(scene, view).renders[0], atol=1e-6)
