"""What Home Assistant loads beside its own components."""
