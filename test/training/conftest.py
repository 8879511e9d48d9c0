"""Training runs on one thread, as its tensors are small; and a disk that is full."""

import errno
from collections.abc import Callable

import pytest


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def fill_disk(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """From its call on nothing can be brought onto the disk, until `monkeypatch.undo`."""

    def full(fd: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    return lambda: monkeypatch.setattr("os.fsync", full)
