"""Datasets as other programs keep them: each format in a file of its own."""
