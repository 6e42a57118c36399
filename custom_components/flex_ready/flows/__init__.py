"""One flow per kind of entry."""
