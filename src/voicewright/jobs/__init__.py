"""Work that waits its turn: one bounded queue in front of the studio, kept on disk."""
