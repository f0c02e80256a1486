"""Uploads that survive a lost connection: tus 1.0, served beside Django because bodies stream."""
