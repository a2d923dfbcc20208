"""Why: an answer in words, the rules in words, and what would have to change for another answer."""
