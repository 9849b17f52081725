"""The onboarding agent: what somebody new wants, and the first weeks with us."""

from functools import partial

from streamagents import Context, Reject
from streamagents.starter import prompts
from streamagents.starter.events import FormSubmit, OnboardingStarted
from streamagents.starter.kinds import FormView
from streamagents.starter.reading import bounded
from streamagents.starter.review import Team, ask_a_person
from streamagents.starter.rules import onboarding as rules

LONG = 4096
"""Tokens for a sequence of mails."""


class OnboardingAgent:
    """Starts the onboarding of whoever filled in the form."""

    def __init__(self, team: Team | None = None) -> None:
        self.team = team or Team()

    async def run(self, form: FormSubmit, ctx: Context) -> None:
        """Emit `onboarding_started`; ask a person about spam, or where answers do not hold.

        Raises:
            Reject: there is no address to write to, and no attempt will find one.
        """
        if form.email is None:
            raise Reject("The form has no email address: nobody can be welcomed.")
        view = await ctx.llm.extract(
            FormView,
            prompts.FORM,
            system=prompts.WHO,
            data=bounded(form),
            max_tokens=LONG,
            rules=partial(rules.view, form),
        )
        # Consent is a fact and no impression: a model is not asked whether it was given.
        odd = list(dict.fromkeys([*rules.odd(form), *view.odd]))
        sequence = rules.permitted(form, view.sequence)
        draft = sequence[0].text if sequence else ""
        if view.spam:
            spam = ["It looks like spam.", *view.reasons, *odd]
            ask_a_person(ctx, self.team, subject=form.email, reasons=spam)
            return
        if not draft and not odd:
            odd = ["There is no draft to begin with."]
        if odd:
            ask_a_person(ctx, self.team, subject=form.email, reasons=odd, draft=draft)
            return
        ctx.log.info("onboarding started", action="onboarding_started", plan=view.plan)
        ctx.emit(
            OnboardingStarted(
                subject=form.email,
                plan=view.plan,
                track=view.track,
                steps=view.steps,
                reasons=view.reasons,
                draft=draft,
                sequence=sequence,
                provider=ctx.llm.provider,
            )
        )
