"""Subcommands of ``hanji`` provided by the compression stage."""
