"""A language model in llama.cpp's file: random weights of one layer, a vocabulary of words, letters and bytes.

Three parts of its last vector are set by the last token alone. One never changes: from it ``A`` and ``B`` are likelier
than all else, and which of the two, the text decides. By another, a word follows an answer, and by the third the end
follows a word.
"""

from pathlib import Path

import gguf
import numpy as np
import numpy.typing as npt

WIDTH, HEADS, INNER, CONTEXT = 32, 4, 64, 8192
END = 2
WORDS = ("what", "which", "how", "the", "of", "is", "in", "cell", "energy", "water", "light", "plant", "star", "rock")
CHAT = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)


def save_gguf(path: Path) -> str:
    """Write the model; returns its path."""
    answers = ["▁A", "A", "▁B", "B"]
    letters = [chr(code) for code in range(32, 127) if chr(code) not in "AB"]
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁", *answers]
    tokens += [*letters, *(f"▁{word}" for word in WORDS)]
    types = [gguf.TokenType.UNKNOWN, *2 * [gguf.TokenType.CONTROL], *256 * [gguf.TokenType.BYTE]]
    types += (len(tokens) - len(types)) * [gguf.TokenType.NORMAL]
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_name("tiny")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores([-float(place) for place in range(len(tokens))])
    writer.add_token_types(types)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(END)
    writer.add_unk_token_id(0)
    writer.add_chat_template(CHAT)
    words = [tokens.index(f"▁{word}") for word in WORDS]
    for name, tensor in _weights(len(tokens), [tokens.index(answer) for answer in answers], words).items():
        writer.add_tensor(name, tensor)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return str(path)


def _weights(size: int, answers: list[int], words: list[int]) -> dict[str, npt.NDArray[np.float32]]:
    generator = np.random.default_rng(0)

    def drawn(*shape: int, scale: float = 0.3) -> npt.NDArray[np.float32]:
        return generator.normal(0, scale, shape).astype(np.float32)

    read, written = drawn(size, WIDTH, scale=1), drawn(size, WIDTH)
    read[:, :3] = written[:, :3] = 0
    read[:, 0], written[answers, 0] = 4, 6
    read[answers, 1], written[words, 1] = 4, 16
    read[words, 2], written[END, 2] = 4, 20
    ones = np.ones(WIDTH, dtype=np.float32)
    found = {"token_embd.weight": read, "output_norm.weight": ones, "output.weight": written}
    found |= {f"blk.0.{name}_norm.weight": ones for name in ("attn", "ffn")}
    found |= {f"blk.0.attn_{name}.weight": drawn(WIDTH, WIDTH) for name in ("q", "k", "v", "output")}
    found |= {f"blk.0.ffn_{name}.weight": drawn(INNER, WIDTH) for name in ("gate", "up")}
    found["blk.0.ffn_down.weight"] = drawn(WIDTH, INNER)
    # To the three parts nothing is added.
    found["blk.0.attn_output.weight"][:3] = found["blk.0.ffn_down.weight"][:3] = 0
    return found
