"""The quality gates: each says in one sentence why a draft may be published, or why a person has to
look at it.
"""

from contentstudio.gates.registry import ToMend, judge, to_mend, unmeasured_in

__all__ = ["ToMend", "judge", "to_mend", "unmeasured_in"]
