"""The steps from recordings to utterances: each a function from one task to plain data."""
