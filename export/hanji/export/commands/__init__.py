"""Subcommands of ``hanji`` that the export stage adds."""
