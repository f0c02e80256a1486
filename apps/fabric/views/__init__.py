"""Pages of the fabric: fetch restricted, call one service, render."""
