from __future__ import annotations

from collections import defaultdict

from vivavoce.model.local.ear_language import normalised, trigram_arpa

SENTENCES = ["a table for two", "a table for four please", "two towels please", "a taxi"]


def read(arpa: str) -> dict[tuple[str, ...], tuple[float, float | None]]:
    """n-gram to probability and backoff, as ARPA says them."""
    grams: dict[tuple[str, ...], tuple[float, float | None]] = {}
    order = 0
    for line in arpa.splitlines():
        if line.endswith("-grams:"):
            order = int(line[1])
        elif order and line and not line.startswith("\\"):
            log10, *words = line.split()
            backoff = 10 ** float(words[order]) if len(words) > order else None
            grams[tuple(words[:order])] = (10 ** float(log10), backoff)
    return grams


def probability(grams: dict[tuple[str, ...], tuple[float, float | None]], context: tuple[str, ...], word: str) -> float:
    if (*context, word) in grams:
        return grams[*context, word][0]
    backoff = grams[context][1] if context in grams else None
    return (1.0 if backoff is None else backoff) * probability(grams, context[1:], word)


def test_every_context_shares_out_all_probability() -> None:
    grams = read(trigram_arpa(SENTENCES))
    vocabulary = {gram[0] for gram in grams if len(gram) == 1} - {"<s>"}
    contexts = {gram[:-1] for gram in grams} | {("please", "taxi")}
    for context in contexts:
        assert abs(sum(probability(grams, context, word) for word in vocabulary) - 1) < 1e-3, context


def test_the_counts_in_the_head_are_right() -> None:
    arpa = trigram_arpa(SENTENCES)
    counted: dict[int, int] = defaultdict(int)
    for gram in read(arpa):
        counted[len(gram)] += 1
    assert arpa.startswith("\\data\\\n" + "".join(f"ngram {n}={counted[n]}\n" for n in (1, 2, 3)))
    assert arpa.endswith("\\end\\\n")


def test_a_sentence_of_one_word_is_enough() -> None:
    assert ("<s>", "yes", "</s>") in read(trigram_arpa(["yes"]))


def test_sentences_are_made_plain() -> None:
    given = ["Wi-Fi, please!", "What’s the  VPN?", "room 312", "…", "' '", "café"]
    assert normalised(given) == ["wi fi please", "what's the vpn", "caf"]
