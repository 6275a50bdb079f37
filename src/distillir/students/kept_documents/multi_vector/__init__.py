"""Kept documents of late-interaction students: token vectors that stay."""
