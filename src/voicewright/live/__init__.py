"""A microphone that speaks in another voice: blocks, seams, sound devices."""
