"""The fitting loop that all tasks share."""
