"""The rules: what each starter agent answers without a model. Pure, and one file an agent.

They know word lists, codes and thresholds, in English and a little German, and claim no more. What
they find odd by a fact (an amount, a missing consent) also holds beside a model's answer.
"""
