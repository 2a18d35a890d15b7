"""Where weights come from: a table of sets, a store that checks them, readers of foreign files."""
