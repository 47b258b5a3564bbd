"""What the night looked like: signals, anomalies, rollups, charts, traces."""
