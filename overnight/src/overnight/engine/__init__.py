"""What runs pipelines: the worker, its heartbeat, the rescue of lost work, and what
happens next.
"""
