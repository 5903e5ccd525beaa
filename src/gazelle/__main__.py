"""Runs the command line as `python -m gazelle`."""

import sys

from gazelle.cli import main

sys.exit(main())
