# The developer's commands; each is the script of the same name in ci/.

.PHONY: help all bench build check clean demo docs fuzz loops pythons sanitize sizes sturdy survey test

help:
	@sed -n 's/^\([a-z]*\): *## */  make \1	/p' Makefile

demo:     ## fetch from a local server and compare Gazelle's speed with aiohttp's
test:     ## all tests, on both builds of the engine
loops:    ## all tests with eager tasks, and with asyncio's debug mode
pythons:  ## all tests on every CPython that is here, each in an environment of its own
sturdy:   ## all tests, three times, on a machine that is kept busy
check:    ## linters, types, architecture
bench:    ## benchmarks against other clients
survey:   ## every kind of call beside aiohttp: CPU time, then instructions beside the stored ones
build:    ## source distribution and wheels, each proven in a clean environment
sanitize: ## the engine's tests with AddressSanitizer and UndefinedBehaviorSanitizer
fuzz:     ## a long comparison of both builds of the engine
docs:     ## the documentation: links and samples
sizes:    ## the longest files and functions
all:      ## what CI runs

all bench build check demo docs fuzz loops pythons sanitize sizes sturdy survey test:
	@ci/$@

clean:    ## everything that was fetched, built or installed in this folder
	rm -rf build dist .venv* vendor/llhttp src/*.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .benchmarks
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -f src/gazelle/_accel/*.so src/gazelle/_accel/*.pyd
