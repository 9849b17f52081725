"""The word lists of the monitoring agent: how much a word praises, blames or presses."""

from __future__ import annotations

ENGLISH = {
    "amazing": 3, "awesome": 3, "brilliant": 3, "excellent": 3, "fantastic": 3, "love": 3,
    "loved": 3, "loves": 3, "perfect": 3, "wonderful": 3, "delighted": 3, "outstanding": 3,
    "best": 3, "beautiful": 2, "easy": 2, "enjoy": 2, "fast": 2, "glad": 2, "good": 2, "great": 2,
    "happy": 2, "helpful": 2, "impressed": 2, "impressive": 2, "nice": 2, "pleased": 2,
    "recommend": 2, "recommended": 2, "reliable": 2, "smooth": 2, "solid": 2, "thank": 1,
    "thanks": 1, "useful": 2, "works": 1, "fine": 1, "fixed": 1, "better": 1, "smoother": 2,
    "easier": 2, "faster": 2, "gorgeous": 3, "saver": 2, "pleasant": 2,
    "superb": 3, "stable": 1, "intuitive": 2, "apologised": 1, "génial": 3,
    "clean": 2, "delightful": 3, "effortless": 3, "elegant": 2, "friendly": 2, "fun": 2,
    "kudos": 3, "lovely": 2, "polished": 2, "powerful": 2, "quick": 2, "satisfied": 2,
    "seamless": 3, "snappy": 2, "stunning": 3, "thrilled": 3, "worth": 1, "favourite": 3,
    "favorite": 3,
    "annoyed": -2, "cheated": -3, "complicated": -2, "delayed": -1, "disaster": -3, "fraud": -3,
    "freezes": -2, "glitch": -1, "glitches": -2, "ignored": -2, "irritating": -2, "laggy": -2,
    "lousy": -2, "messy": -2, "overpriced": -2, "pathetic": -3, "rude": -2, "stuck": -2,
    "unclear": -1, "unhelpful": -2, "unresponsive": -2,
    "annoying": -2, "bad": -2, "broken": -2, "bug": -1, "bugs": -2, "buggy": -2, "complain": -2,
    "confusing": -2, "crash": -2, "crashed": -2, "crashes": -2, "disappointed": -2,
    "disappointing": -2, "error": -1, "errors": -1, "expensive": -1, "fail": -2, "failed": -2,
    "fails": -2, "frustrated": -2, "frustrating": -2, "hard": -1, "lost": -1, "poor": -2,
    "problem": -1, "problems": -1, "slow": -2, "sucks": -3, "trouble": -1, "ugly": -2,
    "unreliable": -2, "unusable": -2, "useless": -2, "waste": -2, "worse": -2, "wrong": -1,
    "awful": -3, "angry": -3, "disgusting": -3, "furious": -3, "garbage": -3, "hate": -3,
    "hated": -3, "hates": -3, "horrible": -3, "outrageous": -3, "scam": -3, "terrible": -3,
    "worst": -3, "ridiculous": -2, "stole": -3, "stolen": -2, "wreck": -2, "wrecked": -2,
    "nightmare": -3, "clunky": -2, "unacceptable": -3, "down": -1, "leaked": -2, "hacked": -2,
    "outage": -1, "offline": -1,
}  # fmt: skip
"""Read as written."""

GERMAN = {
    "begeistert": 3, "großartig": 3, "hervorragend": 3, "liebe": 3, "perfekt": 3, "spitze": 3,
    "super": 3, "beste": 3, "ausgezeichnet": 3, "danke": 1, "einfach": 1, "empfehle": 2,
    "freundlich": 2, "froh": 2, "funktioniert": 1, "gefällt": 2, "gut": 2, "hilfreich": 2,
    "klasse": 2, "praktisch": 2, "schnell": 2, "schön": 2, "toll": 2, "zufrieden": 2,
    "zuverlässig": 2, "einwandfrei": 2, "fantastisch": 3, "genial": 3, "prima": 2, "reibungslos": 2,
    "wunderbar": 3, "absturz": -2, "enttäuschung": -2, "fehlerhaft": -2, "kompliziert": -2,
    "lästig": -2, "mangelhaft": -2, "nutzlos": -2, "unfreundlich": -2, "unübersichtlich": -2,
    "ärgerlich": -2, "defekt": -2, "enttäuscht": -2, "enttäuschend": -2,
    "fehler": -1, "kaputt": -2, "langsam": -2, "mies": -2, "nervig": -2, "nervt": -2,
    "problem": -1, "probleme": -1, "schlecht": -2, "teuer": -1, "umständlich": -2,
    "unbrauchbar": -3, "unzufrieden": -2, "abzocke": -3, "betrug": -3, "frechheit": -3,
    "furchtbar": -3, "hasse": -3, "katastrophe": -3, "schrecklich": -3, "unverschämt": -3,
    "wütend": -3,
}  # fmt: skip
"""Read with the endings of German adjectives taken off, too."""

EMOJI = {
    "😀": 2, "😃": 2, "😄": 2, "😊": 2, "😍": 3, "🥰": 3, "👍": 2, "🎉": 2, "❤": 3, "🙏": 1,
    "👎": -2, "😞": -2, "😕": -1, "😢": -2, "😭": -2, "😠": -3, "😡": -3, "🤬": -3, "💩": -3,
}  # fmt: skip

IDIOMS = {
    "never been better": 3, "never been easier": 3, "never been smoother": 3,
    "never been faster": 3, "life saver": 3, "thanks for nothing": -3, "danke für nichts": -3,
    "oh great": -2, "just what i needed": -2, "oh wonderful": -2, "on hold": -2,
    "schon wieder": -1, "na toll": -2, "no thanks to": -2,
}  # fmt: skip
"""Several words that mean something else together. Irony beyond these is not understood."""

NEGATIONS = frozenset({
    "not", "no", "never", "nothing", "hardly", "neither", "nor", "without", "cannot", "nicht",
    "dont", "doesnt", "didnt", "isnt", "wasnt", "cant", "wont",
    "kein", "keine", "keinen", "keinem", "keiner", "nie", "niemals", "nichts", "ohne", "kaum",
})  # fmt: skip
STRONGER = frozenset({
    "very", "really", "so", "extremely", "absolutely", "totally", "incredibly", "sehr", "total",
    "wirklich", "absolut", "echt", "extrem", "völlig",
})  # fmt: skip
TURNS = frozenset({
    "but", "however", "although", "though", "aber", "doch", "jedoch", "obwohl", "sondern", "und",
    "oder",
})  # fmt: skip
"""Words behind which a negation no longer reaches."""

URGENT = {
    "outage": 2, "down": 2, "offline": 2, "unavailable": 2, "ausfall": 2, "serverausfall": 2,
    "breach": 3, "leak": 3, "leaked": 3, "hacked": 3, "datenleck": 3, "gehackt": 3,
    "lawsuit": 3, "lawyer": 3, "lawyers": 3, "sue": 3, "suing": 3, "anwalt": 3, "klage": 3,
    "refund": 1, "chargeback": 1, "rückerstattung": 1, "erstattung": 1, "cancel": 1,
    "cancelling": 1, "kündigen": 1, "gekündigt": 1, "urgent": 1, "dringend": 1,
}  # fmt: skip
"""Words that cannot wait, and how little."""
