"""The HTTP API: the studio and its queue for programs and for the page."""
