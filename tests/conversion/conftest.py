"""What the tests of this room share."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # `mirrors`, voices and trackers of which everything is known
