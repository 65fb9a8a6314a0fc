"""`python -m voiceface`: the same as the command `voiceface`."""

import sys

from voiceface.cli import main

sys.exit(main())
