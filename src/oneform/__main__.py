"""Lets `python -m oneform` stand for the command `oneform`."""

import sys

from oneform.cli import main

sys.exit(main())
