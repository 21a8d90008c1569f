"""The zoo: every network of the paper, its figures there and what it costs here."""
