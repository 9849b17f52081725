"""The Grafana dashboards as data: a file a dashboard, `make dashboards` writes the JSON.

Whoever looks at a panel has a question: it is the panel's title. A panel that answers none is not
here. The queries hold for one process and for many, and for a process that was just restarted.
"""

from dashboards import agents, letters, llm, overview, runtime

BOARDS = (overview.BOARD, agents.BOARD, llm.BOARD, letters.BOARD, runtime.BOARD)

__all__ = ["BOARDS"]
