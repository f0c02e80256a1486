"""Pages of virtual machines: fetch restricted, call one service, render."""
