#!/usr/bin/python3
"""Writes children's stories from the plots in plots/*.txt and the words in vocabulary.py, one story a line.

A plot file holds plots, separated by blank lines. Each one begins with "# title; key=words; ...". The keys are
    when=day|plain|night|winter     what may be said of the time (plain: no weather, because the plot makes its own)
    not=KIND ...                    who has no part in it; kinds, things and places that the plot names never have
    trait= thing= place= food=      the only words to choose from
    friend=new                      the plot introduces the friend by itself without saying {a friend}
Then each line is a part of the story ("? " before it: in half of the stories):
    {slot}                          something of this story (see Story.slots) or of vocabulary.MACROS
    (this|that)                     a choice, made anew each time
    <who: Words.>                   somebody says this, in one of several forms; H, F and X are hero, friend and helper,
                                    Helper is a helper who was not there before
"""

import random
import re
import sys
from pathlib import Path

import vocabulary as words

FRIEND = "\x01"         # stands for the friend's name until it is known which mention is the first one


def read_plots():
    plots = []
    for path in sorted((Path(__file__).parent / "plots").glob("*.txt")):
        for block in path.read_text(encoding="ascii").strip().split("\n\n"):
            head, *lines = block.split("\n")
            title, *keys = head.removeprefix("# ").split(";")
            plots.append(Plot(title, dict(key.strip().split("=") for key in keys), lines))
    return plots


def words_of(text):
    return set(re.findall("[a-z]+", text.lower()))


class Plot:
    def __init__(self, title, keys, lines):
        self.title, self.lines = title, lines
        self.when = keys.get("when", "day")
        self.only = {key: keys[key].split() for key in ("trait", "thing", "place", "food") if key in keys}
        text = "\n".join(lines)
        self.taken = words_of(text) | set(keys.get("not", "").split())
        self.opening = re.match(r'.*?\{S0?\}.*?[.!?]"?(?= |$)', lines[0]).group()
        self.company = "{F}" in self.opening or bool(words_of(self.opening) & set(words.OTHERS))
        self.friend_is_new = "{a friend}" in text.lower() or keys.get("friend") == "new"

    def pick(self, rng, key, choices):
        """One of the choices that this plot allows; what a choice is called is its last word."""
        wanted = [c for c in choices if c.split()[-1] in self.only.get(key, ())]
        return rng.choice(wanted or [c for c in choices if c.split()[-1] not in self.taken])


class Story:
    def __init__(self, rng, plot):
        self.rng, self.plot = rng, plot
        kinds = rng.choice((words.CHILDREN, words.ANIMALS, words.ANIMALS, words.WONDERS))
        female, kind, name = self.character(kinds, ())
        _, friend_kind, friend = self.character(words.CHILDREN + words.ANIMALS, (kind, name))
        helper = plot.pick(rng, "helper", [h for h in words.HELPERS if h.split()[-1] not in (kind, friend_kind)])
        soft, hard = (plot.pick(rng, "thing", things) for things in (words.SOFT_THINGS, words.HARD_THINGS))
        thing = hard if "thing" in plot.only else rng.choice((soft, hard, hard))
        color = rng.choice(words.SOFT_COLORS if thing == soft else words.HARD_COLORS)
        place = plot.pick(rng, "place", list(words.PLACES))
        food = plot.pick(rng, "food", words.FOODS)
        self.slots = {
            "N": name, "kind": kind, "a hero": f"a {self.trait(kind)} {kind}",
            "he": "she" if female else "he", "him": "her" if female else "him", "his": "her" if female else "his",
            "himself": "herself" if female else "himself",
            "F": FRIEND, "fkind": friend_kind, "a friend": f"a {self.trait(friend_kind)} {friend_kind} named {friend}",
            "a helper": f"a {helper}", "helper": "the " + helper.split()[-1],
            "soft": soft, "hard": hard, "thing": thing, "a thing": f"a {color} {thing}",
            "in place": f"{words.PLACES[place]} the {place}",
            "home": rng.choice([h for h in words.HOMES if not plot.taken & set(h.split()[3:])]),
            "a food": food, "food": food.split()[-1],
        }
        self.friend = friend
        self.friend_introductions = (f"{{his}} friend {friend}", f"{{his}} friend {friend} the {friend_kind}")

    def character(self, kinds, others):
        """Sex, kind and name of somebody who is none of the others."""
        kind = self.plot.pick(self.rng, "kind", [k for k in kinds if k not in others] or words.ANIMALS)
        female = kind == "girl" if kind in words.CHILDREN else self.rng.random() < 0.5
        return female, kind, self.rng.choice([n for n in (words.FEMALE if female else words.MALE) if n not in others])

    def trait(self, kind):
        fitting = [t for t in words.TRAITS if not (kind == "giant" and t in words.SIZES)]
        if "afraid" in self.plot.taken:
            fitting.remove("brave")
        return self.plot.pick(self.rng, "trait", fitting)

    def expand(self, text):
        """Fills slots and makes choices, innermost first."""
        while match := re.search(r"\{([^{}]+)\}|\(([^()]*\|[^()]*)\)", text):
            slot, choice = match.groups()
            if choice is not None:
                value = self.rng.choice(choice.split("|"))
            elif slot in words.MACROS:
                value = words.MACROS[slot]
            elif slot in self.slots:
                value = self.slots[slot]
            else:
                value = self.slots[slot[0].lower() + slot[1:]]
                value = value[0].upper() + value[1:]
            text = text[:match.start()] + value + text[match.end():]
        return re.sub(r"<([^:>]+): ([^>]+)>", self.say, text)

    def say(self, match):
        who, text = match.groups()
        cast = {"H": self.slots["N"], "F": FRIEND, "X": self.slots["helper"], "Helper": self.slots["a helper"]}
        who = cast.get(who, who)
        first, rest = re.match(r"(.*?[.!?])(?: (.*))?$", text).groups()
        verb = {"?": "asked", "!": self.rng.choice(("said", "said", "cried")), ".": "said"}[first[-1]]
        if self.rng.random() < 0.3:
            return f'{who} {verb}, "{text}"'
        if first[-1] == ".":
            first = first[:-1] + ","
        return f'"{first}" {verb} {who}.' + (f' "{rest}"' if rest else "")

    def begin(self):
        """What comes before the plot, the subject of its first sentence, and what comes after that sentence."""
        rng, when = self.rng, self.plot.when
        times = {"day": words.DAYS, "plain": words.PLAIN_DAYS, "night": words.NIGHTS, "winter": words.WINTERS}[when]
        time = rng.choice(times) + ", " if "{S}" in self.plot.opening else ""
        named, form = "{a hero} named {N}", rng.random()
        if form < 0.42:
            before = rng.choice(words.INTRODUCTIONS)
            if rng.random() < 0.35 and "lived" not in before and "loved" not in before:
                before += " " + rng.choice(words.AFTERWARDS)
            return before, time + "{N}", ""
        if form < 0.66 and not self.plot.company:
            return "", time + "{a hero}", "{His} name was {N}."
        if form < 0.74 and when == "day" and time:
            return "", "Once there was " + named + " who", ""
        if form < 0.82 and when == "day" and time:
            return rng.choice(words.SKIES), named, ""
        if form < 0.88:
            return "", time + "{N} the {kind}", ""
        return "", (time if rng.random() < 0.8 or when != "day" else "Once upon a time, ") + named, ""

    def write(self):
        before, subject, after = self.begin()
        lines = [line for line in self.plot.lines if not line.startswith("? ") or self.rng.random() < 0.5]
        opening = re.sub(r"\{S0?\}", lambda _: subject, self.plot.opening)
        lines[0] = " ".join((before, opening, after, lines[0].removeprefix(self.plot.opening)))
        text = " ".join(self.expand(line.removeprefix("? ")) for line in lines)
        if not self.plot.friend_is_new:
            text = text.replace(FRIEND, self.expand(self.rng.choice(self.friend_introductions)), 1)
        for phrase, others in words.PARAPHRASES.items():
            text = re.sub(phrase, lambda m: self.rng.choice((m[0], *others)), text)
        return finish(text.replace(FRIEND, self.friend))


def finish(text):
    """Capitals at the beginning of sentences, an before vowels, single spaces."""
    text = re.sub(r"\s+", " ", text).strip()
    text = re.sub(r'\b([Aa]) (?=[aeiou])', r"\1n ", text)
    speaker = r'[.!?]" (?=(?:his|her|the|an?|someone|everyone) )'     # as opposed to: "Who?" asked Tom.
    return re.sub(rf'(^"?|[.!?] "?|{speaker})([a-z])', lambda m: m[1] + m[2].upper(), text)


def stories(seed):
    """Endless stories, the same ones for the same seed, no two alike."""
    rng, plots, told = random.Random(seed), read_plots(), set()
    while True:
        story = Story(rng, rng.choice(plots)).write()
        if story not in told:
            told.add(story)
            yield story


def main():
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    for _, story in zip(range(count), stories(seed)):
        print(story)


if __name__ == "__main__":
    main()
