"""Language models as teachers and writers of queries: prompts, transformers' models, OpenAI-compatible servers."""
