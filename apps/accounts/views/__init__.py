"""Pages of people: fetch restricted, call one service, render."""
