"""Sub-commands of ``hanji`` that the export stage adds."""
