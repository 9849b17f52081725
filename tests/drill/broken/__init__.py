"""The drill with one promise switched off each: the checker has to turn red."""
