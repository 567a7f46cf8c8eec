"""Lines on the graphs: the thresholds of the alerts, so that a line on a graph is the line that pages.

A test holds each number against the expression of the alert that is named beside it.
"""

from __future__ import annotations

POOL_SATURATED = 0.8  # ConnectionPoolSaturated, share of the maximum
POOL_EXHAUSTED = 1  # ConnectionPoolExhausted, share of the maximum
JOB_AGE_WARN = 300  # QueueOldestJobAge (warning), seconds
JOB_AGE_PAGE = 900  # QueueOldestJobAge (page), seconds
INBOX_AGE_PAGE = 60  # InboxOldestAge, seconds
SWEEP_AGE_PAGE = 30  # DispatcherStalled, seconds

WATCHED = {
    "ConnectionPoolSaturated": [POOL_SATURATED],
    "ConnectionPoolExhausted": [POOL_EXHAUSTED],
    "QueueOldestJobAge": [JOB_AGE_WARN, JOB_AGE_PAGE],
    "InboxOldestAge": [INBOX_AGE_PAGE],
    "DispatcherStalled": [SWEEP_AGE_PAGE],
}
