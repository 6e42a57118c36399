"""Who may call: an identity provider of our own for development, and the verification of anybody's tokens."""
