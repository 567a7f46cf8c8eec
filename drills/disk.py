"""Small disks to fill, mounted while a drill lasts: a tmpfs, or an ext4 in a file."""

from __future__ import annotations

import errno
import os
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from app.errors import UsageError
from drills.background import repeat
from drills.stand import Stand

MOUNT_DEADLINE_S = 10.0
BLOCK = 1 << 16  # bytes


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=MOUNT_DEADLINE_S, check=False)


def _run_as_root(*command: str) -> None:
    """Raises UsageError when the command refuses."""
    done = _run(*command)
    if done.returncode != 0:
        raise UsageError(f"{command[0]} refuses; run this drill as root: {done.stderr.strip()}")


def mount_small(stand: Stand, directory: Path, size: int, inodes: int = 1000) -> None:
    """Mount a tmpfs of `size` bytes at `directory` until the drill is undone. Raises UsageError without the right."""
    directory.mkdir(exist_ok=True)

    _run_as_root("mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes={inodes},mode=0700", "tmpfs", str(directory))
    # Lazily: a process that was frozen or killed may still have a file open in it.
    stand.undo.callback(_run, "umount", "-l", str(directory))


def fill_disk(directory: Path) -> None:
    """Fill the disk at `directory` to the last byte, with the file `ballast`."""
    with (directory / "ballast").open("wb", buffering=0) as ballast:
        while True:
            try:
                ballast.write(bytes(BLOCK))
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    return
                raise


def grow_disk(directory: Path, size: int) -> None:
    """Give a disk of `mount_small` so many bytes."""
    _run("mount", "-o", f"remount,size={size}", str(directory))


def mount_disk(stand: Stand, size: int, inodes: int) -> Path:
    """Mount an ext4 of `size` bytes in a file until the drill is undone: a disk like the machine's own. Where it is.

    Raises UsageError without the right, or without loop devices.
    """
    directory = Path(tempfile.mkdtemp(prefix="palmonas-drill-disk-", dir="/srv"))
    stand.undo.callback(directory.rmdir)
    image = directory.with_suffix(".img")
    stand.undo.callback(image.unlink)
    image.write_bytes(b"")
    os.truncate(image, size)
    _run_as_root("mkfs.ext4", "-q", "-F", "-m", "0", "-N", str(inodes), str(image))
    _run_as_root("mount", "-o", "loop", str(image), str(directory))
    stand.undo.callback(_run, "umount", "-l", str(directory))
    return directory


def mount_swap(stand: Stand, size: int) -> None:
    """Give the machine a swap file of `size` bytes until the drill is undone. Raises UsageError without the right."""
    path = stand.layout.state / "swap"
    path.write_bytes(bytes(size))  # no holes: the kernel takes none
    path.chmod(0o600)
    _run_as_root("mkswap", str(path))
    _run_as_root("swapon", str(path))
    stand.undo.callback(_run, "swapoff", str(path))


def use_space(directory: Path, share: float) -> None:
    """Write until this share of the disk at `directory` is in use."""
    disk = os.statvfs(directory)
    missing = int((share * disk.f_blocks - (disk.f_blocks - disk.f_bavail)) * disk.f_frsize)
    with (directory / "ballast").open("ab") as ballast:
        ballast.write(bytes(max(0, missing)))


def use_inodes(directory: Path, share: float) -> None:
    """Make empty files until this share of the inodes of the disk at `directory` is in use."""
    disk = os.statvfs(directory)
    used = disk.f_files - disk.f_favail
    for number in range(used, int(share * disk.f_files)):
        (directory / str(number)).touch()


def use_steadily(stand: Stand, use: Callable[[float], None], share: float, pace: float) -> None:
    """`use` so much of a disk at once, then `pace` more a second of the default clock, until the drill is undone."""
    use(share)
    began = time.monotonic()
    repeat(stand, lambda: use(share + pace * (time.monotonic() - began) / stand.stretch(1)), pause_s=1)
