"""The so-vits-svc family: its fork and 4.1."""
