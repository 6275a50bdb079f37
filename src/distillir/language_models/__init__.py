"""Language models that are asked: prompts, models by transformers, OpenAI-compatible servers."""
