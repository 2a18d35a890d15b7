"""Meters: likeness, words, naturalness, pitch and speed of speech, and one report of them all.

A meter reads a clip of any rate. It never changes it, and never fetches anything by itself.
"""
