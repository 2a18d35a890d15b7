"""Networks and layers that more than one part of the house uses. Importing a module here imports torch."""
