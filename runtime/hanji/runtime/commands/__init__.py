"""The device's sub-commands of `hanji`."""
