"""Runs the fuzzer: ``python -m tests.fuzz --inputs 1000000 --jobs 2``."""

import sys

from .command import main

sys.exit(main(sys.argv[1:]))
