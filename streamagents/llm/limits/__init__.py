"""Limits that bite before a model is called: rates, budgets, and a circuit for each provider."""

from streamagents.llm.limits.guard import LimitedGuard
from streamagents.llm.limits.policy import Limits, ModelRate
from streamagents.llm.limits.prices import Price

__all__ = ["LimitedGuard", "Limits", "ModelRate", "Price"]
