"""The report of a build: tables, timings, Markdown."""
