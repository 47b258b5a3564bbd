"""What the author of a pipeline writes: an app, its pipelines, their steps, policies
and triggers.
"""
