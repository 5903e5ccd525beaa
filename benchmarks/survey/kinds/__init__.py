"""The kinds of calls of the survey: the workloads of the macro benchmark, and those that only aiohttp's API has.

A kind is a `Workload`, one entry in one place. The modules of this package hold those that are no workload of the macro
benchmark, because the other clients have no such call.
"""

from __future__ import annotations

from benchmarks.canned import Replies
from benchmarks.macro.workloads import WORKLOADS, Workload
from benchmarks.survey.kinds import answers, bodies, connections, options

_NOT_HERE = ("get1", "https1")
"""One in flight: these measure what waking costs, which is not a kind of call."""

_SHARED = tuple(workload for name, workload in WORKLOADS.items() if name not in _NOT_HERE)

_ENTRIES = (*_SHARED, *answers.KINDS, *options.KINDS, *bodies.KINDS, *connections.KINDS)

KINDS: dict[str, Workload] = {kind.name: kind for kind in _ENTRIES}
"""All kinds by name, in the order of the table."""

ALL: dict[str, Workload] = {**WORKLOADS, **KINDS}
"""Everything that a worker can be asked to do."""

REPLIES: Replies = {target: given for kind in _ENTRIES for target, given in kind.replies.items()}
"""What the server of the survey has to know beyond its own replies."""

if len(KINDS) != len(_ENTRIES) or len(REPLIES) != sum(len(kind.replies) for kind in _ENTRIES):
    raise ValueError("two kinds have one name or one target")
