"""Checked takes, long texts, subtitles and the card inside each output."""
