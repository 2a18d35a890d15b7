"""Human transcripts of every common kind, read to one type."""
