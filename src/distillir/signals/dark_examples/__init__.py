"""Dark examples (ADAM): texts of moderate relevance, made of a query's positive and its negatives before tokenising."""
