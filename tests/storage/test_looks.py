"""What is said of photos before a job: blur is guessed, and never of a photo that is sharp."""

from pathlib import Path
from statistics import median

from PIL import Image, ImageFilter

from bot.storage.looks import BLURRED, SIDE, _sharpness

#: Photos of each set that are looked at.
MOST = 30


def test_no_real_photo_is_called_blurred_and_every_blurred_one_is(datasets: Path) -> None:
    """All sets are of careful photographers; each photo is blurred by two pixels here."""
    for folder in sorted(path for path in datasets.iterdir() if path.is_dir()):
        files = sorted(f for f in folder.rglob("*") if f.suffix.lower() in {".jpg", ".jpeg"})
        sharp, blurred = [], []
        for file in files[:MOST]:
            with Image.open(file) as photo:
                photo.draft("RGB", (2 * SIDE, 2 * SIDE))
                grey = photo.convert("L")
            grey.thumbnail((SIDE, SIDE))
            sharp.append(_sharpness(grey))
            blurred.append(_sharpness(grey.filter(ImageFilter.GaussianBlur(2))))
        if sharp:
            limit = BLURRED * median(sharp)
            assert max(blurred) < limit < min(sharp), folder.name
