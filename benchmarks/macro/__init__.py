"""The same workload through whole clients, each in a process of its own: `python -m benchmarks.macro --help`."""
