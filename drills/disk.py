"""Small disks to fill: a tmpfs, mounted while a drill lasts."""

from __future__ import annotations

import subprocess
from pathlib import Path

from app.errors import UsageError
from drills.stand import Stand

MOUNT_DEADLINE_S = 10.0


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


def grow_disk(directory: Path, size: int) -> None:
    """Give a disk of `mount_small` so many bytes."""
    _run("mount", "-o", f"remount,size={size}", str(directory))
