"""The event stream: one Redis subscription a web process, fanned out to what people may see."""
