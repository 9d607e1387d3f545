"""The measurements of `hanji benchmark`: fresh processes, interleaved calls, one JSON document."""
