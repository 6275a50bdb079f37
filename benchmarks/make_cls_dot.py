"""An encoder as dense students of the papers have it: the [CLS] state, compared by dot product.

python benchmarks/make_cls_dot.py bert-base-uncased models/bert-base-cls-dot
"""

import argparse


def make(model: str, folder: str) -> None:
    """Save the encoder as a folder that sentence-transformers loads, its words and weights as they are."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer

    encoder = Transformer(model)
    pooling = Pooling(encoder.get_embedding_dimension(), "cls")
    SentenceTransformer(modules=[encoder, pooling], similarity_fn_name="dot").save_pretrained(folder)


def main() -> None:
    """Make the folder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help="a name on the Hugging Face Hub, or a folder")
    parser.add_argument("folder", help="where the student's first state goes")
    asked = parser.parse_args()
    make(asked.model, asked.folder)


if __name__ == "__main__":
    main()
