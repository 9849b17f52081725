"""Review: what waits for a person. Dead letters: found, shown, sent again, closed.

Touches: the broker, through the ports `Reader`, `Together` and `Bus`.
"""
