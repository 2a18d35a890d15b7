"""What the server answers, one noun a file."""
