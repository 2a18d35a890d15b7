"""Text: what is written → what is said (`normalize`, `split`) → how it sounds (`phonemes`) → what the network reads
(`tokens`).
"""
