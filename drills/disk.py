"""Small disks to fill: a tmpfs, mounted while a drill lasts."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

from app.errors import UsageError
from drills.stand import Stand

MOUNT_DEADLINE_S = 10.0
BLOCK = 1 << 16  # bytes


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, timeout=MOUNT_DEADLINE_S, check=False)


def mount_small(stand: Stand, directory: Path, size: int, inodes: int = 1000) -> None:
    """Mount a tmpfs of `size` bytes at `directory` until the drill is undone. Raises UsageError without the right."""
    directory.mkdir(exist_ok=True)

    done = _run("mount", "-t", "tmpfs", "-o", f"size={size},nr_inodes={inodes},mode=0700", "tmpfs", str(directory))
    if done.returncode != 0:
        raise UsageError(f"mount refuses; run this drill as root: {done.stderr.strip()}")
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


def mount_image(stand: Stand, directory: Path, size: int, inodes: int) -> None:
    """Mount an ext4 of `size` bytes in a file at `directory` until the drill is undone: a disk like the machine's own.

    Raises UsageError without the right, or without loop devices.
    """
    image = directory.with_suffix(".img")
    stand.undo.callback(image.unlink)
    image.write_bytes(b"")
    os.truncate(image, size)
    for command in (
        ("mkfs.ext4", "-q", "-F", "-m", "0", "-N", str(inodes), str(image)),
        ("mount", "-o", "loop", str(image), str(directory)),
    ):
        done = _run(*command)
        if done.returncode != 0:
            raise UsageError(f"{command[0]} refuses; run this drill as root: {done.stderr.strip()}")
    stand.undo.callback(_run, "umount", "-l", str(directory))
