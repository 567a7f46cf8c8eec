"""The shape of a peak: how many users there are at which moment."""

from __future__ import annotations

import math

SPIKE = 2.0  # times the plateau
RISE_END, PLATEAU_END, SPIKE_END, FALL_START = 0.2, 0.6, 0.75, 0.85  # of the whole length


def count_users(elapsed_s: float, length_s: float, plateau: int) -> int | None:
    """Users at `elapsed_s`: a rise, a plateau, a spike, the plateau again, a fall; None when it is over."""
    place = elapsed_s / length_s
    if place >= 1:
        return None
    if place < RISE_END:
        return max(1, math.ceil(plateau * place / RISE_END))
    if PLATEAU_END <= place < SPIKE_END:
        return math.ceil(plateau * SPIKE)
    if place < FALL_START:
        return plateau
    return max(1, math.ceil(plateau * (1 - place) / (1 - FALL_START)))
