"""Benchmarks of gazelle: whole clients against their peers and the floor, and the engine twins side by side."""
