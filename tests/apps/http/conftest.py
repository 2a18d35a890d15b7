"""What the server's tests share; see `serving`."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from serving import client, home_folder, serves  # noqa: F401 - fixtures
