"""Our networks against what the original systems compute: same weights in, same numbers out."""
