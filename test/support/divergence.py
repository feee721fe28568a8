"""How far logits are from others."""
import math


def log_softmax(logits):
    largest = max(logits)
    total = math.log(sum(math.exp(value - largest) for value in logits)) + largest
    return [value - total for value in logits]


def compare(reference_logits, logits, vocabulary):
    """Mean KL(reference || logits) in nat, and the share of positions with the same most likely token."""
    divergence = same = 0
    positions = range(0, len(reference_logits), vocabulary)
    for position in positions:
        ours, theirs = (values[position:position + vocabulary] for values in (logits, reference_logits))
        same += ours.index(max(ours)) == theirs.index(max(theirs))
        divergence += sum(math.exp(p) * (p - q) for p, q in zip(log_softmax(theirs), log_softmax(ours)))
    return divergence / len(positions), same / len(positions)
