"""Entry point that PlatformIO looks for in its SCons package; hands over to the installed SCons."""

import sys

from SCons.Script import main

if __name__ == "__main__":
    sys.exit(main())
