"""From a dataset to a better voice: a plan, one loop, checkpoints that can be heard."""
