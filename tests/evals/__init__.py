"""Evals: what the starter agents make of events that a person has labelled.

`<agent>.jsonl` has a case a line. `half` is `tune` or `held`: rules and prompts are written with
the first half in view, the second is only counted. `awkward` says why a case is no easy one. The
labels are what an honest person would say, written before there were rules for them; a rule that
disagrees with a label is wrong by definition, and its label stays.

* lead: `tier` hot (call today: a decider or a firm with a concrete wish to buy), warm (real
  interest), cold (none); `asks`: something does not fit together or is missing.
* recovery: `decline`, and what is to be done; who may be large or unclear asks a person.
* monitoring: how a text sounds; `asks`: anger, law, loss of data, an outage.
* onboarding: whether it begins, `spam`, and the track that the goal speaks of.
* competitor: the one channel whom it concerns most, and a tag that has to be among its tags.
* link: cause, decision and suggestion, looked at on 2026-03-10 at noon.
* fallback: the type that it seems to be meant as; `asks`: not for pings and tests.
"""
