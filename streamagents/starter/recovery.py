"""The recovery agent: why a payment failed, what to do, and whether the money has come."""

from datetime import datetime
from functools import partial

from streamagents import Context
from streamagents.starter import prompts
from streamagents.starter.book import Book, Case
from streamagents.starter.events import PaymentFailed, PaymentFollowUp, PaymentSucceeded
from streamagents.starter.kinds import DeclineView
from streamagents.starter.reading import bounded
from streamagents.starter.review import Team, ask_a_person
from streamagents.starter.rules import decline
from streamagents.starter.rules import recovery as rules
from streamagents.starter.rules import recovery_words as words
from streamagents.starter.rules.money import money


class RecoveryAgent:
    """Plans the recovery of failed payments, and follows up until the money has come.

    A customer's events run one at a time, of whichever type: the book in the state is never torn.
    """

    def __init__(self, team: Team | None = None) -> None:
        self.team = team or Team()

    async def run(
        self, event: PaymentFailed | PaymentSucceeded | PaymentFollowUp, ctx: Context
    ) -> None:
        """Plan a failed payment, close the case of a paid one, look after an open one."""
        known = book = ctx.state.get("book", type=Book) or Book()
        at = min(ctx.event.time, ctx.now())  # a sender's clock may be ahead
        if isinstance(event, PaymentSucceeded):
            book, ended = book.settled(event.invoice_id, at)
            ctx.emit(words.ended(event, ended))
        elif isinstance(event, PaymentFollowUp):
            book = await self.follow_up(event, book, ctx)
        elif book.is_paid(event.invoice_id, at):
            ctx.emit(words.paid_before(event))
        else:
            book = await self.plan(event, book, at, ctx)
        if book != known:
            ctx.state.set("book", book)

    async def plan(self, payment: PaymentFailed, book: Book, at: datetime, ctx: Context) -> Book:
        """Emit `recovery_planned` and the first follow-up, or ask a person."""
        money(payment)  # a currency without a rule fails before anything is paid for
        read = await ctx.llm.extract(
            DeclineView,
            prompts.DECLINE,
            system=prompts.WHO,
            data=bounded(payment),
            rules=partial(decline.read, payment),
        )
        plan = rules.plan(payment, read, failed_at=at, now=ctx.now())
        case = words.case_of(payment, plan, id_=ctx.event.id, failed_at=at)
        mail = await ctx.llm.text(
            prompts.PAYMENT_MAIL,
            system=prompts.WHO,
            data=words.facts(case, plan.decision, step=0),
            rules=partial(words.draft, payment, plan),
        )
        ctx.log.info("recovery planned", action="recovery_planned", decision=plan.decision)
        ctx.emit(words.planned(payment, plan, mail, provider=ctx.llm.provider))
        if plan.odd:
            ask_a_person(ctx, self.team, subject=payment.customer_id, reasons=plan.odd, draft=mail)
        opened = book.opened(case)
        if opened.case(case.id):
            self.look_again(payment.customer_id, case, 1, ctx)
        return opened

    async def follow_up(self, note: PaymentFollowUp, book: Book, ctx: Context) -> Book:
        """Emit the next mail of a case that is still open; of any other nothing."""
        case = book.case(note.case)
        if case is None or note.step != case.done + 1:
            ctx.log.info("nothing to follow up", action="recovery_over", case=note.case)
            return book
        decision = rules.next_step(case, note.step)
        mail = await ctx.llm.text(
            prompts.PAYMENT_MAIL,
            system=prompts.WHO,
            data=words.facts(case, decision, step=note.step),
            rules=partial(words.reminder, case, decision, now=ctx.now()),
        )
        followed = words.followed(note, case, decision, mail, now=ctx.now())
        ctx.emit(followed.model_copy(update={"provider": ctx.llm.provider}))
        if decision == "ask_a_person":
            who, why = note.customer_id, followed.reasons
            ask_a_person(ctx, self.team, subject=who, reasons=why, draft=mail)
        else:
            self.look_again(note.customer_id, case, note.step + 1, ctx)
        return book.followed(case, note.step)

    def look_again(self, customer_id: str, case: Case, step: int, ctx: Context) -> None:
        """Have the agent look whether the money has come, on the day of this step."""
        wait = (case.look_at[step - 1] - ctx.now()).total_seconds()
        follow_up = PaymentFollowUp(customer_id=customer_id, case=case.id, step=step)
        ctx.emit(follow_up, delay_s=max(0.0, wait))
