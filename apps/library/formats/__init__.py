"""What a disk file holds, read from its bytes alone. Nothing in it is believed before it is checked."""
