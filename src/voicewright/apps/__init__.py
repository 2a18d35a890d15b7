"""The edges: the command line. It calls `Studio` and shows what comes back; nothing is decided here."""
