"""The application as spark-submit names it: `local:///opt/ghstream/stream.py`."""

from __future__ import annotations

import sys

from ghstream_spark.__main__ import main

sys.exit(main())
