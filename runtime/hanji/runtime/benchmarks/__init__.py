"""How `hanji benchmark` measures: fresh processes, interleaved calls, one document."""
