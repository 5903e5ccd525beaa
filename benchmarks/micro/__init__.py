"""Pieces of the engine, each twin beside the other: `pytest benchmarks/micro`."""
