"""What every kind of call costs, beside aiohttp: `python -m benchmarks.survey --help`."""
