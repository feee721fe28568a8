"""Chats: the ids of core/ against llama.cpp's own templates, and against the templates themselves, run by a Jinja."""

import dataclasses
import functools
import json
import subprocess

import pytest

from gguf_file import GgufFile
from gguf_writer import header
from places import BUILD, ROOT, built
from test_llama_cpp import ANSWER_SECONDS, HERE, NODE, ask, model_file  # pylint: disable=unused-import
from test_tokenizers import llama_cpp  # pylint: disable=unused-import
from vocabularies import CONTROL, VOCABULARIES, metadata, write

USER, OTHER, END = "{% if message['role'] == 'user' %}", "{% else %}", "{% endif %}{% endfor %}"
EACH, ASK = "{% for message in messages %}", "{% if add_generation_prompt %}"
TEMPLATES = {
    "chatml": EACH + "{{'<|im_start|>' + message['role'] + '\\n' + TEXT + '<|im_end|>' + '\\n'}}{% endfor %}" +
              ASK + "{{ '<|im_start|>assistant\\n' }}{% endif %}",
    "smollm2": EACH + "{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are a "
               "helpful AI assistant named SmolLM, trained by Hugging Face<|im_end|>\\n' }}{% endif %}"
               "{{'<|im_start|>' + message['role'] + '\\n' + TEXT + '<|im_end|>' + '\\n'}}{% endfor %}" +
               ASK + "{{ '<|im_start|>assistant\\n' }}{% endif %}",
    "deepseek-coder": "{%- set ns = namespace(found=false) -%}" + EACH + "{%- if message['role'] == 'system' -%}"
                      "{%- set ns.found = true -%}{%- endif -%}{%- endfor -%}{{bos_token}}{%- if not ns.found -%}"
                      "{{'You are an AI programming assistant.\\n'}}{%- endif %}" + EACH + USER +
                      "{{'### Instruction:\\n' + TEXT + '\\n'}}" + OTHER + "{{'### Response:\\n' + TEXT +"
                      " '\\n<|EOT|>\\n'}}" + END + ASK + "{{'### Response:\\n'}}{% endif %}",
    "llama-2": EACH + "{% set content = TEXT %}{% if message['role'] == 'system' %}{{ '<<SYS>>\\n' +"
               " content + '\\n<</SYS>>\\n\\n' }}{% elif message['role'] == 'user' %}{{ bos_token + '[INST] ' +"
               " content + ' [/INST]' }}{% else %}{{ ' '  + content + ' ' + eos_token }}" + END,
    "mistral-0.2": "{{ bos_token }}" + EACH + USER + "{{ '[INST] ' + TEXT + ' [/INST]' }}" + OTHER +
                   "{{ TEXT + eos_token}}" + END,
    "mistral-v1": "{{ bos_token }}" + EACH + "{% if message['role'] == 'system' %}{{ ' [INST] ' + system_message }}"
                  "{% elif message['role'] == 'user' %}{{ ' [INST] ' + TEXT + ' [/INST]' }}" + OTHER +
                  "{{ ' ' + TEXT + eos_token}}" + END,
    "mistral-v3": "{{ bos_token }}{% if tools %}{{ '[AVAILABLE_TOOLS]' }}{% endif %}" + EACH + USER +
                  "{{ '[INST] ' + TEXT + '[/INST]' }}" + OTHER + "{{ ' ' + TEXT + eos_token}}" +
                  END,
    "mistral-v7": "{{ bos_token }}" + EACH + "{% if message['role'] == 'system' %}{{ '[SYSTEM_PROMPT] ' }}"
                  "{% elif message['role'] == 'user' %}{{ '[INST] ' + TEXT + '[/INST]' }}" + OTHER +
                  "{{ ' ' + TEXT + eos_token}}" + END,
    "zephyr": "{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\\n' + TEXT +"
              " eos_token }}\n{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\\n'  + TEXT +"
              " eos_token }}\n{% endif %}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n"
              "{% endif %}\n{% endfor %}",
    "monarch": EACH + "{{bos_token + message['role'] + '\\n' + TEXT + eos_token + '\\n'}}{% endfor %}" + ASK +
               "{{ bos_token + 'assistant\\n' }}{% endif %}",
    "openchat": "{{ bos_token }}" + EACH + "{{ 'GPT4 Correct ' + message['role'].title() + ': ' + TEXT +"
                " '<|end_of_turn|>'}}{% endfor %}" + ASK + "{{ 'GPT4 Correct Assistant:' }}{% endif %}",
    "vicuna": EACH + USER + "{{ 'USER: ' + TEXT + '\\n' }}" + OTHER + "{{ 'ASSISTANT: ' + TEXT +"
              " eos_token + '\\n' }}" + END + ASK + "{{ 'ASSISTANT:' }}{% endif %}",
    "alpaca": EACH + USER + "{{ '### Instruction:\\n' + TEXT | trim + '\\n\\n' }}" + OTHER +
              "{{ '### Response:\\n' + TEXT | trim + eos_token + '\\n\\n' }}" + END + ASK +
              "{{ '### Response:\\n' }}{% endif %}",
}
TEMPLATES = {family: template.replace("TEXT", "message['content']") for family, template in TEMPLATES.items()}
# Control tokens that such models have: put in the place of the default model's last pieces.
MARKS = ["<|EOT|>", "<|im_start|>", "<|im_end|>", "<|end_of_turn|>"]
TURNS = ["Hello", "Tell me a story, please.\nA short one", "x  y", "ö 株", ""]


@dataclasses.dataclass
class Chat:
    """What the user says, with a system message, in the format of a template; "" is none, and the file's own."""
    turns: list
    system: str = ""
    template: str = ""


@pytest.fixture(scope="session")
def chat_ids(tmp_path_factory):
    """core/ as a function: (model file, Chat, ...) -> of each chat the ids of each turn."""
    folder = tmp_path_factory.mktemp("chat")
    program, library = folder / "chat_ids", folder / "host.a"
    names = [path.relative_to(built("host")).with_suffix("") for path in built("host").rglob("*.o")]
    used = [name for name in names if name.parts[0] in ("core", "pc") or len(name.parts) == 1 and name.name != "main"]
    made = BUILD / "unicode_table.c"
    objects = [built("host") / f"{name}.o" for name in used  # of sources that are still there
               if name.name == made.stem or any((ROOT / folder / f"{name}.c").exists() for folder in (".", "host"))]
    subprocess.run(["ar", "rc", library, *objects], check=True, timeout=ANSWER_SECONDS)
    subprocess.run(["gcc", "-std=gnu11", f"-I{ROOT}", f"-I{ROOT}/core", f"-I{ROOT}/host", HERE / "chat_ids.c", library,
                    "-lpthread", "-o", program], check=True, timeout=ANSWER_SECONDS)

    def ids(path, *chats):
        fields = [field for chat in chats for field in (chat.template, chat.system, str(len(chat.turns)), *chat.turns)]
        result = subprocess.run([program, path], input="".join(field + "\0" for field in fields).encode(),
                                capture_output=True, timeout=ANSWER_SECONDS)
        assert result.returncode == 0, result.stderr
        lines = iter(result.stdout.decode().splitlines())
        return [[[int(number) for number in next(lines).split()] for _ in chat.turns] for chat in chats]

    return ids


@pytest.fixture(scope="session")
def chat_model(tmp_path_factory):
    """The default model with a family's template and control tokens, as a function of the family's name."""
    @functools.cache
    def write(family):
        path = model_file("default")
        file = GgufFile(path.read_bytes())
        pieces, types = (list(file.metadata["tokenizer.ggml." + key]) for key in ("tokens", "token_type"))
        pieces[-len(MARKS):], types[-len(MARKS):] = MARKS, [CONTROL] * len(MARKS)
        metadata = file.metadata | {"tokenizer.ggml.tokens": pieces, "tokenizer.ggml.token_type": types,
                                    "tokenizer.chat_template": TEMPLATES[family]}
        data, size = header(metadata, {name: (tensor.dimensions, tensor.type) for name, tensor in file.tensors.items()})
        copy = tmp_path_factory.mktemp(family) / "model.gguf"
        copy.write_bytes(data + path.read_bytes()[-size:])
        return copy

    return write


# ---- Against llama.cpp ----

# Of each family that core/text/chat.c has from llama.cpp, the marks by which it is recognised.
RECOGNISED = {
    "phi4": "<|im_start|> <|im_sep|>", "smolvlm": "<|im_start|> <end_of_utterance>", "chatml": "<|im_start|>",
    "mistral-v7": "[INST] [SYSTEM_PROMPT]", "mistral-v1": "[INST] ' [INST] ' + system_message",
    "mistral-v3-tekken": "[AVAILABLE_TOOLS]\"[INST]\"", "mistral-v3": "[INST][AVAILABLE_TOOLS]",
    "llama2-sys-strip": "[INST] content.strip()", "llama2-sys-bos": "bos_token + '[INST]",
    "llama2-sys": "[INST] <<SYS>>",
    "llama2": "[INST]", "phi3": "<|assistant|> <|end|>", "chatglm4": "[gMASK]<sop>",
    "zephyr": "<|user|> <|endoftext|>", "falcon3": "<|assistant|> <|user|> </s>", "glmedge": "<|assistant|> <|user|>",
    "monarch": "bos_token + message['role']", "gemma": "<start_of_turn>",
    "orion": "'\\n\\nAssistant: ' + eos_token", "openchat": "GPT4 Correct ", "vicuna": "USER: ASSISTANT: ",
    "vicuna-orca": "USER: ASSISTANT: SYSTEM: ", "deepseek": "### Instruction: <|EOT|>",
    "command-r": "<|START_OF_TURN_TOKEN|> <|USER_TOKEN|>", "llama3": "<|start_header_id|> <|end_header_id|>",
    "chatglm3": "[gMASK]sop", "minicpm": "<用户>", "deepseek2": "'Assistant: ' + message['content'] + eos_token",
    "deepseek3": "<｜Assistant｜> <｜User｜> <｜end▁of▁sentence｜>", "exaone3": "[|system|] [|assistant|] [|endofturn|]",
    "granite": "<|start_of_role|>",
    "gigachat": "message['role'] + additional_special_tokens[0] + message['content'] + additional_special_tokens[1]",
    "megrez": "<|role_start|>", "bailing": "<role>ASSISTANT</role> 'HUMAN'",
    "llama4": "<|header_start|> <|header_end|>",
}
ADDED = [ # control tokens of these families
    "<|im_start|>", "<|im_sep|>", "<|im_end|>", "<end_of_utterance>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]",
    "[/SYSTEM_PROMPT]", "<s>", "</s>", "<|assistant|>", "<|user|>", "<|system|>", "<|end|>", "<|endoftext|>", "[gMASK]",
    "<sop>", "sop", "<start_of_turn>", "<end_of_turn>", "<|end_of_turn|>", "<|EOT|>", "<|START_OF_TURN_TOKEN|>",
    "<|END_OF_TURN_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>", "<|SYSTEM_TOKEN|>", "<|start_header_id|>",
    "<|end_header_id|>", "<|eot_id|>", "<用户>", "<AI>", "<｜Assistant｜>", "<｜User｜>", "<｜end▁of▁sentence｜>",
    "[|system|]", "[|user|]", "[|assistant|]", "[|endofturn|]", "<|start_of_role|>", "<|end_of_role|>",
    "<|end_of_text|>", "<|message_sep|>", "<|role_sep|>", "<|role_start|>", "<|role_end|>", "<|turn_end|>", "<role>",
    "</role>", "<|header_start|>", "<|header_end|>", "<|eot|>",
]
SAID = ["Hello", " Tell me more, please.\nA short one ", "x  y ö 株"]
ANSWER, SYSTEM = "Yes", " You are brief.\nAlways. "


@pytest.fixture(scope="session")
def vocabulary(ask, tmp_path_factory):
    """A model without weights with a real vocabulary and all control tokens, as a function of the vocabulary's name."""
    del ask
    folder = tmp_path_factory.mktemp("chats")

    @functools.cache
    def written(name):
        keys = metadata(NODE / "node_modules", name) | {"llama.context_length": 1024}
        pieces, types, scores = (keys.get(f"tokenizer.ggml.{key}", []) for key in ("tokens", "token_type", "scores"))
        spare = [i for i, piece in enumerate(pieces) if piece.startswith("<unused")]
        for piece in set(ADDED).difference(pieces):
            if spare:
                at = spare.pop()
                pieces[at], types[at] = piece, CONTROL
            else:
                pieces.append(piece)
                types.append(CONTROL)
        scores += [0.0] * (len(pieces) - len(scores) if scores else 0)
        return write(folder / f"{name}.gguf", keys)

    return written


def check_conversation(judge, template, system, ours):
    """Three turns with an answer after each but the last: the ids are llama.cpp's, but for those of the answers."""
    messages = [("system", system)] if system else []
    for text in SAID[:-1]:
        messages += [("user", text), ("assistant", ANSWER)]
    theirs = judge.encode(judge.chat(template, messages + [("user", SAID[-1])]).encode(), True)
    rest = len(theirs) - sum(map(len, ours))
    assert rest > 0 and rest % 2 == 0
    at = 0
    for i, turn in enumerate(ours):
        assert theirs[at:at + len(turn)] == turn, f"turn {i + 1}"
        at += len(turn)
        if i < len(ours) - 1:
            assert judge.decode(theirs[at:at + rest // 2]).strip() == ANSWER
            at += rest // 2
    assert at == len(theirs)


@pytest.mark.parametrize("system", ["", SYSTEM], ids=["plain", "system"])
@pytest.mark.parametrize("name", [name for name in VOCABULARIES if name != "gpt-2"])  # it joins "\\n\\n" and an answer
def test_conversations_are_llama_cpps(llama_cpp, chat_ids, vocabulary, name, system):
    """In every family, by its marks and by its name."""
    path = vocabulary(name)
    templates = [*RECOGNISED, *RECOGNISED.values()]
    llama_cpp.open(path)
    for template, ours in zip(templates, chat_ids(path, *(Chat(SAID, system, text) for text in templates))):
        try:
            check_conversation(llama_cpp, template, system, ours)
        except AssertionError as error:
            raise AssertionError(template) from error


# ---- Against the templates themselves ----


@pytest.mark.parametrize("turn", TURNS, ids=repr)
@pytest.mark.parametrize("family", TEMPLATES)
def test_our_chat_agrees(ask, chat_ids, chat_model, family, turn):
    """Two turns: the first from the beginning, the second from the end of the answer between them."""
    path = chat_model(family)
    users = [{"role": "user", "content": text} for text in TURNS]
    answer = {"role": "assistant", "content": "Yes."}
    chats = [chat for user in users for chat in ([user], [user, answer, user])]
    index = 2 * TURNS.index(turn)
    theirs = ask(path, chats=chats)["chats"][index:index + 2]
    ours, = chat_ids(path, Chat(turns=[turn, turn]))
    assert ours[0] == theirs[0]
    assert ours[1] == theirs[1][-len(ours[1]):]


@pytest.mark.parametrize("name", ["llama3", "qwen2.5", "qwen3", "gemma3"])
def test_real_templates(ask, chat_ids, tmp_path, name):
    """Those of the models themselves, with their default system messages."""
    folder = NODE / "node_modules" / VOCABULARIES[name][0] / "models/tokenizer_config.json"
    template = json.loads(folder.read_text())["chat_template"]
    keys = metadata(NODE / "node_modules", name) | {"llama.context_length": 1024, "tokenizer.chat_template": template}
    path = write(tmp_path / "model.gguf", keys)
    users = [{"role": "user", "content": text} for text in SAID]
    chats = [[users[0]], [users[0], {"role": "assistant", "content": ANSWER}, users[1]]]
    theirs = ask(path, chats=chats)["chats"]
    ours, = chat_ids(path, Chat(turns=SAID[:2]))
    assert ours[0] == theirs[0]
    assert ours[1] == theirs[1][-len(ours[1]):]
    rest = theirs[1][len(ours[0]):-len(ours[1])]
    assert 0 < len(rest) < 4


def test_control_tokens_that_the_user_types_stay_text(chat_ids, chat_model):
    path = chat_model("chatml")
    (plain,), (typed,) = chat_ids(path, Chat(turns=[""]), Chat(turns=["</s><|im_end|><s>"]))
    control = [1, 2, 508, 509, 510, 511]
    assert [token for token in typed if token in control] == [token for token in plain if token in control]
    assert len(typed) > len(plain) + 10
