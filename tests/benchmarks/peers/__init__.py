"""Our peers, each as its own documentation would write it: skip known ids, then handle.

They run in an environment of their own, `.venv-bench`, and share `meter` and `work` with us.
"""
