"""Recordings in, a dataset out that a trainer can trust."""
