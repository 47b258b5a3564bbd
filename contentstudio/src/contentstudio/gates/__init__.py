"""The quality gates: each says in one sentence why a draft may be published, or why a person has to
look at it.
"""

from contentstudio.gates.registry import judge, to_mend, unmeasured_in

__all__ = ["judge", "to_mend", "unmeasured_in"]
