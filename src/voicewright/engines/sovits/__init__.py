"""Singing and speech conversion of the so-vits-svc family (4.0, its fork, 4.1): VITS over content features."""
