"""The scenarios: a file each, in the order in which they are measured."""
