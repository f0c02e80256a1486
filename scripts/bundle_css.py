"""Joins the style sheet's parts into static/css/fabric.css, in the order of parts/order.css.

usage: python scripts/bundle_css.py [--check]
"""

import re
import sys
from pathlib import Path

PARTS = Path(__file__).resolve().parent.parent / "static" / "css" / "parts"
BUNDLE = PARTS.parent / "fabric.css"


def bundle() -> str:
    order = (PARTS / "order.css").read_text()
    layers = re.search(r"^@layer .*;$", order, re.M)
    names = re.findall(r'@import "([^"]+)"', order)
    texts = [(PARTS / name).read_text().strip() for name in names]
    return "\n".join([layers.group(0) if layers else "", *texts]) + "\n"


if __name__ == "__main__":
    if "--check" in sys.argv:
        sys.exit(0 if BUNDLE.read_text() == bundle() else "static/css/fabric.css is not up to date")
    BUNDLE.write_text(bundle())
