"""The `hanji` sub-commands of the device runtime."""
