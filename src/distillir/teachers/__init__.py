"""Teachers: whatever knows better, and the cache that lets each score be paid for once."""
