"""Texts that are difficult for tokenizers, as bytes, the same in every run."""

import random

SPACES = [" ", "  ", "   ", " " * 8, " " * 17, "\t", "\t\t", "\n", "\n\n", "\n\n\n", "\r\n", "\r", "\r\n\r\n", " \n",
          "\n ", " \n ", "\t\n", "\v", "\f", "\x1c", "\x1f", "\x85", "\u00a0", "\u1680", "\u2003", "\u2028",
          "\u202f", "\u3000", "\u200b", "\ufeff"]
WORDS = ["a", "I", "Hello", "world", "don", "HELLO", "camelCase", "XMLHttpRequest", "naïve", "Über", "ÉCOLE", "éA",
         "Aé", "ßen", "Привет", "ПРИВЕТ", "γειά", "שלום", "مرحبا", "नमस्ते", "สวัสดี", "你好", "世界", "こんにちは", "カタカナ",
         "안녕", "株式会社", "ﬁ", "Ⅷ", "ǅ", "ʰ", "ª", "ա", "Ա", "ა", "Ა", "ꟊ", "ⴀ", "𝐀", "𐐀", "𞤀", "ʔ", "ƻ", "ͅ", "ー"]
DIGITS = ["0", "7", "12", "123", "1234", "1234567", "1234567890123", "3.14", "1,000", "٠١٢٣", "१२३४", "１２３４", "²",
          "½", "Ⅳ", "①", "〇", "一二三", "𝟙𝟚𝟛𝟜", "៣", "๑๒๓๔"]
MARKS = ["e\u0301", "\u0301", "a\u0300\u0301\u0302", "\u0e33", "\u093f", "\u20d0", "\u0488", "\ufe0f", "क्‍ष"]
SYMBOLS = ["!", "?", "...", "…", "--", "—", "“", "”", "‘", "«", "»", "$", "€", "+", "<", "=", ">", "<=>", "^", "~",
           "|", "||", "`", "```", "_", "__init__", "#", "@", "&", "%", "*", "/", "\\", "//", "(", ")", "[]", "{}",
           ";", ":", ",", "'", '"', "、", "。", "！", "（", "・", "©", "™", "→", "∑", "▁", "▁▁", "░", "\x00", "\x01",
           "\x7f", "\u00ad", "\u2060", "\ue000", "\uffff", "\U0010ffff", "\u0378", "\U0001f9ff"]
EMOJI = ["🙂", "👍🏽", "👩‍🚀", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪", "1️⃣", "❤️", "☺"]
ENDS = ["s", "t", "re", "ve", "m", "ll", "d", "S", "T", "RE", "Ve", "vE", "M", "LL", "lL", "D", "x", "r", "l", "v", "ſ",
        "st", "sd", "'s", "lls"]
CONTRACTIONS = [quote + end for quote in ("'", "’", " '") for end in ENDS]
CODE = ["int main(void)\n{\n    return 0;\n}\n", "for (i = 0; i < n; i++)\t// loop",
        "def f(x):\n\treturn x**2  # ok\n", "#include <stdio.h>\r\n", "a=b+c;d-=e",
        "https://example.org/a?b=c&d=%20#x", "SELECT * FROM t WHERE a='b';", "\\begin{x}$\\alpha_1^2$",
        "if(x){\n\n\n  y\n}", "0x1F 1e-5 0b101", "<div class=\"a\">text</div>", "x/\n/y", "//\r\n//"]
SPECIAL = ["<s>", "</s>", "<unk>", "<|endoftext|>", "<|begin_of_text|>", "<|end_of_text|>", "<|eot_id|>",
           "<|im_start|>", "<|im_end|>", "<|start_header_id|>", "<|reserved_special_token_0|>", "<tool_call>",
           "</tool_call>", "<|fim_prefix|>", "<|repo_name|>", "<|im_start", "|im_end|>", "<|", "|>", "<|eot_id|",
           "<<|eot_id|>>", "<0x0A>", "<|vision_start|>", "[INST]", "<|im_|im_end|>"]
ILL_FORMED = [b"\x80", b"\xbf", b"\xc0\x80", b"\xc1\xbf", b"\xc3", b"\xc3(", b"\xe2\x82", b"\xe2(\xa1",
              b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xbf\xbf", b"\xf0\x9f\x98", b"\xf0\x80\x80\x80", b"\xf5",
              b"\xf8\x88\x80\x80\x80", b"\xfe", b"\xff", b"\xff\xff", b"\xe4\xbd", b"caf\xe9", b"na\xefve \xfcber"]
LISTS = [SPACES, WORDS, DIGITS, MARKS, SYMBOLS, EMOJI, CONTRACTIONS, CODE, SPECIAL]


def _pieces(generator, lists, most):
    return "".join(generator.choice(generator.choice(lists)) for _ in range(generator.randint(1, most)))


def nasty_texts():
    """2,500 texts and more."""
    generator = random.Random(2026)
    texts = [item.encode() for items in LISTS for item in items] + ILL_FORMED
    texts += [b"", b"a" * 300, b" " * 300, b"\n" * 200, b"1" * 100, "é".encode() * 100, b"A" * 200, b"aA" * 100]
    texts += [(before + space + after).encode() for space in SPACES for before in ("a", "1", "!", "é", "'")
              for after in ("", "b", "2", "?", "Ü", "'s")]
    texts += [_pieces(generator, LISTS, 8).encode() for _ in range(700)]
    texts += [_pieces(generator, [SPACES, words], 10).encode() for words in LISTS for _ in range(40)]
    texts += ["".join(chr(generator.choice([generator.randrange(0x20, 0x250), generator.randrange(0x20, 0x3100),
                                            generator.randrange(0x10000, 0x20000)])) for _ in range(30)).encode()
              for _ in range(200)]
    for _ in range(250):
        parts = [generator.choice(ILL_FORMED) if generator.random() < 0.4 else _pieces(generator, LISTS, 2).encode()
                 for _ in range(5)]
        texts.append(b"".join(parts))
    return texts
