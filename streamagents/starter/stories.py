"""The stories behind the sample events: who sends what, in which form, and why it is shown."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

Form = Literal["binary", "structured", "envelope", "bare"]

KEYS = {
    "new_lead": "email",
    "payment_failed": "customer_id",
    "mention": "author",
    "form_submit": "email",
    "payment_succeeded": "customer_id",
    "competitor_post": "company",
    "broken_link": "url",
}
"""The field that a sender who sets a record key takes it from."""


@dataclass(frozen=True, slots=True)
class Story:
    """One event, before it is given an id and written down."""

    name: str
    type: str
    form: Form
    note: str
    data: dict[str, Any] = field(default_factory=dict)
    via: Literal["typed", "inbox"] = "typed"
    keyed: bool = True
    fails: bool = False
    """It ends as a dead letter, for a reason that lies in its data."""
    raw: bytes | None = None
    """The value as it stands, where it is no JSON."""


LEADS = (
    Story("lead-hot", "new_lead", "binary", "A decider in a hurry, from a large company.", {
        "email": "maria.keller@nordwind-logistik.example", "name": "Maria Keller", "role": "CTO",
        "company": "Nordwind Logistik", "employees": 1200, "source": "referral",
        "message": "We need a demo and pricing this week.",
    }),
    Story("lead-warm", "new_lead", "structured", "The size of the company is a range.", {
        "email": "j.ortiz@brightpath.example", "name": "Julia Ortiz", "company": "Brightpath",
        "employees": "50-200", "message": "What would a trial look like?",
    }),
    Story("lead-cold", "new_lead", "envelope", "A student who wants to learn, not to buy.", {
        "email": "sam.lee@gmail.com", "name": "Sam Lee", "role": "Student",
        "message": "I write my thesis about event streams.",
    }),
    Story("lead-bare", "new_lead", "bare", "Plain JSON, as any client in any language writes.", {
        "email": "office@hofmann-bau.example", "company": "Hofmann Bau", "employees": "Mittelstand",
        "message": "Bitte um ein Angebot, dringend.",
    }),
    Story("lead-throwaway", "new_lead", "binary", "A disposable address: a person decides.", {
        "email": "x9131@mailinator.com", "name": "X", "message": "price?",
    }, keyed=False),
    Story("lead-odd", "new_lead", "structured", "A giant that writes from a private address.", {
        "email": "globalcorp.ceo@gmx.net", "company": "Global Corp", "employees": "20k",
        "role": "CEO", "message": "Send a contract today.",
    }, via="inbox"),
    Story("lead-empty", "new_lead", "envelope", "An address and nothing else.", {
        "email": "hello@silent-partner.example",
    }, via="inbox", keyed=False),
    Story("lead-returns", "new_lead", "envelope", "The first lead again: one key, in order.", {
        "email": "maria.keller@nordwind-logistik.example", "name": "Maria Keller",
        "message": "We have no budget this year, sorry.",
    }),
)  # fmt: skip

PAYMENTS = (
    Story("payment-soft", "payment_failed", "binary", "No money today: three retries.", {
        "customer_id": "cus_1001", "name": "Tom Berger", "amount": "49.00", "currency": "EUR",
        "decline_code": "insufficient_funds", "attempt": 1, "invoice_id": "inv_7001",
    }),
    Story("payment-card", "payment_failed", "structured", "An expired card: no retry helps.", {
        "customer_id": "cus_1002", "name": "Ana Gomes", "amount_minor": 12900, "currency": "usd",
        "decline_code": "expired_card", "invoice_id": "inv_7002",
    }),
    Story("payment-large", "payment_failed", "envelope", "A large sum: a person decides.", {
        "customer_id": "cus_1003", "amount": "18500.00", "currency": "EUR",
        "decline_code": "insufficient_funds", "attempt": 2,
    }),
    Story("payment-bare", "payment_failed", "bare", "A code of SEPA direct debit.", {
        "customer_id": "cus_1004", "amount": 89.9, "currency": "€", "decline_code": "AM04",
    }),
    Story("payment-fraud", "payment_failed", "binary", "A stolen card: stop, and ask a person.", {
        "customer_id": "cus_1005", "amount": "310.00", "currency": "GBP",
        "decline_code": "stolen_card",
    }, keyed=False),
    Story("payment-again", "payment_failed", "binary", "The fourth failure: a last reminder.", {
        "customer_id": "cus_1006", "amount": "49.00", "currency": "CHF",
        "decline_code": "insufficient_funds", "attempt": 4,
    }, via="inbox"),
    Story("payment-next", "payment_failed", "structured", "One customer, in order.", {
        "customer_id": "cus_1001", "name": "Tom Berger", "amount": "49.00", "currency": "EUR",
        "decline_code": "insufficient_funds", "attempt": 2, "invoice_id": "inv_7001",
    }),
    Story("payment-poison", "payment_failed", "binary",
          "The plan has no rule for this currency and raises a ValueError, at every attempt.", {
        "customer_id": "cus_1007", "amount": "2500.00", "currency": "KWD",
        "decline_code": "insufficient_funds",
    }, fails=True),
)  # fmt: skip

PAID = (
    Story("paid-soon", "payment_succeeded", "binary", "The second try worked.", {
        "customer_id": "cus_1001", "invoice_id": "inv_7001", "amount": "49.00", "currency": "EUR",
    }),
    Story("paid-card", "payment_succeeded", "structured", "A new card was entered.", {
        "customer_id": "cus_1002", "invoice_id": "inv_7002", "amount_minor": 12900,
        "currency": "usd",
    }),
    Story("paid-all", "payment_succeeded", "envelope", "No invoice named: it counts for all.", {
        "customer_id": "cus_1004", "amount": "89.90", "currency": "€",
    }, via="inbox"),
    Story("paid-plain", "payment_succeeded", "bare", "A payment of which no failure was known.", {
        "customer_id": "cus_1008", "invoice_id": "inv_7008", "amount": 19, "currency": "€",
    }),
    Story("paid-typed", "payment_succeeded", "envelope", "By the typed topic, without a key.", {
        "customer_id": "cus_1009", "amount": 12, "currency": "GBP",
    }, keyed=False),
)  # fmt: skip

MENTIONS = (
    Story("mention-happy", "mention", "binary", "Praise.", {
        "author": "@dev_rina", "platform": "x", "brand": "Acme", "followers": 820,
        "text": "Set up Acme in ten minutes. Great docs, works on the first try, love it!",
    }),
    Story("mention-negated", "mention", "structured", "A negation turns the word.", {
        "author": "@oldschool_ops", "brand": "Acme", "followers": "2.1k",
        "text": "Acme is not bad at all.",
    }),
    Story("mention-angry", "mention", "envelope", "Anger with reach: a person answers.", {
        "author": "@mad_merchant", "brand": "Acme", "followers": 54000,
        "text": "Second outage this week. Acme is the worst, I want a refund NOW 😡",
    }),
    Story("mention-bare", "mention", "bare", "A neutral mention: no reply.", {
        "author": "@weekly_links", "text": "Acme 4.2 is out, changelog in the thread.",
    }),
    Story("mention-german", "mention", "binary", "German, and a draft in German.", {
        "author": "@kiez_laden", "brand": "Acme", "followers": 310,
        "text": "Die neue Version ist leider sehr langsam und der Export funktioniert nicht.",
    }, via="inbox"),
    Story("mention-anonymous", "mention", "binary", "No author, so no key: the event id orders.", {
        "brand": "Acme", "text": "great support, but the app is slow",
    }, keyed=False),
    Story("mention-follow-up", "mention", "bare", "The angry author once more, calmer.", {
        "author": "@mad_merchant", "brand": "Acme", "followers": 54000,
        "text": "Okay, Acme fixed it. Fast and helpful answer, thanks!",
    }),
    Story("mention-lawyer", "mention", "structured", "A lawsuit cannot wait.", {
        "author": "@harbor_cafe", "brand": "Acme", "followers": 140,
        "text": "Our lawyer will write to Acme about the leaked invoices.",
    }, via="inbox", keyed=False),
)  # fmt: skip

FORMS = (
    Story("form-team", "form_submit", "binary", "A team of twelve that wants the API.", {
        "email": "lena@studio-elf.de", "name": "Lena Vogt", "form": "get-started",
        "answers": {"Team size": 12, "Goal": "integrate with our Kafka", "Consent": "yes"},
    }),
    Story("form-solo", "form_submit", "structured", "Alone, and new to it.", {
        "email": "pavel@example.com", "name": "Pavel", "consent": True,
        "answers": {"seats": "1", "goal": "answer support tickets", "experience": "beginner"},
    }),
    Story("form-business", "form_submit", "envelope", "Two hundred seats.", {
        "email": "it@grandhotel-see.ch", "consent": "ja",
        "answers": {"seats": "200", "use_case": ["leads", "crm"]},
    }),
    Story("form-bare", "form_submit", "bare", "Few answers: the smallest plan, a guided start.", {
        "email": "kim@example.org", "consent": True, "answers": {"goal": "just looking"},
    }),
    Story("form-consent", "form_submit", "binary", "No consent: a person, before any mail.", {
        "email": "omar@example.net", "answers": {"seats": 4, "goal": "sales"},
    }, keyed=False),
    Story("form-contradiction", "form_submit", "envelope", "Fifty people on the plan for three.", {
        "email": "ops@fiftyfold.com", "consent": True, "answers": {"plan": "solo", "seats": 50},
    }, via="inbox"),
    Story("form-german", "form_submit", "structured", "A form in German.", {
        "email": "buero@tischlerei-lang.de", "name": "Uwe Lang",
        "answers": {"Tarif": "Team", "Ziel": "Vertrieb", "Einwilligung": "Ja", "Erfahrung": "neu"},
    }),
    Story("form-rejected", "form_submit", "binary", "No address: the agent rejects it at once.", {
        "name": "Nobody", "consent": True, "answers": {"seats": 2},
    }, fails=True),
)  # fmt: skip

POSTS = (
    Story("post-price", "competitor_post", "binary", "Prices: a matter for sales.", {
        "company": "Betasoft", "title": "New prices from January",
        "text": "All plans get 10 percent cheaper.", "url": "https://betasoft.example/blog/prices",
        "published": "2026-11-20",
    }),
    Story("post-product", "competitor_post", "structured", "A new feature: for the product team.", {
        "company": "Gammaline", "title": "Introducing Flow",
        "text": "A new workflow editor, available today.", "url": "https://gammaline.example/flow",
    }),
    Story("post-breach", "competitor_post", "envelope", "A breach: do we have the same hole?", {
        "company": "Deltaworks", "title": "Data breach: what we know",
        "text": "Names and addresses of customers were copied.",
    }),
    Story("post-german", "competitor_post", "bare", "German, about money that was raised.", {
        "company": "Betasoft", "title": "Finanzierungsrunde abgeschlossen",
        "text": "8 Millionen Euro von bestehenden Investoren.",
    }),
    Story("post-empty", "competitor_post", "envelope", "Nothing in it: nobody is told.", {
        "company": "Gammaline", "title": "Untitled",
    }, via="inbox", keyed=False),
)  # fmt: skip

LINKS = (
    Story("link-moved", "broken_link", "binary", "Moved: the new place is known.", {
        "url": "https://docs.acme.example/old", "page": "https://acme.example/start",
        "anchor": "the guide", "status": 301, "redirect": "https://docs.acme.example/new",
    }),
    Story("link-gone", "broken_link", "structured", "Gone; a page of nearly that name exists.", {
        "url": "https://docs.acme.example/guide/setup", "page": "https://acme.example/start",
        "status": 404, "since": "2026-11-19T06:00:00Z",
        "candidates": ["https://docs.acme.example/guides/setup", "https://docs.acme.example/faq"],
    }),
    Story("link-typo", "broken_link", "envelope", "A bracket too much in the address.", {
        "url": "https://acme.example/pricing)", "page": "https://acme.example/blog/7",
        "status": "404",
    }, keyed=False),
    Story("link-passing", "broken_link", "bare", "A server's fault: it may pass by itself.", {
        "url": "https://partner.example/api", "page": "https://acme.example/partners",
        "status": 503,
    }),
)  # fmt: skip

STRANGE = (
    Story("broken-bytes", "new_lead", "binary", "The bytes are no JSON.",
          {"email": "broken@example.com"}, fails=True, raw=b'\xff\xfe{"email": "broken@exa'),
    Story("wrong-shape", "new_lead", "binary", "JSON, but the address is a number.",
          {"email": 4711, "name": ["a", "list"]}, keyed=False, fails=True),
    Story("unknown-type", "refund_requested", "envelope", "No agent takes refunds: the fallback.",
          {"order_no": "A-1009", "reason": "arrived broken"}, via="inbox"),
)  # fmt: skip

STORIES: tuple[Story, ...] = (
    *LEADS, *PAYMENTS, *MENTIONS, *FORMS, *POSTS, *LINKS, *PAID, *STRANGE,
)  # fmt: skip
