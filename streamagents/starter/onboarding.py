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
        reasons = rules.objections(form, view)
        if reasons:
            draft = "" if view.spam else first_mail(form, view)
            ask_a_person(ctx, self.team, subject=form.email, reasons=reasons, draft=draft)
            return
        ctx.log.info("onboarding started", action="onboarding_started", plan=view.plan)
        ctx.emit(started(form.email, form, view, provider=ctx.llm.provider))


def started(email: str, form: FormSubmit, view: FormView, *, provider: str) -> OnboardingStarted:
    """What is emitted of somebody who begins."""
    return OnboardingStarted(
        subject=email,
        plan=view.plan,
        track=view.track,
        steps=view.steps,
        reasons=view.reasons,
        draft=first_mail(form, view),
        sequence=rules.permitted(form, view.sequence),
        provider=provider,
    )


def first_mail(form: FormSubmit, view: FormView) -> str:
    """The draft of the first mail, if any may be sent."""
    return next((mail.text for mail in rules.permitted(form, view.sequence)), "")
