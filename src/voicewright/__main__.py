"""`python -m voicewright` is the same as `voicewright`."""

import sys

from voicewright.apps.cli import main

sys.exit(main())
