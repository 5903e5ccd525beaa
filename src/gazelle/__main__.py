"""Entry point of `python -m gazelle`: the command line."""

import sys

from gazelle.cli import main

sys.exit(main())
