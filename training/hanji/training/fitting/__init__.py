"""The one fitting loop and what it needs; it knows no task."""
