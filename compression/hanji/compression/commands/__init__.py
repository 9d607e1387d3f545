"""Sub-commands of ``hanji`` that the compression stage adds."""
