"""``python -m tests.tools.figures``."""

import sys

from tests.tools.figures.pages import main

if __name__ == "__main__":
    sys.exit(main())
