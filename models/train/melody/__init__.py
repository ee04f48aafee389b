"""Songs for Drum2Music: rendered over generated harmony, cleaned, and written as tokens."""
