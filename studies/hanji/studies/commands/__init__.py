"""Subcommands of ``hanji`` provided by studies."""
