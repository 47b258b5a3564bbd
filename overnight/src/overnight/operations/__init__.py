"""What people do to jobs: start, review, replay, discard, pause. One layer for all front ends."""
