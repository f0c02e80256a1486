"""Looks for files that the reader of template disks can't stand, guided by what they reach in it.

`make fuzz SECONDS=3600` (see tests/fuzz/README.md).
"""
