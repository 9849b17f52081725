"""The model: what stands behind `ctx.llm`, its providers, and the tools that a model may call.

Touches: the network, in `providers/` only, where each SDK has one file to itself.
"""

from streamagents.agents.budget import Budget
from streamagents.llm.limits import Limits, ModelRate, Price
from streamagents.llm.tools.tool import Tool, tool

__all__ = ["Budget", "Limits", "ModelRate", "Price", "Tool", "tool"]
