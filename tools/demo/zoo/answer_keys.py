"""What an answer key says of a reply, as src/judge/answer_key.cpp does."""


def holds(text, entries):
    return any(sum(phrase.lower() in text for phrase in entry["phrases"]) >= entry.get("at_least", 1) for entry in entries)


def verdict(key, text):
    """Of the visible part of a reply."""
    text = text.lower()
    if not text.strip():
        return "empty"
    is_answer, is_refusal = holds(text, key["answers"]), holds(text, key["refusals"])
    return "partial" if is_answer and is_refusal else "refused" if is_refusal else "answered" if is_answer else key["otherwise"]
