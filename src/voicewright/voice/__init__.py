"""Voices: the file, the library, the reference doctor, consent."""
