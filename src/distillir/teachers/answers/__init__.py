"""Teachers' answers, each paid for once: the cache, its keys and records, and what was not answered."""
