"""Movement with known beats, made out of real takes and of procedural choreography: what the Video2Rhythm network learns from."""
