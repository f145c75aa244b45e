"""Where photos and splats are kept."""

from bot.core.config import Settings
from bot.storage.base import Dataset, Storage
from bot.storage.local import LocalStorage

__all__ = ["Dataset", "LocalStorage", "Storage", "open_storage"]


def open_storage(settings: Settings) -> Storage:
    """Return the storage that the settings ask for."""
    if settings.spaces is None:
        return LocalStorage(settings.store, settings.public_url)
    from bot.storage.spaces import SpacesStorage

    return SpacesStorage(settings.spaces)
