"""A recording said or sung again in another voice: slices, pitch, joins, mixing back with the music."""
