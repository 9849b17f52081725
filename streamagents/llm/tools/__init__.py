"""Tools: what a model may call, made of typed functions."""
