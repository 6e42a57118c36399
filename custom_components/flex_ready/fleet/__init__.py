"""The operator's side: remote BACS that are asked for flexibility, and followed."""
