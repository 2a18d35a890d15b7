"""Families of models. One folder each; none knows another."""
