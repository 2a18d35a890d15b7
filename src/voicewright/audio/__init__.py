"""Sound: clips and their rate, files, editing, loudness, activity, pitch, mel. numpy, no torch."""
