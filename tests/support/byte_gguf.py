"""A GGUF file of random weights that llama.cpp's server can fill in with."""

from __future__ import annotations

from pathlib import Path

import numpy as np

CONTROL = ["<|endoftext|>", "<|fim_prefix|>", "<|fim_suffix|>", "<|fim_middle|>"]
WIDTH, HIDDEN, LAYERS, HEADS = 64, 128, 2, 4


def write_gguf(path: Path) -> Path:
    """A Llama of random weights whose tokens are bytes and Qwen's control tokens."""
    import gguf

    rng = np.random.default_rng(0)
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    alphabet = {byte: chr(byte) for byte in printable}
    for i, byte in enumerate(b for b in range(256) if b not in alphabet):
        alphabet[byte] = chr(256 + i)
    tokens = [alphabet[byte] for byte in range(256)] + CONTROL
    writer = gguf.GGUFWriter(str(path), "llama")
    writer.add_context_length(4096)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(HIDDEN)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.NORMAL] * 256 + [gguf.TokenType.CONTROL] * len(CONTROL))
    writer.add_token_merges([f"{alphabet[110]} {alphabet[112]}"])
    writer.add_eos_token_id(256)
    writer.add_add_bos_token(False)

    def add(name: str, *shape: int) -> None:
        writer.add_tensor(name, (rng.standard_normal(shape) * 0.3).astype(np.float32))

    add("token_embd.weight", len(tokens), WIDTH)
    add("output.weight", len(tokens), WIDTH)
    writer.add_tensor("output_norm.weight", np.ones(WIDTH, np.float32))
    for i in range(LAYERS):
        at = f"blk.{i}"
        writer.add_tensor(f"{at}.attn_norm.weight", np.ones(WIDTH, np.float32))
        writer.add_tensor(f"{at}.ffn_norm.weight", np.ones(WIDTH, np.float32))
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"{at}.{name}.weight", WIDTH, WIDTH)
        add(f"{at}.ffn_gate.weight", HIDDEN, WIDTH)
        add(f"{at}.ffn_up.weight", HIDDEN, WIDTH)
        add(f"{at}.ffn_down.weight", WIDTH, HIDDEN)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
