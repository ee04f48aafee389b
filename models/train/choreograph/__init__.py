"""Movement with known beats, generated from real takes and from procedural choreography: the
training data of the Video2Rhythm network."""
