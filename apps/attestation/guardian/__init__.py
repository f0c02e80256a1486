"""A guardian service as it tells of itself over HTTP."""
