"""The words that every story draws from. Plots bring their own words along (plots/*.txt)."""

# Each begins with another letter: the network copies a name piece by piece, and the first one tells which it is. (As
# one piece each, names look all alike to it, and it never learns to copy them.)
MALE = "Ben Finn Gus Hugo Jack Leo Ned Otto Pip Sam Tim Will".split()
FEMALE = "Anna Clara Dot Ella Ivy Kate Mia Rosa Una Vera Yara Zoe".split()

CHILDREN = "boy girl".split()
ANIMALS = ("fox bear rabbit mouse cat dog bird duck frog pig hen owl turtle squirrel hedgehog kitten puppy lamb goat "
           "penguin beaver otter mole badger sheep donkey").split()
WONDERS = "robot dragon giant elf".split()

TRAITS = "small little young kind happy curious clever gentle funny friendly quiet cheerful tiny brave".split()

SIZES = "small little tiny".split()

# Whoever else a plot may bring along in its first sentence.
OTHERS = ANIMALS + WONDERS + ("friend helper fish snail wolf duckling butterfly cloud star scarecrow statue snowman "
                              "chick").split()

# Those who know something and help; the last word is what a story then calls them.
HELPERS = ["old owl", "wise turtle", "kind farmer", "big bear", "gray goose", "white horse", "old sailor", "kind baker",
           "old goat", "wise crow", "brown cow", "old wizard"]

SOFT_COLORS = "red blue green yellow little old pretty".split()
HARD_COLORS = SOFT_COLORS + "shiny golden silver".split()

# Small things that can be found, lost, carried and given; no two of them begin alike, since they are copied piece by
# piece.
SOFT_THINGS = "hat kite book doll feather scarf".split()
HARD_THINGS = "lamp mirror cup drum wagon spoon ring clock flute whistle button bell crown".split()

PLACES = {
    "forest": "in", "garden": "in", "park": "in", "meadow": "in", "field": "in", "valley": "in",
    "hill": "on", "beach": "on", "farm": "on",
    "river": "by", "pond": "by", "lake": "by", "bridge": "by", "mill": "by", "road": "by",
    "village": "in",
}

HOMES = ["in a little house", "in a small village", "by the sea", "near the sea", "at the edge of the forest",
         "by a quiet river", "on a green hill", "at the foot of a mountain", "in a warm house with a red door",
         "in a little house with a round window", "near an old mill", "in a house full of books",
         "next to a big garden"]

FOODS = ["a cake", "a pie", "a pancake", "some bread", "some soup", "some honey", "some cheese", "some jam", "a cookie",
         "an apple", "a pear", "a sandwich"]

# A slot {name} that the story does not fill by itself is filled from here, anew each time.
MACROS = {
    "happy": "(happy|glad|very happy|so happy)",
    "sad": "(sad|very sad|so sad)",
    "tired": "(tired|very tired)",
    "loved it": "(looked at it for a long time|held it up to the sun|held it close|put it in a safe place)",
    "spot": "(under a tree|behind a big stone|in the tall grass|next to an old log|under a green leaf)",
    "hobby": "(to look at the clouds|to play outside|to take long walks|to hear a good story|to laugh|to help others"
             "|to ask questions|to run in the wind|to eat warm soup|to learn new things|to sit in the sun"
             "|to drink hot tea)",
    "end": "(That night, {N} fell asleep with a smile.|That night, {N} slept very well.|It was a very good day."
           "|{N} never forgot that day.|And {N} was happy.|{N} went home with a happy heart."
           "|{N} smiled all the way home.|What a good day it was!|{N} felt warm inside."
           "|{N} told everyone at home about it.)",
    "bond": "(From that day on, {N} and {F} were best friends.|And so {N} and {F} became friends."
            "|{N} and {F} played together until it was dark.|{N} and {F} laughed and laughed."
            "|After that, {N} and {F} met every day.|{N} and {F} stayed friends forever.)",
}

DAYS = ("One day", "One day", "One day", "One day", "One morning", "One morning", "One afternoon", "One sunny day",
        "One sunny morning", "One warm day", "One windy day", "One cold morning", "One spring day",
        "One summer morning", "One quiet afternoon", "One fine day")
PLAIN_DAYS = ("One day", "One day", "One morning")
NIGHTS = ("One night", "One dark night", "One quiet night", "Late one night")
WINTERS = ("One winter day", "One cold day", "One cold winter morning")
SKIES = ("It was a sunny day.", "It was a sunny day, and the birds were singing.", "It was a warm morning.",
        "It was a warm day, and the air smelled of flowers.", "White clouds moved across the sky.",
        "It was a windy day.", "It was a cold and clear morning.",
         "It was a fine spring day.", "The sun was shining.", "The sky was blue.", "It was a quiet afternoon.")

INTRODUCTIONS = (
    "Once upon a time, there was {a hero} named {N}.",
    "Once upon a time, there was {a hero} named {N}.",
    "Once upon a time, there was {a hero}. {His} name was {N}.",
    "Once upon a time, there lived {a hero} named {N}.",
    "Once there was {a hero} named {N}.",
    "There once was {a hero} named {N}.",
    "Long ago, there was {a hero} named {N}.",
    "Long ago, {a hero} named {N} lived {home}.",
    "Once upon a time, {a hero} named {N} lived {home}.",
    "Once upon a time, {a hero} lived {home}. {His} name was {N}.",
    "{N} was {a hero}.",
    "{N} was {a hero} who lived {home}.",
    "{N} was {a hero} who loved {hobby}.",
    "{N} the {kind} lived {home}.",
    "Far away, {a hero} named {N} lived {home}.",
    "There was {a hero} who lived {home}. {His} name was {N}.",
    "This is a story about {a hero} named {N}.",
)
AFTERWARDS = ("{He} lived {home}.", "{N} lived {home}.", "{He} loved {hobby}.", "{N} loved {hobby}.")

# Other ways to say the same, chosen anew at each place.
PARAPHRASES = {
    "At last,": ["Finally,", "In the end,"],
    "began to": ["started to"],
    "came by": ["came along", "walked by"],
    "was afraid of": ["was scared of"],
    "fast asleep": ["sound asleep"],
    "ran home": ["hurried home"],
    "walked home": ["went home"],
    "for a long time": ["for a long while"],
    "big hug": ["warm hug", "long hug"],
    "all day": ["the whole day"],
    "looked around": ["looked all around"],
    "Thank you!": ["Thank you so much!", "Oh, thank you!"],
    "did not give up": ["kept trying", "tried again and again"],
    "The next day,": ["The next morning,", "The day after,"],
    "In the evening,": ["When evening came,", "Late in the day,"],
    "everyone clapped": ["they all clapped"],
    "Soon ": ["Before long, "],
    "I am sorry": ["I am so sorry"],
}
